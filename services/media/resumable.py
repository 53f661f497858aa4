"""Rows of resumable uploads: begun, going on, ended, expired."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import ColumnElement, Row, and_, delete, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.media.tables import resumable


class UploadUnknownError(LookupError):
    """There is no such upload."""


class UploadExpiredError(Exception):
    """The upload was not gone on with in time."""


class Resumable(msgspec.Struct, frozen=True, kw_only=True):
    """A row of `resumable`: `received` of `size` bytes are on disk."""

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
    """Raises UploadUnknownError, UploadExpiredError."""
    query = select(resumable, (resumable.c.expires_at < func.clock_timestamp()).label("late"))
    query = query.where(resumable.c.id == upload_id, resumable.c.tenant == tenant)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise UploadUnknownError(f"Upload {upload_id} does not exist.")
    found = _row(row)
    if row.late:
        raise UploadExpiredError(f"Upload {upload_id} ended at {found.expires_at:%Y-%m-%d %H:%M:%S} UTC.")
    return found


async def advance(connection: AsyncConnection, upload_id: str, received: int, ttl: timedelta) -> Resumable:
    """Notes that so many bytes are on disk. Raises UploadUnknownError when it was ended meanwhile."""
    statement = update(resumable).where(resumable.c.id == upload_id).values(received=received, expires_at=_until(ttl))
    row = (await connection.execute(statement.returning(resumable))).one_or_none()
    if row is None:
        raise UploadUnknownError(f"Upload {upload_id} does not exist.")
    return _row(row)


async def end(
    connection: AsyncConnection, upload_id: str, *, video_id: str | None = None, problem: str | None = None
) -> None:
    """Notes what became of it."""
    statement = update(resumable).where(resumable.c.id == upload_id)
    await connection.execute(statement.values(video_id=video_id, problem=problem))


async def forget(connection: AsyncConnection, upload_id: str) -> bool:
    """Whether there was one."""
    return (await connection.execute(delete(resumable).where(resumable.c.id == upload_id))).rowcount > 0


async def expired(connection: AsyncConnection) -> list[str]:
    """Removes what is too old; the ids."""
    late = delete(resumable).where(resumable.c.expires_at < func.clock_timestamp()).returning(resumable.c.id)
    return list((await connection.execute(late)).scalars())


async def unsettled(connection: AsyncConnection) -> list[Resumable]:
    """Uploads that are whole, and of which nobody has said what became of them."""
    open_ones = and_(resumable.c.video_id.is_(None), resumable.c.problem.is_(None))
    rows = await connection.execute(select(resumable).where(open_ones, resumable.c.received == resumable.c.size))
    return [_row(row) for row in rows]


async def known(connection: AsyncConnection, ids: set[str]) -> set[str]:
    """Those that have a row."""
    return set((await connection.execute(select(resumable.c.id).where(resumable.c.id.in_(ids)))).scalars())
