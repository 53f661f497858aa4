"""Bytes of unfinished uploads in a folder: one file for each, which the processes of one machine share.

The file may be longer than the row says after a crash: what was not counted is cut off before more is added. Who writes
holds a lock on the file, which a process that dies lets go.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import hashlib
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from services.media.ingest.writing import Appended, Writing, writing
from services.media.uploads.holding import BusyError, BytesLostError
from services.media.uploads.resumable import Resumable

log = structlog.get_logger(__name__)

DIGESTS: Final = 256
"""Uploads whose running digest is remembered, to be compared with what is stored."""
GRACE_SECONDS: Final = 60.0
"""Longer than any transaction that might still add the row of a file."""


class FileHolding:
    """The files of one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._digests = Digests()

    async def begin(self, upload_id: str) -> None:
        (self._folder / upload_id).touch(exist_ok=False)

    async def check(self, row: Resumable) -> None:
        path = self._folder / row.id
        if not path.is_file() or path.lstat().st_size < row.received:
            raise BytesLostError(str(BytesLostError.__doc__))

    @asynccontextmanager
    async def open(self, upload_id: str) -> AsyncIterator[HeldFile]:
        path = self._folder / upload_id
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            yield HeldFile(path, None, self._digests)  # the row tells whether it ended, or its bytes are lost
            return
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(str(BusyError.__doc__)) from None
            yield HeldFile(path, descriptor, self._digests)
        finally:
            os.close(descriptor)

    async def drop(self, upload_id: str) -> None:
        self._digests.forget(upload_id)
        (self._folder / upload_id).unlink(missing_ok=True)

    async def sweep(self, known: Callable[[set[str]], Awaitable[set[str]]]) -> int:
        names = {path.name for path in self._folder.iterdir() if _settled(path)}
        unknown = names - await known(names)
        for name in unknown:
            await self.drop(name)
        return len(unknown)


class Digests:
    """The running digests of what this process received, of uploads that it has from their first byte on."""

    def __init__(self) -> None:
        self._running: OrderedDict[str, tuple[int, hashlib._Hash]] = OrderedDict()

    def take(self, upload_id: str, size: int) -> hashlib._Hash | None:
        """That of the first `size` bytes, which its next owner continues."""
        known = self._running.pop(upload_id, None)
        if known is not None and known[0] == size:
            return known[1]
        return None if size else hashlib.sha256()

    def remember(self, upload_id: str, size: int, digest: hashlib._Hash) -> None:
        self._running[upload_id] = (size, digest)
        if len(self._running) > DIGESTS:
            self._running.popitem(last=False)

    def forget(self, upload_id: str) -> None:
        self._running.pop(upload_id, None)


class HeldFile:
    """One file, for this request alone; no descriptor: there is none."""

    def __init__(self, path: Path, descriptor: int | None, digests: Digests) -> None:
        self._path, self._descriptor, self._digests = path, descriptor, digests

    @asynccontextmanager
    async def adding(self, row: Resumable, digest: hashlib._Hash | None) -> AsyncIterator[AddingToFile]:
        file = Appended(self._complete(row))
        await asyncio.to_thread(file.cut, row.received)
        running = self._digests.take(row.id, row.received)
        async with writing(file, [each for each in (running, digest) if each is not None]) as written:
            adding = AddingToFile(row, file, written)
            try:
                yield adding
            finally:
                if running is not None and adding.row.received == file.size:
                    self._digests.remember(row.id, file.size, running)

    @asynccontextmanager
    async def whole(self, row: Resumable) -> AsyncIterator[tuple[Path, str]]:
        file = Appended(self._complete(row))
        await asyncio.to_thread(file.cut, row.size)
        stored, received = await asyncio.to_thread(_digest, self._path), self._digests.take(row.id, row.size)
        if received is not None and received.hexdigest() != stored:
            log.error("upload.file_lost", id=row.id, why="is not what was received")
            raise BytesLostError(str(BytesLostError.__doc__))
        yield self._path, stored

    def _complete(self, row: Resumable) -> int:
        """The descriptor of a file that has all that was counted: one that has less would be filled with zeros."""
        if self._descriptor is None or os.fstat(self._descriptor).st_size < row.received:
            raise BytesLostError(str(BytesLostError.__doc__))
        return self._descriptor


class AddingToFile:
    """To the end of the file."""

    def __init__(self, row: Resumable, file: Appended, written: Writing) -> None:
        self.row, self._file, self._written = row, file, written
        self._came = self._stored = file.size

    async def add(self, chunk: bytes) -> None:
        await self._written.add(chunk)
        self._came += len(chunk)

    @property
    def unstored(self) -> int:
        return self._came - self._stored

    async def store(self) -> int:
        await self._written.settle()
        await asyncio.to_thread(self._file.sync)
        self._stored = self._file.size
        return self._stored

    async def note(self, connection: AsyncConnection) -> None:
        pass

    async def noted(self, row: Resumable) -> None:
        self.row = row


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settled(path: Path) -> bool:
    """Whether a file is older than any transaction that might still add its row."""
    with contextlib.suppress(FileNotFoundError):
        return datetime.now(UTC).timestamp() - path.lstat().st_mtime > GRACE_SECONDS
    return False
