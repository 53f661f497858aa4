"""Receives resumable uploads: bytes go to the end of a file of their own, and count when they are on disk.

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
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus.leader import stops_within
from cutlog.contract.ids import new_id
from cutlog.db.failures import DATABASE_ERRORS
from cutlog.ffmpeg import NotExaminedError
from services.media import leases, resumable
from services.media.answers import Retry, keep, recall
from services.media.facts import UnusableError
from services.media.ingest import Ingest, Received, space_errors
from services.media.naming import display_name
from services.media.quotas import Quotas
from services.media.resumable import Resumable
from services.media.tus_headers import Checksum
from services.media.videos import Asker, Video
from services.media.writing import Appended, writing

log = structlog.get_logger(__name__)

#: Bytes between two looks at the disk: so much a break costs at most.
STEP: Final = 16 << 20
#: Uploads whose running digest is remembered; the others are read again at their end.
DIGESTS: Final = 256
SWEEP_SECONDS: Final = 60.0


class BusyError(Exception):
    """Another request adds to this upload."""


class OffsetError(Exception):
    """The bytes do not begin where the upload ends."""


class TooLongError(Exception):
    """More bytes than the upload was said to have."""


class ChecksumError(Exception):
    """The bytes do not have the checksum that was sent with them."""


class Resuming:
    """The uploads of one folder. Raises, besides its own errors, those of `resumable` and `Ingest.arrive`."""

    def __init__(self, engine: AsyncEngine, ingest: Ingest, folder: Path, ttl: timedelta, quotas: Quotas) -> None:
        self._quotas = quotas
        self._engine, self._ingest, self._folder, self.ttl = engine, ingest, folder, ttl
        self._digests: OrderedDict[str, tuple[int, hashlib._Hash]] = OrderedDict()

    async def begin(self, asker: Asker, size: int, metadata: str, filename: str | None, key: str | None) -> Resumable:
        """A new upload of `size` bytes, or the one begun under the same Idempotency-Key. Raises KeyReusedError."""
        retry = Retry.of(asker.tenant, key, "resumable", str(size), metadata)
        now = datetime.now(UTC)
        new = Resumable(
            id=new_id("u"), tenant=asker.tenant, actor=asker.subject, name=display_name(filename), metadata=metadata,
            size=size, received=0, expires_at=now, video_id=None, problem=None, begun_at=now,
        )  # fmt: skip
        async with self._engine.begin() as connection:
            if retry is not None:
                if (answered := await recall(connection, retry)) is not None:
                    return await resumable.find(connection, asker.tenant, answered[1].decode())
                await keep(connection, retry, 201, new.id.encode())
            await self._quotas.admit(connection, asker.tenant, size, under_way=True)
            row = await resumable.begin(connection, new, self.ttl)
            with space_errors():
                self._path(row.id).touch(exist_ok=False)
        return row

    async def find(self, asker: Asker, upload_id: str) -> Resumable:
        """The upload as it is; one that is whole is ended first if a crash kept it from that."""
        async with self._engine.connect() as connection:
            row = await resumable.find(connection, asker.tenant, upload_id)
        if row.whole and not row.ended:
            with contextlib.suppress(UnusableError, NotExaminedError, BusyError), self._held(row.id):
                row = await self._end(row, asker.trace)
        return row

    async def add(
        self, asker: Asker, upload_id: str, offset: int, chunks: AsyncIterator[bytes], checksum: Checksum | None
    ) -> Resumable:
        """Adds bytes at `offset`. Those that came before a break stay, unless a checksum was to prove them."""
        async with self._engine.connect() as connection:
            await resumable.find(connection, asker.tenant, upload_id)
        with self._held(upload_id) as file:
            async with self._engine.connect() as connection:
                row = await resumable.find(connection, asker.tenant, upload_id)
            if row.received != offset:
                raise OffsetError(f"The upload has {row.received} bytes; these begin at {offset}.")
            if row.whole:
                return row if row.ended else await self._end(row, asker.trace)
            with space_errors():
                row = await self._receive(row, file, chunks, checksum)
            return await self._end(row, asker.trace) if row.whole else row

    async def terminate(self, asker: Asker, upload_id: str) -> None:
        """Ends an upload and forgets its bytes. A video that it became stays."""
        async with self._engine.begin() as connection:
            await resumable.find(connection, asker.tenant, upload_id)
            await resumable.forget(connection, upload_id)
        self._drop(upload_id)

    async def keep_swept(self, stop: asyncio.Event) -> None:
        """Until `stop` is set: ends what is whole, removes what is too old, and files that have no row."""
        while not stop.is_set():
            try:
                await self.sweep()
            except (OSError, *DATABASE_ERRORS) as error:
                log.warning("could not sweep uploads", why=repr(error))
            await stops_within(stop, SWEEP_SECONDS)

    async def sweep(self) -> int:
        """How many files were removed."""
        async with self._engine.begin() as connection:
            for upload_id in await resumable.expired(connection):
                log.info("an upload expired", id=upload_id)
            whole = await resumable.unsettled(connection)
        for row in whole:
            with (
                contextlib.suppress(UnusableError, NotExaminedError, BusyError, leases.LeaseLostError),
                self._held(row.id),
            ):
                await self._end(row, "")
        names = {path.name for path in self._folder.iterdir() if _settled(path)}
        async with self._engine.connect() as connection:
            known = await resumable.known(connection, names)
        for name in names - known:
            self._drop(name)
        return len(names - known)

    async def _receive(
        self, row: Resumable, file: Appended, chunks: AsyncIterator[bytes], checksum: Checksum | None
    ) -> Resumable:
        start, noted = row.received, row.received
        await asyncio.to_thread(file.cut, start)
        before = self._digests.pop(row.id, None)
        whole = before[1] if before is not None and before[0] == start else None if start else hashlib.sha256()
        digests = [digest for digest in (whole, hashlib.sha256() if checksum else None) if digest is not None]
        came, keeps = start, checksum is None
        try:
            async with writing(file, digests) as written:
                async for chunk in chunks:
                    came += len(chunk)
                    if came > row.size:
                        raise TooLongError(f"The upload has {row.size} bytes; {came} came.")
                    await written.add(chunk)
                    if checksum is None and file.size - noted >= STEP:
                        noted = file.size
                        row = await self._note(row, file, noted)
            if checksum is not None and digests[-1].digest() != checksum.digest:
                raise ChecksumError(str(ChecksumError.__doc__))
            keeps = True
        except TooLongError:
            await asyncio.to_thread(file.cut, noted)
            whole = None
            raise
        finally:
            # Also after a break: what has come need not come again.
            if keeps:
                row = await asyncio.shield(self._note(row, file, file.size))
                if whole is not None and row.received == file.size:
                    self._remember(row.id, file.size, whole)
        return row

    async def _note(self, row: Resumable, file: Appended, size: int) -> Resumable:
        await asyncio.to_thread(file.sync)
        async with self._engine.begin() as connection:
            return await resumable.advance(connection, row.id, size, self.ttl)

    def _remember(self, upload_id: str, size: int, digest: hashlib._Hash) -> None:
        self._digests[upload_id] = (size, digest)
        if len(self._digests) > DIGESTS:
            self._digests.popitem(last=False)

    async def _end(self, row: Resumable, trace: str) -> Resumable:
        """From whole bytes to a video, once: the answer is kept under a key that no client can send."""
        path, known = self._path(row.id), self._digests.pop(row.id, None)
        asker = Asker(row.tenant, row.actor, trace)
        if known is not None and known[0] == row.size:
            sha256 = known[1].hexdigest()
        else:
            sha256 = await asyncio.to_thread(_digest, path)
        retry = Retry.of(row.tenant, f"resumable\n{row.id}", sha256)
        try:
            async with leases.leased(self._engine, row.tenant) as lease:
                outcome = await self._ingest.arrive(asker, lease, Received(path, row.size, sha256, row.name), retry)
        except UnusableError as error:
            await self._close(row, problem=str(error))
            raise
        video = msgspec.json.decode(outcome.body, type=Video)
        await self._close(row, video_id=video.id)
        return msgspec.structs.replace(row, video_id=video.id)

    async def _close(self, row: Resumable, *, video_id: str | None = None, problem: str | None = None) -> None:
        async with self._engine.begin() as connection:
            await resumable.end(connection, row.id, video_id=video_id, problem=problem)
        self._drop(row.id)

    @contextlib.contextmanager
    def _held(self, upload_id: str) -> Iterator[Appended]:
        """The file, for this request alone. Raises BusyError."""
        try:
            descriptor = os.open(self._path(upload_id), os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:
            descriptor = os.memfd_create("ended")  # its row tells what became of it
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise BusyError(str(BusyError.__doc__)) from None
            yield Appended(descriptor)
        finally:
            os.close(descriptor)

    def _path(self, upload_id: str) -> Path:
        return self._folder / upload_id

    def _drop(self, upload_id: str) -> None:
        self._digests.pop(upload_id, None)
        self._path(upload_id).unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settled(path: Path) -> bool:
    """Whether a file is older than any transaction that might still add its row."""
    with contextlib.suppress(FileNotFoundError):
        return datetime.now(UTC).timestamp() - path.lstat().st_mtime > SWEEP_SECONDS
    return False
