"""Programs of the stack as plain child processes of the test; they die with it."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TypeVar

from cutlog.process.program import Program

T = TypeVar("T")


@cache
def dying_with_us() -> tuple[str, ...]:
    """What ends a child with its parent, as our launcher does, and starts ten times as fast; nothing, where util-linux
    has no such command."""
    command = ("setpriv", "--pdeathsig", "KILL", "--")
    able = shutil.which(command[0]) and subprocess.run([*command, "true"], stderr=subprocess.DEVNULL).returncode == 0
    return command if able else ()


def start_plainly(program: Program, log: Path) -> subprocess.Popen[bytes]:
    """Starts a program that needs nothing else of our launcher, of which tests start hundreds."""
    if not dying_with_us() or program.death != signal.SIGKILL or program.account or program.passages:
        return start(program, log)
    with log.open("ab") as sink:
        return subprocess.Popen(
            [*dying_with_us(), *map(str, program.argv)],
            env=program.environment(),
            cwd=program.cwd,
            umask=0o077,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
        )


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
