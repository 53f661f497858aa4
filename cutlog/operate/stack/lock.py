"""One `cutlog up` per DATA."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class AlreadyRunning(RuntimeError):
    """Another `cutlog up` uses this folder."""


@contextmanager
def hold(folder: Path, url: str) -> Iterator[None]:
    """Holds the lock of DATA/run for as long as the block runs; the kernel frees it even after kill -9.
    `url` is what a second one is told. Raises AlreadyRunning with the holder's pid and URL."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid, _, at = os.pread(descriptor, 4096, 0).decode().strip().partition(" ")
            holder = f"process {pid} at {at}" if pid else "a process that has just started"
            raise AlreadyRunning(f"{folder.parent} is already in use by {holder}.") from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {url}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
