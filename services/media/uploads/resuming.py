"""Receives resumable uploads: bytes count when they are durable where every process sees them. At the end what is
stored becomes a video.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.answers.videos import Video
from cutlog.contract.behalf import Behalf
from cutlog.contract.ids import new_id
from cutlog.db.idempotency import Answer, Keyed, keep, recall
from cutlog.db.skipping import Skipping, repeat
from cutlog.ffmpeg import NotExaminedError
from services.media.errors import MediaError
from services.media.facts.naming import display_name
from services.media.facts.probed import UnusableError
from services.media.ingest import leases
from services.media.ingest.receive import Ingest, Received, space_errors
from services.media.records.quotas import Quotas
from services.media.uploads import resumable
from services.media.uploads.headers import Checksum
from services.media.uploads.holding import Adding, BusyError, BytesLostError, Held, Holding
from services.media.uploads.resumable import OffsetError, Resumable

log = structlog.get_logger(__name__)

#: Bytes after which what came is stored and counted: so much a break costs at most.
STEP: Final = 16 << 20
SWEEP_SECONDS: Final = 60.0


class TooLongError(MediaError):
    """The request has more bytes than the upload's declared length."""


class ChecksumError(MediaError):
    """The bytes do not match the checksum that was sent with them."""


class Resuming:
    """The uploads that are held in one place. Raises, besides its own errors, those of `resumable`, `holding` and
    `Ingest.arrive`."""

    def __init__(self, engine: AsyncEngine, ingest: Ingest, holding: Holding, ttl: timedelta, quotas: Quotas) -> None:
        self._engine, self._ingest, self._holding, self._quotas = engine, ingest, holding, quotas
        self.ttl = ttl
        self.skipping = Skipping("media.resumable")

    async def begin(self, behalf: Behalf, size: int, metadata: str, filename: str | None, key: str | None) -> Resumable:
        """A new upload of `size` bytes, or the one begun under the same Idempotency-Key. Raises KeyReusedError."""
        keyed = Keyed.of(behalf.tenant, key, "resumable", str(size), metadata)
        now = datetime.now(UTC)
        new = Resumable(
            id=new_id("u"), tenant=behalf.tenant, actor=behalf.actor, name=display_name(filename), metadata=metadata,
            size=size, received=0, expires_at=now, video_id=None, problem=None, lost=False,
            begun_at=now,
        )  # fmt: skip
        async with self._engine.begin() as connection:
            if keyed is not None and not await keep(connection, keyed, Answer(201, new.id.encode())):
                answer = await recall(connection, keyed)
                assert answer is not None, "it was in the way of the new one"
                return await resumable.find(connection, behalf.tenant, answer.body.decode())
            await self._quotas.begin(connection, behalf.tenant)
            await self._quotas.admit(connection, behalf.tenant, size, under_way=True)
            row = await resumable.begin(connection, new, self.ttl)
            with space_errors():
                await self._holding.begin(row.id)
        return row

    async def find(self, behalf: Behalf, upload_id: str) -> Resumable:
        """The upload as it is; one that is whole is ended first if a crash kept it from that."""
        row = await self._row(behalf, upload_id)
        if row.ended:
            return row
        try:
            if not row.whole:
                with contextlib.suppress(OffsetError):
                    async with self._telling_loss(row.id):
                        await self._holding.check(row)
                return row
            with contextlib.suppress(UnusableError, NotExaminedError):
                async with self._opened(row.id) as held:
                    row = await self._end(row, held, behalf.trace)
            return row
        except BusyError:
            return await self._row(behalf, upload_id)

    async def _row(self, behalf: Behalf, upload_id: str) -> Resumable:
        async with self._engine.connect() as connection:
            return await resumable.find(connection, behalf.tenant, upload_id)

    async def add(
        self, behalf: Behalf, upload_id: str, offset: int, chunks: AsyncIterator[bytes], checksum: Checksum | None
    ) -> Resumable:
        """Adds bytes at `offset`. Those that came before a break stay, unless a checksum was to prove them."""
        await self._row(behalf, upload_id)
        async with self._opened(upload_id) as held:
            row = await self._row(behalf, upload_id)
            if row.received != offset:
                raise OffsetError(row.received, offset)
            if row.whole:
                return row if row.ended else await self._end(row, held, behalf.trace)
            with space_errors():
                row = await self._receive(row, held, chunks, checksum)
            return await self._end(row, held, behalf.trace) if row.whole else row

    async def terminate(self, behalf: Behalf, upload_id: str) -> None:
        """Ends an upload and forgets its bytes. A video that it became stays."""
        async with self._engine.begin() as connection:
            await resumable.find(connection, behalf.tenant, upload_id)
            await resumable.forget(connection, upload_id)
        await self._drop(upload_id)

    async def keep_swept(self, stop: asyncio.Event) -> None:
        """Until `stop` is set: ends what is whole, removes what is too old, and files that have no row."""
        await repeat(self.skipping.loop, self.sweep, SWEEP_SECONDS, stop)

    async def sweep(self) -> int:
        """How many files were removed."""
        async with self._engine.begin() as connection:
            for upload_id in await resumable.expired(connection):
                log.info("upload.expired", id=upload_id)
            whole = await resumable.unsettled(connection)
        for row in whole:
            with (
                self.skipping.row(row.id),
                contextlib.suppress(BusyError, BytesLostError, UnusableError, NotExaminedError, leases.LeaseLostError),
            ):
                async with self._opened(row.id) as held:
                    await self._end(row, held, "")
        return await self._holding.sweep(self._known)

    async def _known(self, ids: set[str]) -> set[str]:
        async with self._engine.connect() as connection:
            return await resumable.known(connection, ids)

    @contextlib.asynccontextmanager
    async def _opened(self, upload_id: str) -> AsyncIterator[Held]:
        """The bytes of an upload; where they prove to be lost, that is noted."""
        async with self._telling_loss(upload_id), self._holding.open(upload_id) as held:
            yield held

    @contextlib.asynccontextmanager
    async def _telling_loss(self, upload_id: str) -> AsyncIterator[None]:
        """Notes that bytes are lost where the block finds out. Raises BytesLostError, BusyError."""
        try:
            yield
        except BytesLostError as error:
            async with self._engine.begin() as connection:
                lost = await resumable.lose(connection, upload_id)
            if not lost:  # another process has just ended it, and removed them
                raise BusyError(str(BusyError.__doc__)) from error
            log.error("upload.lost", id=upload_id)
            await self._drop(upload_id)
            raise

    async def _receive(
        self, row: Resumable, held: Held, chunks: AsyncIterator[bytes], checksum: Checksum | None
    ) -> Resumable:
        digest = hashlib.sha256() if checksum is not None else None
        came, counts = row.received, checksum is None
        async with held.adding(row, digest) as adding:
            try:
                async for chunk in chunks:
                    came += len(chunk)
                    if came > row.size:
                        counts = False  # what the steps before have counted stays
                        raise TooLongError(f"The upload has {row.size} bytes; {came} were received.")
                    await adding.add(chunk)
                    if adding.unstored >= STEP:
                        await self._stored(adding, counts)
                if checksum is not None and digest is not None:
                    await adding.store()
                    if digest.digest() != checksum.digest:
                        raise ChecksumError(str(ChecksumError.__doc__))
                    counts = True
            finally:
                # Also after a break: what has come need not come again.
                if counts:
                    await self._stored(adding, counts)
        return adding.row

    async def _stored(self, adding: Adding, counts: bool) -> None:
        """Makes durable what came, and counts it. Cancelled, it goes on to its end first."""
        storing = asyncio.create_task(self._store(adding, counts))
        cancelled: asyncio.CancelledError | None = None
        while not storing.done():
            try:
                await asyncio.wait([storing])
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            if (failure := storing.exception()) is not None:
                log.warning("upload.store_failed", id=adding.row.id, why=repr(failure))
            raise cancelled
        storing.result()

    async def _store(self, adding: Adding, counts: bool) -> None:
        received = await adding.store()
        if counts and received > adding.row.received:
            async with self._engine.begin() as connection:
                row = await resumable.advance(connection, adding.row, received, self.ttl)
                await adding.note(connection)
            await adding.noted(row)

    async def _end(self, row: Resumable, held: Held, trace: str) -> Resumable:
        """From whole bytes to a video, once: the answer is kept under a key that no client can send."""
        behalf = Behalf(row.tenant, row.actor, trace)
        try:
            with space_errors():
                async with (
                    leases.leased(self._engine, row.tenant, row.id) as lease,
                    held.whole(row) as (path, sha256),
                ):
                    keyed = Keyed.of(row.tenant, f"resumable\n{row.id}", sha256)
                    outcome = await self._ingest.arrive(
                        behalf, lease, Received(path, row.size, sha256, row.name), keyed
                    )
        except leases.LeaseHeldError as error:
            raise BusyError(str(BusyError.__doc__)) from error
        except UnusableError as error:
            await self._close(row, problem=str(error))
            raise
        video = msgspec.json.decode(outcome.body, type=Video)
        await self._close(row, video_id=video.id)
        return msgspec.structs.replace(row, video_id=video.id)

    async def _close(self, row: Resumable, *, video_id: str | None = None, problem: str | None = None) -> None:
        async with self._engine.begin() as connection:
            await resumable.end(connection, row.id, video_id=video_id, problem=problem)
        await self._drop(row.id)

    async def _drop(self, upload_id: str) -> None:
        """Removes the bytes. Those that stay, because the store is unavailable, are swept later."""
        try:
            await self._holding.drop(upload_id)
        except OSError as error:
            log.info("upload.bytes_not_deleted", id=upload_id, why=str(error))
