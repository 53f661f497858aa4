"""What a killed `cutlog up` may leave behind, found again and ended by the next.

Normally nothing is left, for the kernel signals our children when we die; this is for what is still on its way out.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

from cutlog.operate.stack.processes import Process, boot_id, in_folder, in_session, process, send

PATIENCE = 10.0
"""Seconds for each way to ask a process to end."""


class LeftoverStays(RuntimeError):
    """A process of an earlier `cutlog up` does not end."""


def record(folder: Path, name: str, pid: int) -> None:
    """Notes which process is our child `name`, so that another run can prove that it was ours."""
    found = process(pid)
    if found is not None:
        (folder / name).write_text(f"{pid} {found.started} {boot_id()}\n")


def forget(folder: Path, name: str) -> None:
    """The child has ended."""
    (folder / name).unlink(missing_ok=True)


def end_leftovers(folder: Path, cluster: Path) -> list[str]:
    """Ends the processes noted in `folder`, with their sessions, and those of the PostgreSQL in `cluster`. Returns
    the names of what was still running. The caller holds the lock of DATA. Raises LeftoverStays."""
    ended = []
    for note in sorted(folder.iterdir()):
        if any(_ours(note)):
            ended.append(note.name)
            if note.name != "postgres":
                _end(lambda note=note: _ours(note), (signal.SIGKILL,))  # type: ignore[misc]
        note.unlink()
    if cluster.is_dir() and in_folder(cluster):
        # Fast, then immediate shutdown, then by force; backends follow their postmaster.
        _end(lambda: in_folder(cluster), (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL))
    return ended


def _ours(note: Path) -> list[Process]:
    pid, started, boot = [*note.read_text().split(), "0", "0", ""][:3]
    leader = process(int(pid))
    if boot != boot_id() or (leader is not None and leader.started != int(started)):
        return []  # the number was given to somebody else
    return in_session(int(pid))


def _end(remaining: Callable[[], list[Process]], signals: tuple[signal.Signals, ...]) -> None:
    for what in signals:
        deadline = time.monotonic() + PATIENCE
        for found in remaining():
            send(found, what)
        while remaining():
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
        else:
            return
    raise LeftoverStays(", ".join(str(found.pid) for found in remaining()))
