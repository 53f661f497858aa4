"""Rows of videos: found, added, counted. A change of a video and the command that reports it are one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET
from sqlalchemy import ColumnElement, Row, ScalarSelect, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus import Outbox
from cutlog.contract.answers.videos import Brought, Status, Video
from cutlog.contract.behalf import Behalf
from cutlog.contract.commands import Command, MediaCommand, RecordMediaDeduplicated, RecordMediaReleased
from cutlog.contract.events import MediaDeduplicated, MediaReleased
from cutlog.contract.media import MediaFacts, MediaKind, Renditions
from services.media.errors import MediaError
from services.media.records import uses
from services.media.tables import brought, refusal, video

Storage = Literal["there", "archived", "deleted"]

DERIVE_ATTEMPTS = 5
"""A process that dies counts as one."""


ENDED: Final[dict[str, Any]] = {"derive_at": None, "tidy_at": func.clock_timestamp()}
"""Values of a row at which nobody is to work any more; what is of no use of all that was made is removed."""


class VideoUnknownError(MediaError, LookupError):
    """The video does not exist."""


class VideoInUseError(MediaError):
    """A project's history uses the video."""


class NotFailedError(MediaError):
    """Only a failed video can be processed again."""


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `video`."""

    id: str
    tenant: str
    sha256: str
    size: int
    generation: int
    key: str
    name: str
    kind: MediaKind
    facts: MediaFacts
    ref_count: int
    status: Status
    error: str | None
    renditions: Renditions
    actor: str
    trace: str
    created_at: datetime
    derive_at: datetime | None
    derive_run: int
    derive_left: int
    progress: float = 0.0
    stored: Storage = "there"
    stored_position: int = 0
    revision: int = 0

    def shown(self, uses: int, *, duplicate: bool = False, imported: Sequence[Brought] = ()) -> Video:
        return Video(
            id=self.id,
            sha256=self.sha256,
            size=self.size,
            name=self.name,
            ref_count=self.ref_count,
            uses=uses,
            status=self.status,
            kind=self.kind,
            facts=self.facts,
            created_at=self.created_at,
            duplicate=duplicate,
            error=self.error,
            progress=1.0 if self.status == "ready" else self.progress,
            archived=self.stored == "archived",
            imported=tuple(imported) or UNSET,
        )


def stored(row: Row[Any]) -> Stored:
    # SQLAlchemy's names of columns are not quite str.
    return msgspec.convert({str(name): value for name, value in row._mapping.items()}, Stored)


def command(key: str, behalf: Behalf, body: MediaCommand) -> Command:
    return Command(key=key, tenant=behalf.tenant, actor=behalf.actor, trace=behalf.trace, body=body)


async def lock_content(connection: AsyncConnection, tenant: str, sha256: str) -> None:
    """From here to the end of the transaction nobody else adds, counts or sweeps this content."""
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"{tenant}/{sha256}", 0))))


async def by_content(connection: AsyncConnection, tenant: str, sha256: str) -> Stored | None:
    """The tenant's video of that content, released ones included."""
    row = (
        await connection.execute(select(video).where(video.c.tenant == tenant, video.c.sha256 == sha256))
    ).one_or_none()
    return None if row is None else stored(row)


async def by_id(connection: AsyncConnection, tenant: str, video_id: str, *, lock: bool = False) -> Stored:
    """A video that has at least one upload, by its id or by one that it had in another store. Raises
    VideoUnknownError."""
    for each in (video_id, _called(tenant, video_id)):
        query = select(video).where(video.c.tenant == tenant, video.c.id == each, video.c.ref_count > 0)
        row = (await connection.execute(query.with_for_update() if lock else query)).one_or_none()
        if row is not None:
            break
    else:
        raise VideoUnknownError(f"Video {video_id} does not exist.")
    return stored(row)


def _called(tenant: str, alias: str) -> ScalarSelect[Any]:
    """The id of the video that was first to have that one in another store."""
    query = select(brought.c.video_id).where(brought.c.tenant == tenant, brought.c.alias == alias)
    return query.order_by(brought.c.brought_at).limit(1).scalar_subquery()


async def imported(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, list[Brought]]:
    """The rows of other stores that videos came from: first the one whose id a video has."""
    found: dict[str, list[Brought]] = {}
    query = (
        select(brought).where(brought.c.video_id.in_(ids)).order_by(brought.c.alias.is_not(None), brought.c.brought_at)
    )
    for row in await connection.execute(query):
        told = Brought(
            legacy_id=row.legacy_id, alias=row.alias, name=row.name, created_at=row.made_at, metadata=row.metadata
        )
        found.setdefault(row.video_id, []).append(told)
    return found


async def current(connection: AsyncConnection, ids: Sequence[str]) -> list[Stored]:
    """Those of the videos that have an upload, of any tenant."""
    query = select(video).where(video.c.id.in_(ids), video.c.ref_count > 0)
    return [stored(row) for row in await connection.execute(query)]


async def page(
    connection: AsyncConnection,
    tenant: str,
    after: tuple[datetime, str] | None,
    limit: int,
    shown: ColumnElement[bool] | None = None,
) -> list[Video]:
    """Videos, the newest first, `after` the one that was created then and has that id; only those that are `shown`."""
    query = select(video).where(video.c.tenant == tenant, video.c.ref_count > 0)
    if shown is not None:
        query = query.where(shown)
    if after is not None:
        query = query.where(tuple_(video.c.created_at, video.c.id) < after)
    query = query.order_by(video.c.created_at.desc(), video.c.id.desc()).limit(limit)
    rows = [stored(row) for row in await connection.execute(query)]
    ids = [row.id for row in rows]
    counted, came = await uses.count(connection, ids), await imported(connection, ids)
    return [row.shown(counted.get(row.id, 0), imported=came.get(row.id, ())) for row in rows]


async def add(connection: AsyncConnection, new: Stored, *, created_at: datetime | None = None) -> Stored:
    """Adds the first upload of a content, to be derived from at once. `created_at`, where that was elsewhere."""
    values = msgspec.structs.asdict(new)
    for name in ("created_at", "derive_at", "progress", "stored", "stored_position", "revision"):
        del values[name]
    values["facts"] = msgspec.to_builtins(new.facts)
    values["renditions"] = msgspec.to_builtins(new.renditions)
    if created_at is not None:
        values["created_at"] = created_at
    statement = insert(video).values(**values, derive_at=func.clock_timestamp()).returning(video)
    return stored((await connection.execute(statement)).one())


async def renew(connection: AsyncConnection, found: Stored, new: Stored) -> Stored:
    """Content that was deleted is here again: the same video, of another generation."""
    values = {
        "generation": new.generation, "key": new.key, "kind": new.kind, "facts": msgspec.to_builtins(new.facts),
        "ref_count": 1, "status": "processing", "error": None, "renditions": {}, "actor": new.actor,
        "trace": new.trace, "derive_at": func.clock_timestamp(), "derive_left": DERIVE_ATTEMPTS, "stored": "there",
    }  # fmt: skip
    statement = update(video).where(video.c.id == found.id).values(values).returning(video)
    return stored((await connection.execute(statement)).one())


async def count_again(
    connection: AsyncConnection, outbox: Outbox, found: Stored, behalf: Behalf, upload_id: str
) -> Stored:
    """One more upload of a content that is there. What failed to be processed is tried again."""
    changes: dict[str, Any] = {"ref_count": video.c.ref_count + 1}
    if found.status == "failed":
        changes |= _begin_again()
    statement = update(video).where(video.c.id == found.id).values(changes).returning(video)
    row = stored((await connection.execute(statement)).one())
    event = MediaDeduplicated(name=row.name, ref_count=row.ref_count)
    body = RecordMediaDeduplicated(media_id=row.id, event=event, generation=row.generation)
    await outbox.add(connection, command(again_key(row.id, upload_id), behalf, body))
    return row


async def retry(connection: AsyncConnection, tenant: str, video_id: str) -> Stored:
    """A video that failed, to be processed again. Raises VideoUnknownError, NotFailedError."""
    row = await by_id(connection, tenant, video_id, lock=True)
    if row.status != "failed" or row.stored != "there":
        raise NotFailedError(f"Video {video_id} is {row.status if row.stored == 'there' else row.stored}.")
    statement = update(video).where(video.c.id == row.id).values(_begin_again()).returning(video)
    return stored((await connection.execute(statement)).one())


def _begin_again() -> dict[str, Any]:
    """Values of a video that failed and is processed again: what is made has other keys than what may still be written
    by an earlier attempt, or be removed at the moment."""
    return {
        "status": "processing", "error": None, "progress": 0.0, "derive_at": func.clock_timestamp(),
        "derive_left": DERIVE_ATTEMPTS, "revision": video.c.revision + 1,
    }  # fmt: skip


def again_key(video_id: str, upload_id: str) -> str:
    """The key of the command that reports an upload of content that was there."""
    return f"media/{video_id}/again/{upload_id}"


async def users(connection: AsyncConnection, video_id: str) -> int:
    """How many projects use a video."""
    return (await uses.count(connection, [video_id])).get(video_id, 0)


async def release(connection: AsyncConnection, outbox: Outbox, behalf: Behalf, video_id: str, key: str) -> int:
    """One upload less; how many are left. Raises VideoUnknownError, VideoInUseError.

    Whether the last one may go, ops decides: its answer to the command `key` may still be a refusal.
    """
    row = await by_id(connection, behalf.tenant, video_id, lock=True)
    using = await users(connection, row.id)
    if row.ref_count == 1 and using:
        raise VideoInUseError(f"Video {video_id} is used by {using} projects, so its last upload can't be removed.")
    left = row.ref_count - 1
    await connection.execute(update(video).where(video.c.id == row.id).values(ref_count=left))
    body = RecordMediaReleased(media_id=row.id, event=MediaReleased(ref_count=left))
    await outbox.add(connection, command(key, behalf, body))
    return left


async def refused(connection: AsyncConnection, key: str) -> str | None:
    """Why ops refused the command of that key, if it did."""
    return (await connection.execute(select(refusal.c.detail).where(refusal.c.key == key))).scalar_one_or_none()
