"""Each trial is a process of its own, a fork of this one: what it loads, changes or breaks ends with it."""

from __future__ import annotations

import os
import resource
import signal
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final, NamedTuple

MEMORY: Final = 6 << 30
"""Bytes of address space; a defect may ask for all there is."""
PATIENCE: Final = 600.0
"""Seconds in which one trial of a defect ends, on a busy machine too."""


class Trial(NamedTuple):
    """What the process runs, for so many seconds of processor time at most, and exits with. It may be silent for
    `patience` seconds."""

    run: Callable[[], int]
    seconds: float
    patience: float = PATIENCE


def statuses(trials: Sequence[Trial], jobs: int) -> list[int]:
    """With what each of them exited, so many at a time. One that is stopped has a status that is not zero."""
    waiting, running, found = list(range(len(trials)))[::-1], dict[int, int](), [1] * len(trials)
    while waiting or running:
        while waiting and len(running) < jobs:
            number = waiting.pop()
            running[_started(trials[number])] = number
        patience = max(trials[number].patience for number in running.values())
        for pid, status in _ended(list(running), patience).items():
            found[running.pop(pid)] = status
    return found


def _started(trial: Trial) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        limit = int(trial.seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        status = trial.run()
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _ended(pids: Sequence[int], patience: float) -> dict[int, int]:
    """Waits until one of the processes has ended. One that is silent for too long is ended."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = {pid: os.waitstatus_to_exitcode(status) for pid, status in map(_waited, pids) if pid}
        if found:
            for pid in found:
                _end_what_it_started(pid)
            return found
        time.sleep(0.01)
    _end_what_it_started(pids[0])
    os.waitpid(pids[0], 0)
    return {pids[0]: 1}


def _waited(pid: int) -> tuple[int, int]:
    return os.waitpid(pid, os.WNOHANG)


def _end_what_it_started(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
