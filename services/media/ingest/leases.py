"""Uploads under way, as rows with a lease: what a crash leaves between store and tables is found and removed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy import ColumnElement, Row, delete, func, literal, select, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.blobs import BlobStore
from cutlog.contract.ids import new_id
from cutlog.contract.keys import original_of
from cutlog.db.failures import DATABASE_ERRORS
from cutlog.db.skipping import Skipping, repeat
from services.media.errors import MediaError
from services.media.records.videos import lock_content
from services.media.tables import upload, video

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(minutes=2)
RENEW_SECONDS: Final = 20.0
SWEEP: Final = "media.sweep"
SWEEP_SECONDS: Final = 60.0


class LeaseLostError(MediaError):
    """The upload was cleaned up after 30 s without a heartbeat; send the file again."""


class LeaseHeldError(MediaError):
    """Another process holds this upload."""


def _until() -> ColumnElement[object]:
    return func.clock_timestamp() + literal(LEASE)


@asynccontextmanager
async def leased(engine: AsyncEngine, tenant: str, upload_id: str | None = None) -> AsyncIterator[str]:
    """The id of a new upload, kept alive until the end; its row is gone after.

    With an `upload_id` that somebody living holds already, raises LeaseHeldError.
    """
    upload_id = upload_id or new_id("u")
    row = postgresql.insert(upload).values(id=upload_id, tenant=tenant, lease_until=_until())
    over = row.on_conflict_do_update(
        index_elements=["id"], set_={"lease_until": _until()}, where=upload.c.lease_until <= func.clock_timestamp()
    )
    async with engine.begin() as connection:
        if (await connection.execute(over)).rowcount == 0:
            raise LeaseHeldError(str(LeaseHeldError.__doc__))
    renewing = asyncio.create_task(_renew(engine, upload_id))
    try:
        yield upload_id
    finally:
        renewing.cancel()
        # A row that stays is swept when its lease is over.
        with contextlib.suppress(*DATABASE_ERRORS):
            async with engine.begin() as connection:
                # One that ended without being counted may have left an object: the sweep looks.
                mine = upload.c.id == upload_id
                await connection.execute(delete(upload).where(mine, upload.c.key.is_(None)))
                await connection.execute(update(upload).where(mine).values(lease_until=func.clock_timestamp()))


async def _renew(engine: AsyncEngine, upload_id: str) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        with contextlib.suppress(*DATABASE_ERRORS):
            async with engine.begin() as connection:
                await connection.execute(update(upload).where(upload.c.id == upload_id).values(lease_until=_until()))


async def again(engine: AsyncEngine, tenant: str, upload_id: str) -> None:
    """The upload goes on with another attempt: its row is there again if an attempt has ended it."""
    row = postgresql.insert(upload).values(id=upload_id, tenant=tenant, lease_until=_until())
    async with engine.begin() as connection:
        await connection.execute(row.on_conflict_do_nothing())


async def note_key(connection: AsyncConnection, upload_id: str, key: str) -> None:
    """Notes where the bytes will be, before they are put there. Raises LeaseLostError."""
    changed = await connection.execute(
        update(upload).where(upload.c.id == upload_id).values(key=key, lease_until=_until())
    )
    if changed.rowcount == 0:
        raise LeaseLostError(str(LeaseLostError.__doc__))


async def close(connection: AsyncConnection, upload_id: str) -> None:
    """Ends an upload in the transaction that counts it. Raises LeaseLostError."""
    if (await connection.execute(delete(upload).where(upload.c.id == upload_id))).rowcount == 0:
        raise LeaseLostError(str(LeaseLostError.__doc__))


async def sweep(engine: AsyncEngine, blobs: BlobStore, skipping: Skipping | None = None) -> int:
    """Removes uploads whose lease is over, with the objects they left that nothing else refers to; how many objects."""
    skipping, removed = skipping or Skipping(SWEEP), 0
    async with engine.connect() as connection:
        dead = (await connection.execute(select(upload).where(upload.c.lease_until < func.clock_timestamp()))).all()
    for row in dead:
        with skipping.row(row.id):
            removed += await _remove(engine, blobs, row)
    return removed


async def _remove(engine: AsyncEngine, blobs: BlobStore, row: Row[Any]) -> int:
    now = func.clock_timestamp()
    async with engine.begin() as connection:
        if row.key is not None:
            await lock_content(connection, row.tenant, original_of(row.key).sha256)
        ended = await connection.execute(
            delete(upload).where(upload.c.id == row.id, upload.c.lease_until < now).returning(upload.c.key)
        )
        key = ended.scalar_one_or_none()
        if key is None or await _wanted(connection, key):
            return 0
        removed = await blobs.delete(key)
        log.info("upload.leftovers_removed", key=key)
        return removed


async def _wanted(connection: AsyncConnection, key: str) -> bool:
    """Whether a video has its bytes there, or another upload is about to put them there."""
    rows = select(video.c.id).where(video.c.key == key).union_all(select(upload.c.id).where(upload.c.key == key))
    return (await connection.execute(rows.limit(1))).first() is not None


async def keep_swept(engine: AsyncEngine, blobs: BlobStore, skipping: Skipping, stop: asyncio.Event) -> None:
    """Sweeps uploads and unfinished files, now and every minute, until `stop` is set."""

    async def once() -> None:
        await sweep(engine, blobs, skipping)
        await blobs.sweep()

    await repeat(skipping.loop, once, SWEEP_SECONDS, stop)
