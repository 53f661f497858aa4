"""Bytes of unfinished uploads in a bucket: objects with a row for each, which every process sees.

A part counts once its row is committed together with the upload's new offset; of two requests that add at the same
offset one commits, and the other is told. A part that has no row is removed when its upload ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.contract.keys import PARTS, PartKey, UnknownKeyError, parse_key, parts_of
from services.media.ingest.writing import Appended, Writing
from services.media.uploads import resumable
from services.media.uploads.holding import BytesLostError
from services.media.uploads.resumable import Part, Resumable

log = structlog.get_logger(__name__)

TAIL: Final = 1 << 20
"""A last part that is smaller is written once more, with what follows it: so parts stay few however small requests
are."""


class PartHolding:
    """The parts below `temp/resumable/`."""

    def __init__(self, engine: AsyncEngine, blobs: BlobStore) -> None:
        self._engine, self._blobs = engine, blobs

    async def begin(self, upload_id: str) -> None:
        pass

    async def check(self, row: Resumable) -> None:
        async with self._engine.connect() as connection:
            await resumable.last_part(connection, row)

    @asynccontextmanager
    async def open(self, upload_id: str) -> AsyncIterator[HeldParts]:
        yield HeldParts(self._engine, self._blobs)

    async def drop(self, upload_id: str) -> None:
        for key in [head.key async for head in self._blobs.list(parts_of(upload_id))]:
            await self._blobs.delete(key)

    async def sweep(self, known: Callable[[set[str]], Awaitable[set[str]]]) -> int:
        # In this order: no part is put before its upload has a row, so that an upload without one has ended.
        names = {name async for head in self._blobs.list(PARTS) if (name := _upload_of(head.key)) is not None}
        unknown = names - await known(names)
        for name in unknown:
            await self.drop(name)
        return len(unknown)


class HeldParts:
    """The parts of one upload."""

    def __init__(self, engine: AsyncEngine, blobs: BlobStore) -> None:
        self._engine, self._blobs = engine, blobs

    @asynccontextmanager
    async def adding(self, row: Resumable, digest: hashlib._Hash | None) -> AsyncIterator[AddingParts]:
        async with self._engine.connect() as connection:
            last = await resumable.last_part(connection, row)
        tail = last if last is not None and last.size < TAIL else None
        data = b"" if tail is None else await self._read(row, tail)
        async with self._blobs.scratch() as folder:
            with (folder / "part").open("xb", buffering=0) as file:
                adding = AddingParts(self._blobs, row, folder / "part", file.fileno(), digest)
                if tail is not None:
                    await adding.begin_with(tail, data)
                try:
                    yield adding
                finally:
                    await adding.end()

    @asynccontextmanager
    async def whole(self, row: Resumable) -> AsyncIterator[tuple[Path, str]]:
        async with self._engine.connect() as connection:
            parts = await resumable.parts(connection, row.id)
        ends = [0, *(part.end for part in parts)]
        if ends[-1] != row.size or any(part.start != end for part, end in zip(parts, ends, strict=False)):
            raise BytesLostError(str(BytesLostError.__doc__))
        digest = hashlib.sha256()
        async with self._blobs.scratch() as folder:
            path = folder / "upload"
            with path.open("xb", buffering=0) as file:
                appended = Appended(file.fileno())
                for part in parts:
                    await self._append(part, appended, digest)
            yield path, digest.hexdigest()

    async def _append(self, part: Part, file: Appended, digest: hashlib._Hash) -> None:
        """What is stored of a part, proven to be what came."""
        own, before = hashlib.sha256(), file.size
        try:
            async with aclosing(self._blobs.stream(part.key)) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    await asyncio.to_thread(file.add, [chunk], [own, digest])
        except BlobNotFoundError as error:
            raise _lost(part, "is not there") from error
        if (file.size - before, own.hexdigest()) != (part.size, part.sha256):
            raise _lost(part, "is not what was received")

    async def _read(self, row: Resumable, part: Part) -> bytes:
        try:
            data = await self._blobs.get(part.key)
        except BlobNotFoundError as error:
            async with self._engine.connect() as connection:
                await resumable.last_part(connection, row)  # another request may have replaced it meanwhile
            raise _lost(part, "is not there") from error
        if hashlib.sha256(data).hexdigest() != part.sha256:
            raise _lost(part, "is not what was received")
        return data


def _upload_of(key: str) -> str | None:
    """Whose part it is; None, and it stays, where that can't be read."""
    try:
        part = parse_key(key)
    except UnknownKeyError:
        log.warning("upload.unknown_part", key=key)
        return None
    return part.upload_id if isinstance(part, PartKey) else None


def _lost(part: Part, why: str) -> BytesLostError:
    log.error("upload.part_lost", key=part.key, why=why)
    return BytesLostError(str(BytesLostError.__doc__))


class AddingParts:
    """Gathers bytes in a file and puts them into the bucket, one object each time that they are stored."""

    def __init__(
        self, blobs: BlobStore, row: Resumable, path: Path, descriptor: int, digest: hashlib._Hash | None
    ) -> None:
        self._blobs, self.row, self._path, self._descriptor, self._digest = blobs, row, path, descriptor, digest
        self._replaced: Part | None = None
        self._put: list[Part] = []
        self._doubtful: list[Part] = []
        self._noting = False
        self._reached = row.received
        self._gather(row.received)

    def _gather(self, start: int) -> None:
        """The next part begins at `start`."""
        self._start, self.unstored = start, 0
        self._file = Appended(self._descriptor)
        self._file.cut(0)
        self._own = hashlib.sha256()
        self._written = Writing(self._file, [self._own, *([self._digest] if self._digest else [])])

    async def begin_with(self, part: Part, data: bytes) -> None:
        """The first part takes the place of one that is there."""
        self._replaced, self._start = part, part.start
        await asyncio.to_thread(self._file.add, [data], [self._own])

    async def add(self, chunk: bytes) -> None:
        await self._written.add(chunk)
        self.unstored += len(chunk)

    async def store(self) -> int:
        await self._written.settle()
        if self._start + self._file.size > self._reached:
            self._file.cut(self._file.size)  # a full disk may have taken half of a piece
            key, sha256 = str(PartKey(self.row.id, self._start, os.urandom(6).hex())), self._own.hexdigest()
            part = Part(start=self._start, size=self._file.size, sha256=sha256, key=key)
            self._doubtful.append(part)
            await self._blobs.put_file(key, self._path, sha256=sha256)
            self._put.append(self._doubtful.pop())
            self._reached = part.end
            self._gather(part.end)
        return self._reached

    async def note(self, connection: AsyncConnection) -> None:
        self._noting = True
        if self._put:
            if self._replaced is not None:
                await resumable.remove_part(connection, self._replaced)
            await resumable.add_parts(connection, self.row.id, self._put)

    async def noted(self, row: Resumable) -> None:
        self.row = row
        old, self._replaced, self._put, self._noting = self._replaced, None, [], False
        await self._remove([] if old is None else [old])

    async def end(self) -> None:
        """What was put and not counted is removed; what may be counted stays, until the upload ends at the latest."""
        with contextlib.suppress(OSError):
            await self._written.settle()
        await self._remove(self._doubtful if self._noting else [*self._put, *self._doubtful])

    async def _remove(self, parts: list[Part]) -> None:
        for part in parts:
            try:
                await self._blobs.delete(part.key)
            except OSError as error:  # removed when the upload ends
                log.info("upload.part_not_deleted", key=part.key, why=str(error))
