"""What /proc tells about processes: enough to prove that one is ours before it is ended."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """One process of /proc. `started` is in clock ticks since boot: with it a pid names one process for good."""

    pid: int
    state: str
    parent: int
    session: int
    started: int

    @property
    def alive(self) -> bool:
        """Not a zombie that only waits to be collected."""
        return self.state not in "ZX"


def boot_id() -> str:
    """Identifies this run of the kernel; pids and start times of another one mean nothing."""
    return (PROC / "sys/kernel/random/boot_id").read_text().strip()


def process(pid: int) -> Process | None:
    """A process by its number; None when there is none."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(")") + 2 :].split()  # the name before may hold anything
    return Process(pid, fields[0], int(fields[1]), int(fields[3]), int(fields[19]))


def processes() -> Iterator[Process]:
    """All processes that can be seen."""
    for folder in PROC.iterdir():
        if folder.name.isdigit() and (found := process(int(folder.name))):
            yield found


def in_session(session: int) -> list[Process]:
    """Living processes of a session: a child of ours and all that it started without a session of their own."""
    return [found for found in processes() if found.session == session and found.alive]


def in_folder(folder: Path) -> list[Process]:
    """Living processes whose working directory is `folder`, as is that of every process of a PostgreSQL cluster."""
    there = []
    for found in processes():
        with suppress(OSError):
            if found.alive and Path(f"/proc/{found.pid}/cwd").samefile(folder):
                there.append(found)
    return there


def send(found: Process, what: signal.Signals) -> None:
    """Signals exactly this process: nothing when it is gone, even if its number was given away since."""
    now = process(found.pid)
    if now is not None and now.started == found.started:
        with suppress(ProcessLookupError):
            os.kill(found.pid, what)


def adopt_orphans() -> None:
    """Makes this process the parent of any descendant whose own parent dies."""
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_orphans(known: Collection[int]) -> None:
    """Kills and collects our children that are not `known`: what dead children of ours have left behind."""
    own = os.getpid()
    for found in list(processes()):
        if found.parent == own and found.pid not in known:
            send(found, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(found.pid, 0)
