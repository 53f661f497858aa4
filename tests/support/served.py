"""A service as a process of its own, as `cutlog up` or an installation would start it."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
from pydantic import SecretStr

from cutlog.hosting.settings import Settings
from tests.support.ports import free_ports
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def served(
    service: str, settings: Settings, session: aiohttp.ClientSession, environment: dict[str, str] | None = None
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """`cutlog serve` with those settings, but on a port of its own: the process, ready for work, and its URL. Killed at
    the end. `environment` is added to that of the settings."""
    (port,) = free_ports(1)
    told = {
        f"CUTLOG_{name.upper()}": value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in settings
        if value is not None and not isinstance(value, dict) and name not in ("listen", "bucket_secret")
    }
    told |= {"CUTLOG_LISTEN": f"127.0.0.1:{port}", "CUTLOG_PEERS": msgspec.json.encode(settings.peers).decode()}
    told |= {"PATH": os.environ["PATH"]} | (environment or {})
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "cutlog", "serve", service, env=told, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"

    async def ready() -> bool:
        assert process.returncode is None, f"{service} ended with {process.returncode}"
        try:
            async with session.get(f"{url}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientConnectionError:
            return False

    try:
        await eventually(ready)
        yield process, url
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
