"""What a renderer reports."""

from __future__ import annotations

from typing import Any

from cutlog.contract.commands import Output, ReportProxy
from tests.ops.conftest import Ask

SIZE, SHA = 1234, "12" * 32


def file(key: str) -> Output:
    return Output(key=key, size=SIZE, sha256=SHA, frames=20, encoded=5)


async def proxy_made(ask: Ask, version: int, key: str | None = None, *, project: str = "p1") -> Any:
    made = file(f"proxy/{project}/v{version}_proxy.mp4")
    report = ReportProxy(project_id=project, version=version, digest="ab" * 32, output=made)
    return await ask("render", report, key or f"proxy-{version}")
