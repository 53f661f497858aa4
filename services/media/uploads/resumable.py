"""Rows of resumable uploads: begun, going on, ended, expired."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from services.media.errors import MediaError
from services.media.sql import statement
from services.media.uploads.holding import BytesLostError

_BEGIN: Final = statement("resumable_begin")
_FIND: Final = statement("resumable_find")
_ADVANCE: Final = statement("resumable_advance")
_PARTS: Final = statement("resumable_parts")
_LAST_PART: Final = statement("resumable_last_part")
_ADD_PART: Final = statement("resumable_add_part")
_REMOVE_PART: Final = statement("resumable_remove_part")
_END: Final = statement("resumable_end")
_LOSE: Final = statement("resumable_lose")
_FORGET: Final = statement("resumable_forget")
_EXPIRED: Final = statement("resumable_expired")
_UNSETTLED: Final = statement("resumable_unsettled")
_KNOWN: Final = statement("resumable_known")


class UploadUnknownError(MediaError, LookupError):
    """The upload does not exist."""


class UploadExpiredError(MediaError):
    """The upload expired before it was complete; start it again."""


class OffsetError(MediaError):
    """The offset does not match the length received so far."""

    def __init__(self, received: int, offset: int) -> None:
        super().__init__(f"The upload has {received} bytes; the request starts at {offset}.")


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
    return msgspec.convert(dict(row._mapping), Resumable)


async def begin(connection: AsyncConnection, new: Resumable, ttl: timedelta) -> Resumable:
    """Adds an upload of which nothing has come."""
    values = {name: getattr(new, name) for name in ("id", "tenant", "actor", "name", "metadata", "size")}
    return _row((await connection.execute(_BEGIN, {**values, "ttl": ttl})).one())


async def find(connection: AsyncConnection, tenant: str, upload_id: str) -> Resumable:
    """Raises UploadUnknownError, UploadExpiredError, BytesLostError."""
    row = (await connection.execute(_FIND, {"id": upload_id, "tenant": tenant})).one_or_none()
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
    values = {"id": before.id, "before": before.received, "received": received, "ttl": ttl}
    row = (await connection.execute(_ADVANCE, values)).one_or_none()
    if row is not None:
        return _row(row)
    now = await find(connection, before.tenant, before.id)
    raise OffsetError(now.received, before.received)


async def parts(connection: AsyncConnection, upload_id: str) -> list[Part]:
    """In their order."""
    rows = await connection.execute(_PARTS, {"upload_id": upload_id})
    return [Part(start=start, size=size, sha256=sha256, key=key) for start, size, sha256, key in rows]


async def last_part(connection: AsyncConnection, of: Resumable) -> Part | None:
    """Where the upload ends. Raises OffsetError when more was added since `of` was read, UploadUnknownError,
    BytesLostError."""
    row = (await connection.execute(_LAST_PART, {"id": of.id})).one_or_none()
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
    await connection.execute(_ADD_PART, values)


async def remove_part(connection: AsyncConnection, part: Part) -> None:
    await connection.execute(_REMOVE_PART, {"key": part.key})


async def end(
    connection: AsyncConnection, upload_id: str, *, video_id: str | None = None, problem: str | None = None
) -> None:
    """Notes what became of it; its parts are not needed any more."""
    await connection.execute(_END, {"id": upload_id, "video_id": video_id, "problem": problem})


async def lose(connection: AsyncConnection, upload_id: str) -> bool:
    """Notes that bytes of it are lost; False where it has ended already."""
    return bool((await connection.execute(_LOSE, {"id": upload_id})).scalar_one())


async def forget(connection: AsyncConnection, upload_id: str) -> bool:
    """Whether there was one."""
    return (await connection.execute(_FORGET, {"id": upload_id})).rowcount > 0


async def expired(connection: AsyncConnection) -> list[str]:
    """Removes what is too old; the ids."""
    return list(await connection.scalars(_EXPIRED))


async def unsettled(connection: AsyncConnection) -> list[Resumable]:
    """Uploads that are whole, and of which nobody has said what became of them."""
    return [_row(row) for row in await connection.execute(_UNSETTLED)]


async def known(connection: AsyncConnection, ids: set[str]) -> set[str]:
    """Those that have a row."""
    return set(await connection.scalars(_KNOWN, {"ids": list(ids)}))
