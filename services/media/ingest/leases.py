"""Uploads under way, as rows with a lease: what a crash leaves between store and tables is found and removed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.blobs import BlobStore
from cutlog.contract.ids import new_id
from cutlog.contract.originals import original_of
from cutlog.db.failures import DATABASE_ERRORS
from cutlog.db.skipping import Skipping, repeat
from services.media.errors import MediaError
from services.media.records.videos import lock_content
from services.media.sql import statement

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(minutes=2)
RENEW_SECONDS: Final = 20.0
SWEEP: Final = "media.sweep"
SWEEP_SECONDS: Final = 60.0

_BEGIN: Final = statement("upload_begin")
_AGAIN: Final = statement("upload_again")
_LEAVE: Final = statement("upload_leave")
_LEAVE_EMPTY: Final = statement("upload_leave_empty")
_RENEW: Final = statement("upload_renew")
_KEY: Final = statement("upload_key")
_CLOSE: Final = statement("upload_close")
_EXPIRED: Final = statement("upload_expired")
_SWEEP: Final = statement("upload_sweep")
_WANTED: Final = statement("upload_wanted")


class LeaseLostError(MediaError):
    """The upload was cleaned up after 30 s without a heartbeat; send the file again."""


class LeaseHeldError(MediaError):
    """Another process holds this upload."""


@asynccontextmanager
async def leased(engine: AsyncEngine, tenant: str, upload_id: str | None = None) -> AsyncIterator[str]:
    """The id of a new upload, kept alive until the end; its row is gone after.

    With an `upload_id` that somebody living holds already, raises LeaseHeldError.
    """
    upload_id = upload_id or new_id("u")
    async with engine.begin() as connection:
        if (await connection.execute(_BEGIN, {"id": upload_id, "tenant": tenant, "lease": LEASE})).rowcount == 0:
            raise LeaseHeldError(str(LeaseHeldError.__doc__))
    renewing = asyncio.create_task(_renew(engine, upload_id))
    try:
        yield upload_id
    finally:
        renewing.cancel()
        # A row that stays is swept when its lease is over.
        with contextlib.suppress(*DATABASE_ERRORS):
            async with engine.begin() as connection:
                await connection.execute(_LEAVE_EMPTY, {"id": upload_id})
                await connection.execute(_LEAVE, {"id": upload_id})


async def _renew(engine: AsyncEngine, upload_id: str) -> None:
    while True:
        await asyncio.sleep(RENEW_SECONDS)
        with contextlib.suppress(*DATABASE_ERRORS):
            async with engine.begin() as connection:
                await connection.execute(_RENEW, {"id": upload_id, "lease": LEASE})


async def again(engine: AsyncEngine, tenant: str, upload_id: str) -> None:
    """The upload goes on with another attempt: its row is there again if an attempt has ended it."""
    async with engine.begin() as connection:
        await connection.execute(_AGAIN, {"id": upload_id, "tenant": tenant, "lease": LEASE})


async def note_key(connection: AsyncConnection, upload_id: str, key: str) -> None:
    """Notes where the bytes will be, before they are put there. Raises LeaseLostError."""
    changed = await connection.execute(_KEY, {"id": upload_id, "key": key, "lease": LEASE})
    if changed.rowcount == 0:
        raise LeaseLostError(str(LeaseLostError.__doc__))


async def close(connection: AsyncConnection, upload_id: str) -> None:
    """Ends an upload in the transaction that counts it. Raises LeaseLostError."""
    if (await connection.execute(_CLOSE, {"id": upload_id})).rowcount == 0:
        raise LeaseLostError(str(LeaseLostError.__doc__))


async def sweep(engine: AsyncEngine, blobs: BlobStore, skipping: Skipping | None = None) -> int:
    """Removes uploads whose lease is over, with the objects they left that nothing else refers to; how many objects."""
    skipping, removed = skipping or Skipping(SWEEP), 0
    async with engine.connect() as connection:
        dead = (await connection.execute(_EXPIRED)).all()
    for row in dead:
        with skipping.row(row.id):
            removed += await _remove(engine, blobs, row)
    return removed


async def _remove(engine: AsyncEngine, blobs: BlobStore, row: Row[Any]) -> int:
    async with engine.begin() as connection:
        if row.key is not None:
            await lock_content(connection, row.tenant, original_of(row.key).sha256)
        key = await connection.scalar(_SWEEP, {"id": row.id})
        if key is None or await _wanted(connection, key):
            return 0
        removed = await blobs.delete(key)
        log.info("upload.leftovers_removed", key=key)
        return removed


async def _wanted(connection: AsyncConnection, key: str) -> bool:
    """Whether a video has its bytes there, or another upload is about to put them there."""
    return bool((await connection.execute(_WANTED, {"key": key})).scalar_one())


async def keep_swept(engine: AsyncEngine, blobs: BlobStore, skipping: Skipping, stop: asyncio.Event) -> None:
    """Sweeps uploads and unfinished files, now and every minute, until `stop` is set."""

    async def once() -> None:
        await sweep(engine, blobs, skipping)
        await blobs.sweep()

    await repeat(skipping.loop, once, SWEEP_SECONDS, stop)
