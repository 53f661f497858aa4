"""Reads a share of all objects each day, tells of those that are not what was stored, and mends those that can be: what
was made of a video is made again; an original comes back from another video of the same content.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

import msgspec
import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.blobs.digests import digest_of
from cutlog.db.lead import lead
from cutlog.db.leases import Lease
from cutlog.db.skipping import KEPT, Skipping
from cutlog.db.standing import Standing
from cutlog.process.stopping import stops_within
from services.media.records.videos import DERIVE_ATTEMPTS, Stored, stored
from services.media.sql import statement

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 30.0
AT_ONCE: Final = 20
"""Videos between two looks at the clock."""

_DUE: Final = statement("scrub_due")
_ROTTEN: Final = statement("scrub_rotten")
_PASS_OVER: Final = statement("scrub_pass_over")
_NOTE: Final = statement("scrub_note")
_TWINS: Final = statement("scrub_twins")


class Piece(msgspec.Struct, frozen=True):
    """An object and what it must be; `original`, or made of one."""

    key: str
    sha256: str
    original: bool


class Scrubber:
    """Each object is read once in `days`, the one that was not for longest first; with 0 none is."""

    def __init__(self, engine: AsyncEngine, blobs: BlobStore, days: float, registry: CollectorRegistry) -> None:
        self._engine, self._blobs, self._days = engine, blobs, days
        self.standing = Standing("media.scrub")
        self.skipping = Skipping("media.scrub", kept=KEPT + 2 * days * 86_400)
        self._read = Counter(
            "cutlog_media_verified_bytes", "Bytes read again and compared with their digest", registry=registry
        )
        self._mended = Counter("cutlog_media_repaired_objects", "Corrupt objects repaired", registry=registry)
        self._rotten = Gauge(
            "cutlog_media_corrupt_objects", "Corrupt objects that cannot be repaired", registry=registry
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set. One process at a time does."""

        async def work(lease: Lease) -> None:
            while not stop.is_set():
                lease.check()
                read = await self.step()
                lease.completed()
                if not read:
                    await stops_within(stop, LOOK_SECONDS)

        if self._days:
            await lead(self._engine, self.standing.name, stop, work, standing=self.standing)

    async def step(self) -> int:
        """Reads the videos whose turn it is, a few at most; how many."""
        due = {"age": timedelta(days=self._days), "limit": AT_ONCE}
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_DUE, due)).all()
        for row in rows:
            await self._turn(row)
        async with self._engine.connect() as connection:
            self._rotten.set((await connection.execute(_ROTTEN)).scalar_one())
        return len(rows)

    async def _turn(self, row: Row[Any]) -> None:
        with self.skipping.row(row.id):
            await self._video(stored(row))
            return
        async with self._engine.begin() as connection:
            await connection.execute(_PASS_OVER, {"id": row.id})

    async def _video(self, row: Stored) -> None:
        bad = [piece for piece in pieces(row) if not await self._whole(piece)]
        left: list[str] = []
        again = False
        for piece in bad:
            log.error("scrub.object_corrupt", id=row.id, key=piece.key, sha256=piece.sha256)
            if piece.original and not await self._restored(row, piece):
                left.append(piece.key)
        if bad and not left:
            self._mended.inc(len(bad))
            again = any(not piece.original for piece in bad)
        values = {
            "id": row.id, "generation": row.generation, "key": row.key, "rotten": left, "again": again,
            "attempts": DERIVE_ATTEMPTS,
        }  # fmt: skip
        async with self._engine.begin() as connection:
            await connection.execute(_NOTE, values)

    async def _whole(self, piece: Piece) -> bool:
        try:
            return await digest_of(self._blobs, piece.key, self._read.inc) == piece.sha256
        except BlobNotFoundError:
            return False

    async def _restored(self, row: Stored, piece: Piece) -> bool:
        """Puts the bytes of another video of the same content in the place of the rotten ones."""
        async with self._engine.connect() as connection:
            keys = list(await connection.scalars(_TWINS, {"sha256": piece.sha256, "key": piece.key}))
        for key in keys:
            if await self._whole(Piece(key, piece.sha256, True)):
                async with self._blobs.local(key) as path:
                    await self._blobs.put_file(piece.key, path, sha256=piece.sha256)
                log.info("scrub.object_repaired", id=row.id, key=piece.key)
                return True
        return False


def pieces(row: Stored) -> Iterator[Piece]:
    """The original, and what was made of it."""
    yield Piece(row.key, row.sha256, True)
    for _, made in row.renditions.files():
        yield Piece(made.key, made.sha256, False)
