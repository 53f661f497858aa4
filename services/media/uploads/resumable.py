"""Rows of resumable uploads: begun, going on, ended, expired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, literal, not_, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.media.errors import MediaError
from services.media.tables import resumable, resumable_part
from services.media.uploads.holding import BytesLostError


class UploadUnknownError(MediaError, LookupError):
    """The upload does not exist."""


class UploadExpiredError(MediaError):
    """The upload expired before it was complete; start it again."""


class OffsetError(MediaError):
    """The offset does not match the length received so far."""

    def __init__(self, received: int, offset: int) -> None:
        super().__init__(f"The upload has {received} bytes; the request starts at {offset}.")


_COLUMNS: Final = (
    resumable_part.c.start, resumable_part.c.size, resumable_part.c.sha256, resumable_part.c.key,
)  # fmt: skip


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `resumable_part`: the bytes [start, end) of an upload are the object at `key`."""

    start: int
    size: int
    sha256: str
    key: str

    @property
    def end(self) -> int:
        return self.start + self.size


class Resumable(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `resumable`: `received` of `size` bytes are durable."""

    id: str
    tenant: str
    actor: str
    name: str
    metadata: str
    size: int
    received: int
    expires_at: datetime
    video_id: str | None
    problem: str | None
    lost: bool
    begun_at: datetime

    @property
    def whole(self) -> bool:
        return self.received == self.size

    @property
    def ended(self) -> bool:
        return self.video_id is not None or self.problem is not None


def _row(row: Row[tuple[object, ...]]) -> Resumable:
    return msgspec.convert({str(name): value for name, value in row._mapping.items()}, Resumable)


def _until(ttl: timedelta) -> ColumnElement[object]:
    return func.clock_timestamp() + literal(ttl)


async def begin(connection: AsyncConnection, new: Resumable, ttl: timedelta) -> Resumable:
    """Adds an upload of which nothing has come."""
    values = {name: getattr(new, name) for name in ("id", "tenant", "actor", "name", "metadata", "size")}
    statement = insert(resumable).values(**values, expires_at=_until(ttl)).returning(resumable)
    return _row((await connection.execute(statement)).one())


async def find(connection: AsyncConnection, tenant: str, upload_id: str) -> Resumable:
    """Raises UploadUnknownError, UploadExpiredError, BytesLostError."""
    query = select(resumable, (resumable.c.expires_at < func.clock_timestamp()).label("late"))
    query = query.where(resumable.c.id == upload_id, resumable.c.tenant == tenant)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UploadUnknownError(f"Upload {upload_id} does not exist.")
    found = _row(row)
    if row.late:
        raise UploadExpiredError(f"Upload {upload_id} ended at {found.expires_at:%Y-%m-%d %H:%M:%S} UTC.")
    if found.lost:
        raise BytesLostError(str(BytesLostError.__doc__))
    return found


async def advance(connection: AsyncConnection, before: Resumable, received: int, ttl: timedelta) -> Resumable:
    """Notes that so many bytes are durable, if none were added since `before` was read. Raises UploadUnknownError when
    it was ended meanwhile, OffsetError when another request was faster, BytesLostError."""
    mine = resumable.c.id == before.id, resumable.c.received == before.received, resumable.c.lost.is_(False)
    statement = update(resumable).where(*mine).values(received=received, expires_at=_until(ttl))
    row = (await connection.execute(statement.returning(resumable))).one_or_none()
    if row is not None:
        return _row(row)
    now = await find(connection, before.tenant, before.id)
    raise OffsetError(now.received, before.received)


async def parts(connection: AsyncConnection, upload_id: str) -> list[Part]:
    """In their order."""
    mine = select(*_COLUMNS).where(resumable_part.c.upload_id == upload_id).order_by(resumable_part.c.start)
    rows = await connection.execute(mine)
    return [Part(start=start, size=size, sha256=sha256, key=key) for start, size, sha256, key in rows]


async def last_part(connection: AsyncConnection, of: Resumable) -> Part | None:
    """Where the upload ends. Raises OffsetError when more was added since `of` was read, UploadUnknownError,
    BytesLostError."""
    # One statement, so that both are of one moment.
    both = select(resumable.c.received, *_COLUMNS).select_from(resumable.outerjoin(resumable_part))
    both = both.where(resumable.c.id == of.id).order_by(resumable_part.c.start.desc().nulls_last()).limit(1)
    row = (await connection.execute(both)).one_or_none()
    if row is None:
        raise UploadUnknownError(f"Upload {of.id} does not exist.")
    received, start, size, sha256, key = row
    if received != of.received:
        raise OffsetError(received, of.received)
    last = None if start is None else Part(start=start, size=size, sha256=sha256, key=key)
    if (0 if last is None else last.end) != received:
        raise BytesLostError(str(BytesLostError.__doc__))
    return last


async def add_parts(connection: AsyncConnection, upload_id: str, new: Sequence[Part]) -> None:
    values = [{"upload_id": upload_id} | msgspec.structs.asdict(part) for part in new]
    await connection.execute(insert(resumable_part), values)


async def remove_part(connection: AsyncConnection, part: Part) -> None:
    await connection.execute(delete(resumable_part).where(resumable_part.c.key == part.key))


async def end(
    connection: AsyncConnection, upload_id: str, *, video_id: str | None = None, problem: str | None = None
) -> None:
    """Notes what became of it; its parts are not needed any more."""
    statement = update(resumable).where(resumable.c.id == upload_id)
    await connection.execute(statement.values(video_id=video_id, problem=problem))
    await connection.execute(delete(resumable_part).where(resumable_part.c.upload_id == upload_id))


async def lose(connection: AsyncConnection, upload_id: str) -> bool:
    """Notes that bytes of it are lost; False where it has ended already."""
    ended = or_(resumable.c.video_id.is_not(None), resumable.c.problem.is_not(None))
    statement = update(resumable).where(resumable.c.id == upload_id, not_(ended)).values(lost=True)
    lost = (await connection.execute(statement)).rowcount > 0
    if lost:
        await connection.execute(delete(resumable_part).where(resumable_part.c.upload_id == upload_id))
    return lost


async def forget(connection: AsyncConnection, upload_id: str) -> bool:
    """Whether there was one."""
    return (await connection.execute(delete(resumable).where(resumable.c.id == upload_id))).rowcount > 0


async def expired(connection: AsyncConnection) -> list[str]:
    """Removes what is too old; the ids."""
    late = delete(resumable).where(resumable.c.expires_at < func.clock_timestamp()).returning(resumable.c.id)
    return list((await connection.execute(late)).scalars())


async def unsettled(connection: AsyncConnection) -> list[Resumable]:
    """Uploads that are whole, and of which nobody has said what became of them."""
    open_ones = and_(resumable.c.video_id.is_(None), resumable.c.problem.is_(None), resumable.c.lost.is_(False))
    rows = await connection.execute(select(resumable).where(open_ones, resumable.c.received == resumable.c.size))
    return [_row(row) for row in rows]


async def known(connection: AsyncConnection, ids: set[str]) -> set[str]:
    """Those that have a row."""
    return set((await connection.execute(select(resumable.c.id).where(resumable.c.id.in_(ids)))).scalars())
