"""Videos of another store: their files are in ours already, under a name of their own, and are taken over as they are.

What a run brought is on record, so that sending it again counts nothing twice and taking it back counts exactly that.
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
import structlog
from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.auth.rings import OPERATOR
from cutlog.blobs import BlobStore
from cutlog.bus import Outbox
from cutlog.contract.answers.internal import Rehearsed, Taken, Undone
from cutlog.contract.base import Strict
from cutlog.contract.behalf import Behalf
from cutlog.contract.commands import (
    ArchiveMedia,
    DeleteMedia,
    RecordMediaDeduplicated,
    RecordMediaReleased,
    RecordMediaUploaded,
)
from cutlog.contract.events import MediaDeduplicated, MediaReleased
from cutlog.contract.ids import Id, new_id
from cutlog.contract.originals import archived_video
from cutlog.web import Api, ProblemType, Reply, Request, Role
from services.media.errors import MediaError
from services.media.facts.naming import display_name
from services.media.facts.probed import UnusableError
from services.media.ingest import leases
from services.media.ingest.receive import INVALID_MEDIA, READ_WHOLE, Ingest, Received, uploaded
from services.media.records import uses, videos
from services.media.records.settling import Answers
from services.media.records.videos import Stored
from services.media.sql import statement

log = structlog.get_logger(__name__)

CHUNK: Final = 1 << 20
PATIENCE: Final = 30.0

_BROUGHT: Final = statement("brought_add")
_BROUGHT_BY: Final = statement("brought_by")
_FORGET: Final = statement("brought_forget")
_BEFORE: Final = statement("brought_before")
_STATUS: Final = statement("video_status")
_TAKEN: Final = statement("video_ids")
_COUNT: Final = statement("video_count")

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class NewVideo(Strict):
    """A video of another store: its file is the object `key`, of that SHA-256, and was uploaded `refs` times. Its id
    is `id` unless its content is here already; `otherwise`, where that id is another's. With `dryRun` the file is
    looked into, and nothing is stored. `metadata` is what else that store says of it."""

    tenant: Id
    source: Text
    legacy_id: Text
    id: Id
    key: str
    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    name: Text
    refs: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    created_at: datetime | None = None
    otherwise: Id | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)
    dry_run: bool = False


class Undo(Strict):
    """Takes back what a run brought. `projects` go with it and do not count as users. With `dryRun` it is only asked
    whether that is possible."""

    tenant: Id
    projects: tuple[str, ...] = ()
    dry_run: bool = False


OTHER_BYTES: Final = ProblemType("other-bytes", 409, "The object has other bytes than announced", "")
NOT_ARRIVED: Final = ProblemType("not-arrived", 409, "The object does not exist", "")


class DigestMismatchError(MediaError):
    """The file does not have the announced digest."""


class Imports:
    """Takes videos over, and gives them back."""

    def __init__(self, engine: AsyncEngine, blobs: BlobStore, ingest: Ingest, outbox: Outbox) -> None:
        self._engine, self._blobs, self._ingest, self._outbox = engine, blobs, ingest, outbox
        self._answers = Answers(engine)

    async def take(self, run: str, new: NewVideo, behalf: Behalf) -> Taken:
        """Counts a video of another store. Raises UnusableError, DigestMismatchError, BlobNotFoundError."""
        async with self._engine.connect() as connection:
            if (before := await _before(connection, new)) is not None:
                return before
        if new.dry_run:
            return await self._rehearse(new)
        async with leases.leased(self._engine, new.tenant) as upload_id:
            async with self._engine.connect() as connection:
                known = await videos.by_content(connection, new.tenant, new.sha256)
            if known is None or known.stored == "deleted":
                known = await self._store(behalf, upload_id, new, 0 if known is None else known.generation + 1)
            key, taken = await self._count(behalf, upload_id, run, new, known)
        await self._blobs.delete(new.key)
        self._outbox.wake()
        await self._answers.come(key, PATIENCE)
        log.info("media.imported", id=taken.id, legacy=new.legacy_id, run=run, added=taken.added)
        return taken

    async def _rehearse(self, new: NewVideo) -> Taken:
        """What `take` would answer, by the same look at the file."""
        async with self._engine.connect() as connection:
            known = await videos.by_content(connection, new.tenant, new.sha256)
            video_id = await _id_for(connection, new) if known is None else known.id
        if known is not None and known.stored != "deleted":
            return Taken(id=video_id, ref_count=known.ref_count + new.refs, added=False)
        async with self._arrived(new) as file:
            judged = await self._ingest.look(file, whole=file.size <= READ_WHOLE)
        rehearsed = Rehearsed(kind=judged.kind, facts=judged.facts)
        return Taken(id=video_id, ref_count=new.refs, added=known is None, rehearsed=rehearsed)

    async def _store(self, behalf: Behalf, upload_id: str, new: NewVideo, generation: int) -> Stored:
        async with self._arrived(new) as file:
            return await self._ingest.store(behalf, upload_id, file, moving=new.key, generation=generation)

    @asynccontextmanager
    async def _arrived(self, new: NewVideo) -> AsyncIterator[Received]:
        """The file of a video, which is as it was announced. Raises Arrived, BlobNotFoundError."""
        digest, size = hashlib.sha256(), 0
        async for chunk in self._blobs.stream(new.key):
            digest.update(chunk)
            size += len(chunk)
        if digest.hexdigest() != new.sha256:
            raise DigestMismatchError(f"The object {new.key} differs from what was announced.")
        async with self._blobs.local(new.key) as path:
            yield Received(path, size, new.sha256, display_name(new.name))

    async def _count(self, behalf: Behalf, upload_id: str, run: str, new: NewVideo, known: Stored) -> tuple[str, Taken]:
        async with self._engine.begin() as connection:
            await videos.lock_content(connection, new.tenant, new.sha256)
            await leases.close(connection, upload_id)
            found = await videos.by_content(connection, new.tenant, new.sha256)
            if found is None:
                video_id = await _id_for(connection, new)
                added = msgspec.structs.replace(known, id=video_id, ref_count=new.refs, name=display_name(new.name))
                row = await videos.add(connection, added, created_at=new.created_at)
                key = f"media/{row.id}/uploaded/{row.generation}"
                body: RecordMediaUploaded | RecordMediaDeduplicated = RecordMediaUploaded(
                    media_id=row.id, event=msgspec.structs.replace(uploaded(row), alias=_alias(new, row))
                )
            elif found.stored == "deleted" and known.generation <= found.generation:
                raise leases.LeaseLostError("Its file was deleted in the meantime; send it again.")
            elif found.stored == "deleted":
                await videos.renew(connection, found, known)
                row = await _counted(connection, found.id, new.refs - 1)
                key = f"media/{row.id}/uploaded/{row.generation}"
                event = msgspec.structs.replace(uploaded(row), alias=_alias(new, row))
                body = RecordMediaUploaded(media_id=row.id, event=event)
            else:
                row = await _counted(connection, found.id, new.refs)
                key = videos.again_key(row.id, upload_id)
                again = MediaDeduplicated(name=row.name, ref_count=row.ref_count, alias=_alias(new, row))
                body = RecordMediaDeduplicated(media_id=row.id, event=again, generation=row.generation)
            await self._outbox.add(connection, videos.command(key, behalf, body))
            values = {
                "tenant": new.tenant, "source": new.source, "legacy_id": new.legacy_id, "run": run,
                "video_id": row.id, "refs": new.refs, "alias": None if row.id == new.id else new.id,
                "name": display_name(new.name), "made_at": new.created_at,
                "metadata": msgspec.json.encode(new.metadata).decode() if new.metadata else None,
            }  # fmt: skip
            await connection.execute(_BROUGHT, values)
        return key, Taken(id=row.id, ref_count=row.ref_count, added=found is None)

    async def undo(self, run: str, asked: Undo, behalf: Behalf) -> int:
        """Takes back the uploads that a run counted; how many. Raises VideoInUseError, and then nothing is changed."""
        keys: list[str] = []
        unwanted: list[Stored] = []
        count = 0
        async with self._engine.begin() as connection:
            rows = (await connection.execute(_BROUGHT_BY, {"run": run})).all()
            for row in rows:
                found = await videos.by_id(connection, asked.tenant, row.video_id, lock=True)
                left = found.ref_count - row.refs
                if left <= 0 and (others := await _others(connection, row.video_id, asked.projects)):
                    raise videos.VideoInUseError(
                        f"Video {row.video_id} is used by {', '.join(others)}, which the run did not bring."
                    )
                if asked.dry_run:
                    continue
                count += row.refs
                await _counted(connection, row.video_id, -row.refs)
                key = f"media/{row.video_id}/undone/{run}/{row.legacy_id}"
                body = RecordMediaReleased(
                    media_id=row.video_id, event=MediaReleased(ref_count=left, alias=row.alias or UNSET)
                )
                await self._outbox.add(connection, videos.command(key, behalf, body))
                keys.append(key)
                if left <= 0:
                    unwanted.append(found)
            if not asked.dry_run:
                await connection.execute(_FORGET, {"run": run})
        self._outbox.wake()
        for key in keys:
            await self._answers.come(key, PATIENCE)
        for video_row in unwanted:
            await self._let_go(video_row, behalf)
        return count

    async def _let_go(self, row: Stored, behalf: Behalf) -> None:
        """Bytes that nobody has any more go the way of all garbage, in both its stages at once. Ops has the last word;
        what it refuses stays, as content that is not used."""
        await self._processed(row.id)
        commands: tuple[ArchiveMedia | DeleteMedia, ...] = (
            ArchiveMedia(media_id=row.id, key=str(archived_video(row.id, row.key))), DeleteMedia(media_id=row.id),
        )  # fmt: skip
        keys = [f"media/{row.id}/{type(body).__name__}/{row.generation}/{uuid.uuid4().hex}" for body in commands]
        async with self._engine.begin() as connection:
            for key, body in zip(keys, commands, strict=True):
                await self._outbox.add(connection, videos.command(key, behalf, body))
        self._outbox.wake()
        await self._answers.come(keys[-1], PATIENCE)

    async def _processed(self, video_id: str) -> None:
        """Waits until what is made of a video is made, or can't be."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while asyncio.get_running_loop().time() < deadline:
            async with self._engine.connect() as connection:
                status = (await connection.execute(_STATUS, {"id": video_id})).scalar_one()
            if status != "processing":
                return
            await asyncio.sleep(0.1)


def routes(api: Api, imports: Imports) -> None:
    """Adds the routes. Asked by `cutlog backfill` and `cutlog rollback`, never through the gateway."""

    @api.post(
        "/internal/imports/{run}/videos",
        role=Role.service,
        callers=(OPERATOR,),
        body=NewVideo,
        returns={200: Taken},
        problems=(OTHER_BYTES, NOT_ARRIVED, INVALID_MEDIA),
        summary="Takes over a video of another store",
    )
    async def take(req: Request[NewVideo]) -> Reply:
        try:
            return Reply(200, await imports.take(req.path["run"], req.body, _behalf(req, req.body.tenant)))
        except UnusableError as error:
            raise INVALID_MEDIA(str(error)) from error

    @api.post(
        "/internal/imports/{run}/videos/undo",
        role=Role.service,
        callers=(OPERATOR,),
        body=Undo,
        returns={200: Undone},
        summary="Takes back the videos that a run brought",
    )
    async def undo(req: Request[Undo]) -> Reply:
        count = await imports.undo(req.path["run"], req.body, _behalf(req, req.body.tenant))
        return Reply(200, Undone(uploads=count))


async def _before(connection: AsyncConnection, new: NewVideo) -> Taken | None:
    """What became of the video when it was brought before."""
    values = {"tenant": new.tenant, "source": new.source, "legacy_id": new.legacy_id}
    row = (await connection.execute(_BEFORE, values)).one_or_none()
    return None if row is None else Taken(id=row.id, ref_count=row.ref_count, added=False, counted=False)


def _alias(new: NewVideo, row: Stored) -> str | UnsetType:
    """The id that a video would have by its store, where it has another."""
    return UNSET if row.id == new.id else new.id


async def _id_for(connection: AsyncConnection, new: NewVideo) -> str:
    """The id that a video of new content gets: the first that is nobody's."""
    wished = [each for each in (new.id, new.otherwise) if each is not None]
    taken = set(await connection.scalars(_TAKEN, {"ids": wished}))
    return next((each for each in wished if each not in taken), None) or new_id("v")


async def _counted(connection: AsyncConnection, video_id: str, by: int) -> Stored:
    return videos.stored((await connection.execute(_COUNT, {"id": video_id, "by": by})).one())


async def _others(connection: AsyncConnection, video_id: str, projects: Sequence[str]) -> list[str]:
    """Projects that use a video, but for those."""
    using = await uses.projects(connection, video_id)
    return sorted(set(using) - set(projects))


def _behalf(req: Request[NewVideo] | Request[Undo], tenant: str) -> Behalf:
    return Behalf(tenant, req.actor.subject, req.trace)
