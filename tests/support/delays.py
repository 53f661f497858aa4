"""How long others must wait for a process: processor time between two turns of its event loop.

It is counted in processor time of the whole process, so that it is the same on a busy machine. Callbacks that compute
count, and so does a thread that keeps the interpreter to itself; one that takes turns with the loop does not.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Delays:
    """`worst` in seconds, and the callbacks of that turn of the loop, with theirs."""

    worst: float = 0.0
    ran: list[tuple[float, str]] = field(default_factory=list)


@asynccontextmanager
async def delays() -> AsyncIterator[Delays]:
    """Watches this thread's event loop while the block runs. What there was before is no work for the garbage
    collector then: a process that has run thousands of tests has far more of it than a service."""
    found, stop = Delays(), False
    turn: list[tuple[float, asyncio.Handle]] = []
    original = asyncio.events.Handle._run

    def counted(handle: asyncio.Handle) -> None:
        began = time.thread_time()
        original(handle)
        turn.append((time.thread_time() - began, handle))

    async def ticking() -> None:
        while not stop:
            turn.clear()
            began = time.process_time()
            await asyncio.sleep(0)
            took = time.process_time() - began
            if took > found.worst:
                found.worst = took
                found.ran = [(own, repr(handle)) for own, handle in sorted(turn, key=lambda each: -each[0])[:5]]

    gc.collect()
    gc.freeze()
    setattr(asyncio.events.Handle, "_run", counted)  # noqa: B010
    task = asyncio.create_task(ticking())
    try:
        yield found
    finally:
        stop = True
        await task
        setattr(asyncio.events.Handle, "_run", original)  # noqa: B010
        gc.unfreeze()
