"""What an operator sees with the stock `nats` CLI."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Tenant
from tests.e2e.job import main_job
from tests.support.stacks import CHECKOUT
from tests.support.waiting import PATIENCE

NATS = shutil.which("nats")
pytestmark = [
    pytest.mark.slow(reason="needs the whole stack, beside the main job"),
    pytest.mark.skipif(NATS is None, reason="the nats CLI is not installed (.ci/run installs it through Go)"),
]


def run(*command: str, env: dict[str, str]) -> str:
    """What a command prints on a terminal; the `nats` CLI shows streams only there."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, cwd=CHECKOUT, env=env, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    printed = b""
    try:
        while chunk := os.read(ours, 1 << 16):
            printed += chunk
    except OSError:  # a terminal's end, once its last program is gone
        pass
    finally:
        os.close(ours)
    output = printed.decode().replace("\r\n", "\n")
    assert process.wait(PATIENCE) == 0, output
    return output


async def test_the_stream_is_readable_json_in_the_stock_cli(tenant: Tenant, clip: Path, tmp_path: Path) -> None:
    done = await main_job(tenant.client, clip)
    assert NATS is not None
    env = os.environ | {"XDG_CONFIG_HOME": str(tmp_path)}
    installing = (sys.executable, "-m", "cutlog", "nats-context", "--data", str(tenant.stack.data), "--select")
    await asyncio.to_thread(run, *installing, env=env)
    shown = await asyncio.to_thread(
        run, NATS, "stream", "view", "EVENTS", "25", "--subject", f"evt.project.{done.project_id}.>", env=env
    )
    bodies = [json.loads(line) for line in shown.splitlines() if line.startswith("{")]
    subjects = re.findall(r"Subject: (\S+)", shown)
    types = [subject.rpartition(".")[2] for subject in subjects]
    assert types.count("VersionCommitted") == 3 and types.count("ProxyRendered") == 3
    assert types[0] == "ProjectCreated" and types[-1] == "ExportPinned"
    assert len(bodies) == len(types)
    assert [body["version"] for body, type_ in zip(bodies, types, strict=True) if type_ == "VersionCommitted"] == [
        1,
        2,
        3,
    ]
    listed = await asyncio.to_thread(run, NATS, "micro", "ls", env=env)
    assert all(name in listed for name in ("ops", "media", "render", "gc"))
