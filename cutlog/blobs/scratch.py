"""Folders and files of unfinished work. Each is locked by the process that uses it; what is not locked is litter."""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Iterator, Set
from contextlib import contextmanager
from pathlib import Path


def hand_over(path: Path, folder: Path) -> None:
    """What root makes in a folder of another user, as a command beside a running stack does, is that user's."""
    if os.geteuid() == 0 and (owner := folder.stat()).st_uid != 0:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def share(folder: Path) -> None:
    """A folder in which root works for another user stays its own, and that user's group may remove it."""
    if os.geteuid() == 0 and (owner := folder.parent.stat()).st_uid != 0:
        os.chown(folder, -1, owner.st_gid)
        folder.chmod(0o770)


@contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A fresh folder in `parent`, removed at the end with all it holds."""
    while True:
        folder = parent / uuid.uuid4().hex
        folder.mkdir(parents=True)
        share(folder)
        try:
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:  # a sweeper was faster than our lock
            continue
        try:
            if _lock(descriptor) and folder.exists():
                yield folder
                return
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)


@contextmanager
def scratch_file(parent: Path) -> Iterator[tuple[Path, int]]:
    """The name of a fresh file in `parent` and a descriptor to write it; the name is gone at the end."""
    parent.mkdir(parents=True, exist_ok=True)
    path = parent / uuid.uuid4().hex
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    try:
        hand_over(path, parent)
        _lock(descriptor)
        yield path, descriptor
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def sweep_folder(parent: Path, spared: Set[str] = frozenset()) -> int:
    """Removes what no living process holds, but for the names in `spared`; how many entries."""
    removed = 0
    for entry in parent.iterdir() if parent.is_dir() else ():
        if entry.name in spared:
            continue
        try:
            descriptor = os.open(entry, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            if _lock(descriptor):
                if entry.is_dir():
                    shutil.rmtree(entry, ignore_errors=True)
                else:
                    entry.unlink(missing_ok=True)
                removed += 1
        finally:
            os.close(descriptor)
    return removed


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
