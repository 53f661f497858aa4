"""Kills parts of a running stack."""

from __future__ import annotations

import asyncio
import os
import signal

from tests.support.stacks import RunningStack
from tests.support.waiting import eventually

SERVICES = ("ops", "media", "render", "gc")


async def kill(stack: RunningStack, part: str) -> None:
    """kill -9 of one part; returns when the supervisor runs it again, and a service is ready."""
    pid = stack.pids[part]
    os.kill(pid, signal.SIGKILL)
    await eventually(lambda: stack.pids.get(part) not in (None, pid))
    if part in SERVICES:
        base = f"http://{stack.state.listen[part]}"
        await eventually(lambda: ready(stack, base))


async def ready(stack: RunningStack, base: str) -> bool:
    status, _ = await asyncio.to_thread(lambda: stack.get("/readyz", base=base))
    return status == 200
