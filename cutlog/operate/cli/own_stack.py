"""A stack for as long as a command needs one: `cutlog up` as a child process that dies with us."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from cutlog.operate.cli.failing import unusable
from cutlog.operate.stack.state import NotRunning, read_state
from cutlog.process.program import Program

READY_WITHIN = 120.0


class StackDidNotStart(Exception):
    """The stack did not start."""


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[None]:
    """The stack on `data`: the one that runs, or one of our own for as long as it is needed."""
    try:
        read_state(data)
    except NotRunning:
        async with own_stack(data):
            yield
    else:
        yield


@asynccontextmanager
async def own_stack(data: Path) -> AsyncIterator[str]:
    """Runs a stack on `data` and a free port; yields its URL once it serves, and stops it cleanly.

    What it prints goes to `data`/up.log. Raises StackDidNotStart with its last words.
    """
    words = data / "up.log"
    try:
        data.mkdir(parents=True, exist_ok=True)
        stderr = words.open("wb")
    except OSError as error:
        raise StackDidNotStart(unusable(data, error)) from None
    ours = [name for name in os.environ if name.startswith("CUTLOG_")]
    program = Program(
        name="up",
        argv=[sys.executable, "-m", "cutlog", "up", "--data", str(data), "--port", "0"],
        env={},
        grace=30.0,
        inherit=("PATH", "LANG", "HOME", "TMPDIR", *ours),
    )
    with stderr:
        process = await asyncio.create_subprocess_exec(
            *program.command(), env=program.environment(), stdout=asyncio.subprocess.PIPE, stderr=stderr
        )
    try:
        yield await _ready(process, words)
    finally:
        if process.returncode is None:
            process.send_signal(program.stop)
            try:
                await asyncio.wait_for(process.wait(), program.grace)
            except TimeoutError:
                process.kill()
                await process.wait()


async def _ready(process: asyncio.subprocess.Process, words: Path) -> str:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(READY_WITHIN):
            async for line in process.stdout:
                word, _, url = line.decode().strip().partition(" ")
                if word == "ready":
                    return url
    except TimeoutError:
        raise StackDidNotStart(f"It is not ready after {READY_WITHIN:.0f} s; see {words}.") from None
    await process.wait()
    last = words.read_text(errors="replace").strip().splitlines()[-5:]
    raise StackDidNotStart("\n".join(last) or f"It ended with code {process.returncode}.")
