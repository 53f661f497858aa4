"""An upload, from its first byte to the transaction that counts it.

Intent with a lease → bytes to a scratch file while hashing → a look inside, in the sandbox → the object, synced, under
its final name → one transaction: the content's row, the command that reports it, the answer for a retry.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.blobs import BlobStore
from cutlog.blobs.digests import digest_of
from cutlog.bus import Outbox
from cutlog.contract.answers.videos import Video
from cutlog.contract.behalf import Behalf
from cutlog.contract.commands import RecordMediaUploaded
from cutlog.contract.events import MediaUploaded
from cutlog.contract.fonts import family_of
from cutlog.contract.ids import new_id
from cutlog.contract.keys import Content, OriginalKey
from cutlog.contract.media import Renditions
from cutlog.db.idempotency import Answer, Keyed, forget, keep, recall
from cutlog.ffmpeg import Ffmpeg, Limits, MediaRefusedError, is_font
from cutlog.ffmpeg.remembered import Probes
from cutlog.web import ProblemType
from services.media.errors import MediaError
from services.media.facts.lengths import seconds_of
from services.media.facts.naming import display_name, suffix
from services.media.facts.probed import Judged, UnusableError, judge, judge_font
from services.media.ingest import leases
from services.media.ingest.writing import Appended, writing
from services.media.records import videos, visible
from services.media.records.quotas import UNLIMITED, Quotas
from services.media.records.settling import Answers
from services.media.records.videos import Stored
from services.media.renditions.recipes import FONT

log = structlog.get_logger(__name__)

#: Up to here every packet is read before the answer, for exact facts; beyond, that is done with the edit proxy.
READ_WHOLE: Final = 2 << 30
PROBE_LIMITS: Final = Limits(memory=1 << 30, seconds=120, output_bytes=1 << 20)
#: How long an answer waits for ops to know the video, so that an edit can use it at once.
PATIENCE: Final = 3.0


Reached = Callable[[str], Awaitable[None]]
"""Told the name of each step that ended: where tests let others go first."""


async def nothing(_: str) -> None:
    """Goes on."""


INVALID_MEDIA: Final = ProblemType(
    "invalid-media", 422, "The file is not usable media", "The file can't be used: it is not media."
)


class EmptyFileError(MediaError):
    """The file is empty."""


class OutOfSpaceError(MediaError):
    """The disk is full."""


class StorageError(MediaError):
    """The file could not be written."""


class NotStoredError(StorageError):
    """The stored file differs from what was sent; send it again."""


@contextmanager
def space_errors() -> Iterator[None]:
    """Raises OutOfSpaceError where a disk or quota of the machine is full, StorageError where the disk fails."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutOfSpaceError(str(OutOfSpaceError.__doc__)) from error
        if error.errno in (errno.EIO, errno.EROFS, errno.EFBIG):
            raise StorageError(str(StorageError.__doc__)) from error
        raise


class Received(msgspec.Struct, frozen=True):
    """A file on local disk whose bytes have been hashed."""

    path: Path
    size: int
    sha256: str
    name: str


class _AnsweredMeanwhileError(MediaError):
    """Another request under the same key was faster."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(self.__doc__))
        self.answer = answer


class Ingest:
    """Takes uploads in."""

    def __init__(
        self,
        engine: AsyncEngine,
        blobs: BlobStore,
        ffmpeg: Ffmpeg,
        outbox: Outbox,
        reached: Reached = nothing,
        quotas: Quotas | None = None,
        probes: Probes | None = None,
    ) -> None:
        self._engine, self._blobs, self._ffmpeg, self._outbox = engine, blobs, ffmpeg, outbox
        self._reached, self._quotas = reached, quotas or Quotas(lambda _: UNLIMITED)
        self._probes = probes or Probes(ffmpeg)
        self._answers = Answers(engine)

    async def take(
        self, behalf: Behalf, filename: str | None, chunks: AsyncIterator[bytes], idempotency_key: str | None
    ) -> Answer:
        """Stores one file: 201 for new content, 200 for a duplicate.

        Raises EmptyFileError, UnusableError, OutOfSpaceError, QuotaError, LeaseLostError, KeyReusedError.
        """
        async with self._engine.connect() as connection:
            await self._quotas.begin(connection, behalf.tenant)
        async with leases.leased(self._engine, behalf.tenant) as upload_id, self._blobs.scratch() as folder:
            file = await receive(chunks, folder / "upload", display_name(filename))
            keyed = Keyed.of(behalf.tenant, idempotency_key, "upload", file.sha256, file.name)
            return await self.arrive(behalf, upload_id, file, keyed)

    async def arrive(self, behalf: Behalf, upload_id: str, file: Received, keyed: Keyed | None) -> Answer:
        """Counts a file that has been received, as new or as known content. Raises as `take` does."""
        async with self._engine.connect() as connection:
            if keyed is not None and (answer := await recall(connection, keyed)) is not None:
                return answer
        while True:
            outcome = await self._try(behalf, upload_id, file, keyed)
            if outcome is not None:
                return outcome
            await leases.again(self._engine, behalf.tenant, upload_id)

    async def _try(self, behalf: Behalf, upload_id: str, file: Received, keyed: Keyed | None) -> Answer | None:
        """The answer, or None when the content was deleted meanwhile: its bytes are needed again."""
        async with self._engine.connect() as connection:
            known = await videos.by_content(connection, behalf.tenant, file.sha256)
        await self._reached("looked")
        if known is None or known.stored == "deleted":
            known = await self.store(behalf, upload_id, file, generation=0 if known is None else known.generation + 1)
            await self._reached("stored")
        try:
            counted = await self._count(behalf, upload_id, known, keyed)
        except _AnsweredMeanwhileError as meanwhile:
            return meanwhile.answer
        if counted is None:
            return None
        await self._reached("counted")
        outcome, key = counted
        self._outbox.wake()
        await self._answers.come(key, PATIENCE)
        async with self._engine.begin() as connection:
            if await videos.refused(connection, key) is None:
                return outcome
            if keyed is not None:
                await forget(connection, keyed)
        return None

    async def store(
        self, behalf: Behalf, upload_id: str, file: Received, *, moving: str | None = None, generation: int = 0
    ) -> Stored:
        """New content: looked into, and its bytes put where they will stay. Its row is not there yet.

        With `moving` the file is the object of that key, and gets its new key. Raises UnusableError.
        """
        judged = await self.look(file, whole=file.size <= READ_WHOLE)
        content = Content(behalf.tenant, file.sha256, generation)
        key = str(OriginalKey(content, suffix(judged.facts.container, file.name)))
        async with self._engine.begin() as connection:
            await videos.lock_content(connection, behalf.tenant, file.sha256)
            await leases.note_key(connection, upload_id, key)
        with space_errors():
            if moving is None:
                await self._put(key, file)
            else:
                await self._blobs.rename(moving, key)
        return Stored(
            id=new_id("v"),
            tenant=behalf.tenant,
            sha256=file.sha256,
            size=file.size,
            generation=generation,
            key=key,
            name=file.name,
            kind=judged.kind,
            facts=judged.facts,
            ref_count=1,
            status="processing",
            error=None,
            renditions=Renditions(),
            actor=behalf.actor,
            trace=behalf.trace,
            created_at=datetime.now(UTC),
            derive_at=None,
            derive_run=0,
            derive_left=videos.DERIVE_ATTEMPTS,
        )

    async def _put(self, key: str, file: Received) -> None:
        """Stores the bytes and, unless the object is the file that was hashed, reads them again: only what is stored
        counts. Raises NotStoredError."""
        blob = await self._blobs.put_file(key, file.path, sync=True, sha256=file.sha256, replace=False)
        if blob.linked or await digest_of(self._blobs, key) == file.sha256:
            return
        # What was there already under this name is wrong, or the write was.
        log.error("upload.verification_failed", key=key)
        await self._blobs.put_file(key, file.path, sync=True, sha256=file.sha256)
        if await digest_of(self._blobs, key) != file.sha256:
            raise NotStoredError(str(NotStoredError.__doc__))

    async def look(self, file: Received, *, whole: bool) -> Judged:
        """What is in a file. Raises UnusableError."""
        try:
            if await asyncio.to_thread(is_font, file.path):
                # It is rewritten only to see whether it can be; the worker does it again.
                async with self._blobs.scratch() as folder:
                    raw = await self._ffmpeg.rewrite_font(file.path, folder, FONT, family_of(file.sha256))
                    return judge_font(raw)
            return judge(await self._probes.probe(file.path, file.sha256, times=whole, limits=PROBE_LIMITS))
        except MediaRefusedError as error:
            raise UnusableError(str(error)) from error

    async def _count(
        self, behalf: Behalf, upload_id: str, new: Stored, keyed: Keyed | None
    ) -> tuple[Answer, str] | None:
        """The transaction that makes the upload true. The answer, and the key of the command that reports it; None, and
        nothing is changed, when the bytes that `new` relies on are deleted."""
        async with self._engine.begin() as connection:
            await videos.lock_content(connection, new.tenant, new.sha256)
            found = await videos.by_content(connection, new.tenant, new.sha256)
            if found is not None and found.stored == "deleted" and new.generation <= found.generation:
                return None
            await leases.close(connection, upload_id)
            if found is None or found.stored == "deleted":
                seconds = seconds_of(new.facts)
                await self._quotas.admit(connection, new.tenant, new.size, seconds=seconds)
                row = await self._add(connection, behalf, new, found)
                key, shown, status = _uploaded_key(row), row.shown(0), 201
            else:
                row = await videos.count_again(connection, self._outbox, found, behalf, upload_id)
                key, status = videos.again_key(row.id, upload_id), 200
                shown = await self._duplicate(connection, row)
            await visible.note(connection, behalf.actor, row.id)
            body = msgspec.json.encode(shown)
            if keyed is not None and not await keep(connection, keyed, Answer(status, body)):
                answer = await recall(connection, keyed)
                assert answer is not None, "it was in the way of this one"
                raise _AnsweredMeanwhileError(answer)  # which takes back what was counted
        log.info("media.uploaded", id=row.id, duplicate=status == 200, size=row.size, kind=row.kind)
        return Answer(status, body), key

    async def _add(self, connection: AsyncConnection, behalf: Behalf, new: Stored, gone: Stored | None) -> Stored:
        row = await videos.add(connection, new) if gone is None else await videos.renew(connection, gone, new)
        body = RecordMediaUploaded(media_id=row.id, event=uploaded(row))
        await self._outbox.add(connection, videos.command(_uploaded_key(row), behalf, body))
        return row

    async def _duplicate(self, connection: AsyncConnection, row: Stored) -> Video:
        return row.shown(await videos.users(connection, row.id), duplicate=True)


def uploaded(row: Stored) -> MediaUploaded:
    """The fact that new content is here."""
    return MediaUploaded(
        sha256=row.sha256, size=row.size, name=row.name, key=row.key, generation=row.generation, kind=row.kind,
        facts=row.facts, ref_count=row.ref_count,
    )  # fmt: skip


def _uploaded_key(row: Stored) -> str:
    return f"media/{row.id}/uploaded/{row.generation}"


async def receive(chunks: AsyncIterator[bytes], path: Path, name: str) -> Received:
    """Writes and hashes a stream. Raises EmptyFileError, OutOfSpaceError, StorageError."""
    digest = hashlib.sha256()
    with path.open("xb", buffering=0) as file, space_errors():
        appended = Appended(file.fileno())
        async with writing(appended, [digest]) as written:
            async for chunk in chunks:
                await written.add(chunk)
    if appended.size == 0:
        raise EmptyFileError(str(EmptyFileError.__doc__))
    return Received(path, appended.size, digest.hexdigest(), name)
