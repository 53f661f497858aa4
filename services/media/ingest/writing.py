"""Bytes of an upload on their way to a file: written and hashed in a thread, one batch while the next one comes."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

#: Bytes of pieces that wait while a batch is written: the more at once, the fewer turns of a thread.
BATCH: Final = 1 << 20
#: Bytes after which the disk is given what was written: the sync at the end finds little left to wait for.
FLUSH: Final = 8 << 20


class Appended:
    """A file that bytes are added to. The descriptor stays its owner's."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._flushed = self.size = 0

    def cut(self, size: int) -> None:
        """Goes on at `size`; what is behind it is gone."""
        os.ftruncate(self._descriptor, size)
        os.lseek(self._descriptor, size, os.SEEK_SET)
        self._flushed = self.size = size

    def add(self, pieces: Sequence[bytes], digests: Sequence[hashlib._Hash]) -> None:
        """Writes and hashes. `size` and the digests know of whole pieces only. Raises OSError."""
        for piece in pieces:
            left = memoryview(piece)
            while left:
                left = left[os.write(self._descriptor, left) :]
            self.size += len(piece)
            for digest in digests:
                digest.update(piece)
        if self.size - self._flushed >= FLUSH:
            # Begins to write what is dirty and waits for nothing; what is not on disk yet stays in memory. PostgreSQL's
            # pg_flush_data does the same where it has no sync_file_range.
            os.posix_fadvise(self._descriptor, self._flushed, self.size - self._flushed, os.POSIX_FADV_DONTNEED)
            self._flushed = self.size

    def sync(self) -> None:
        """Returns when the disk has everything. Raises OSError."""
        os.fdatasync(self._descriptor)


class Writing:
    """The pieces that one request brings to a file."""

    def __init__(self, file: Appended, digests: Sequence[hashlib._Hash]) -> None:
        self._file, self._digests = file, digests
        self._pieces: list[bytes] = []
        self._size = 0
        self._under_way: asyncio.Future[None] | None = None
        self._failure: BaseException | None = None

    async def add(self, piece: bytes) -> None:
        """Takes a piece, and waits where the disk is too far behind. Raises the OSError of any piece before it."""
        self._check()
        self._pieces.append(piece)
        self._size += len(piece)
        self._begin()
        while self._size >= BATCH:
            await self._ended()

    async def settle(self) -> None:
        """Returns when all pieces are in the file, or will not be. Raises the OSError that kept them from it."""
        while self._under_way is not None:
            await self._ended()
        self._check()

    def _begin(self) -> None:
        """Has a thread write what waits, unless it is at the batch before."""
        if self._under_way is None and self._pieces:
            pieces, self._pieces, self._size = self._pieces, [], 0
            self._under_way = asyncio.get_running_loop().run_in_executor(None, self._file.add, pieces, self._digests)
            self._under_way.add_done_callback(self._written)

    def _written(self, batch: asyncio.Future[None]) -> None:
        self._under_way, self._failure = None, batch.exception()
        if self._failure is not None:
            self._pieces, self._size = [], 0
        self._begin()

    async def _ended(self) -> None:
        if self._under_way is not None:
            await asyncio.wait([self._under_way])  # unlike `await`, this leaves the thread alone when cancelled

    def _check(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure


@asynccontextmanager
async def writing(file: Appended, digests: Sequence[hashlib._Hash]) -> AsyncIterator[Writing]:
    """At the end of the block, however it ends, what came is in the file, and no thread has it. Raises OSError."""
    pieces = Writing(file, digests)
    try:
        yield pieces
    finally:
        await pieces.settle()
