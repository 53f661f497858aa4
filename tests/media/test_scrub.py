"""Objects that rot are found by and by, and mended where they can be; references are counted again from the log."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.blobs import LocalBlobs
from cutlog.bus import Bus
from cutlog.db.engine import create_engine
from services.media.upkeep.recount import Recounter
from services.media.upkeep.scrub import Scrubber
from tests.media.conftest import House
from tests.support.database import Database
from tests.support.painting import Painter
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")


@pytest.fixture
async def engine(running: House) -> AsyncIterator[AsyncEngine]:
    made = create_engine(running.settings_for("media"))
    yield made
    await made.dispose()


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


async def video(running: House, clip: Path, tenant: str = "default") -> Any:
    client = running.client(tenant=tenant)
    made = (await client.upload(clip)).body
    await client.ready(made["id"])
    (row,) = await running.rows("SELECT * FROM video WHERE id = $1", made["id"])
    return row


@slow
async def test_what_rots_is_found_and_what_can_be_mended_is(
    running: House, painted: Painter, engine: AsyncEngine
) -> None:
    clip, other = painted(25, 20), painted(25, 30, tag=1)
    mine, theirs = await video(running, clip), await video(running, clip, tenant="acme")
    alone = await video(running, other)
    await eventually(lambda: _settled(running))
    registry = CollectorRegistry()
    scrubber = Scrubber(engine, LocalBlobs(running.objects, ""), 1e-9, registry)
    assert await scrubber.step() == 3
    assert registry.get_sample_value("cutlog_media_corrupt_objects") == 0
    read = registry.get_sample_value("cutlog_media_verified_bytes_total") or 0
    assert read > 2 * mine["size"] + alone["size"]

    def key_of(row: Any) -> str:
        return str(json.loads(row["renditions"])["thumbnail"]["key"])

    flip(running.objects / mine["key"])
    flip(running.objects / alone["key"])
    thumbnail = running.objects / key_of(theirs)
    whole = thumbnail.read_bytes()
    flip(thumbnail)
    await scrubber.step()
    assert (running.objects / mine["key"]).read_bytes() == clip.read_bytes(), "another tenant had the same content"
    rows = {row["id"]: row["rotten"] for row in await running.rows("SELECT id, rotten FROM video")}
    assert rows == {mine["id"]: [], theirs["id"]: [], alone["id"]: [alone["key"]]}
    assert registry.get_sample_value("cutlog_media_corrupt_objects") == 1
    assert registry.get_sample_value("cutlog_media_repaired_objects_total") == 2
    await eventually(lambda: thumbnail.read_bytes() == whole)
    (running.objects / alone["key"]).write_bytes(other.read_bytes())  # as from a backup
    await eventually(lambda: _settled(running))
    await scrubber.step()
    assert registry.get_sample_value("cutlog_media_corrupt_objects") == 0


async def _settled(running: House) -> bool:
    return not await running.rows("SELECT FROM video WHERE derive_at IS NOT NULL")


@slow
async def test_nothing_is_read_before_its_time(running: House, painted: Painter, engine: AsyncEngine) -> None:
    await video(running, painted(25, 20))
    assert await Scrubber(engine, LocalBlobs(running.objects, ""), 30, CollectorRegistry()).step() == 0


@slow
async def test_references_that_are_not_those_of_the_log_are_told_and_left_alone(
    running: House, painted: Painter, engine: AsyncEngine, database: Database, nats: Any
) -> None:
    clip = painted(25, 20)
    made = await video(running, clip)
    await running.client().upload(clip)
    registry = CollectorRegistry()
    async with await Bus.connect(nats.url, nats.seed("media"), name="media") as bus:
        recounter = Recounter(engine, bus, registry)

        async def agree() -> bool:
            return await recounter.count() == {}

        await eventually(agree)
        owner = await asyncpg.connect(database.owner_url)
        await owner.execute("UPDATE media.video SET ref_count = 5")
        assert await recounter.count() == {made["id"]: (5, 2)}
        assert registry.get_sample_value("cutlog_media_refcount_differences") == 1
        assert await owner.fetchval("SELECT ref_count FROM media.video") == 5, "told, never mended"
        await owner.close()
