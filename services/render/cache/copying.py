"""Bytes of files, copied by the kernel or looked at where they lie: none of them passes through this process."""

from __future__ import annotations

import errno
import mmap
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from services.render.errors import RenderError

Range = tuple[int, int]
"""First byte, and how many."""

#: What says that two files can't be copied between in this way.
_ELSEWHERE: Final = {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.ETXTBSY}
_AT_ONCE: Final = 8 << 20


class EndedEarlyError(RenderError):
    """A file is shorter than it was said to be."""


def mapped(path: Path, start: int = 0, size: int | None = None) -> memoryview:
    """Bytes of a file where they lie in the page cache, for as long as somebody has the view. Raises FileNotFoundError,
    EndedEarlyError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        there = os.fstat(descriptor).st_size
        size = there - start if size is None else size
        if there < start + size:
            raise EndedEarlyError(str(path))
        if size <= 0:
            return memoryview(b"")
        slack = start % mmap.ALLOCATIONGRANULARITY
        area = mmap.mmap(descriptor, slack + size, access=mmap.ACCESS_READ, offset=start - slack)
        return memoryview(area)[slack:]
    finally:
        os.close(descriptor)


def crc_of(path: Path, ranges: Iterable[Range]) -> int:
    """The CRC-32 of ranges of a file, one after the other. Raises FileNotFoundError, EndedEarlyError."""
    crc = 0
    for start, size in ranges:
        for at in range(start, start + size, _AT_ONCE):
            crc = zlib.crc32(mapped(path, at, min(_AT_ONCE, start + size - at)), crc)
    return crc


def append(out: int, path: Path, start: int, size: int) -> None:
    """Adds bytes of a file to the file `out`. Raises FileNotFoundError, EndedEarlyError."""
    source = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        end = start + size
        while start < end:
            count = _copied(out, source, start, end - start)
            if not count:
                raise EndedEarlyError(str(path))
            start += count
    finally:
        os.close(source)


def _copied(out: int, source: int, start: int, size: int) -> int:
    try:
        return os.copy_file_range(source, out, size, start)
    except OSError as error:
        if error.errno not in _ELSEWHERE:
            raise
    # Between file systems, or where a file system has no such call.
    return os.sendfile(out, source, start, size)
