"""Programs of the stack as plain child processes of the test; they die with it."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from cutlog.stack.program import Program

T = TypeVar("T")


def start(program: Program, log: Path) -> subprocess.Popen[bytes]:
    """Starts a program; its output goes to the end of `log`."""
    with log.open("ab") as sink:
        return subprocess.Popen(
            program.command(), env=program.environment(), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
        )


def stop(program: Program, process: subprocess.Popen[bytes]) -> None:
    """Asks it to stop in its own way and waits; kills it after its grace."""
    if process.poll() is None:
        process.send_signal(program.stop)
        try:
            process.wait(program.grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def complete(work: Coroutine[object, object, T]) -> T:
    """Runs a coroutine from plain code, on a loop of its own, whatever loop the test uses."""
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(asyncio.run, work).result()
