"""The `.proto` files as descriptors, compiled by the real protoc."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PROTO = Path(__file__).parents[2] / "proto"


@pytest.fixture(scope="session")
def descriptors(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A protobuf DescriptorPool that holds every message of `cutlog.v1`."""
    from google.protobuf import descriptor_pb2, descriptor_pool  # type: ignore[import-untyped]

    out = tmp_path_factory.mktemp("protoc") / "cutlog.binpb"
    files = sorted(path.relative_to(PROTO).as_posix() for path in PROTO.rglob("*.proto"))
    command = [sys.executable, "-m", "grpc_tools.protoc", f"-I{PROTO}", "--include_imports"]
    subprocess.run([*command, f"--descriptor_set_out={out}", *files], check=True, cwd=PROTO)
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes()).file:
        pool.Add(file)
    return pool
