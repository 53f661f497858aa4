"""One tenant's row that can't be worked on: each loop of media names it, and goes on with the others."""

from __future__ import annotations

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
from cutlog.db.skipping import Skipping
from services.media.ingest import leases
from services.media.upkeep.recount import Recounter
from services.media.upkeep.scrub import Scrubber
from tests.media.conftest import House
from tests.support.messaging import NatsServer
from tests.support.painting import Painter
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")


@pytest.fixture
async def engine(running: House) -> AsyncIterator[AsyncEngine]:
    made = create_engine(running.settings_for("media"))
    yield made
    await made.dispose()


async def damaged(running: House, owner: asyncpg.Connection, clip: Path, tenant: str = "acme") -> str:
    """A video of another tenant, with facts that are none."""
    client = running.client(tenant=tenant)
    video_id = str((await client.upload(clip)).body["id"])
    await client.ready(video_id)
    await owner.execute("UPDATE media.video SET facts = '[]' WHERE id = $1", video_id)
    return video_id


async def alarms(running: House) -> set[str]:
    answer = await running.client()("GET", "/readyz")
    assert answer.status == 200
    return set(answer.body.get("alarms", []))


@slow
async def test_an_upload_is_processed_although_another_row_cannot_be(
    running: House, owner: asyncpg.Connection, painted: Painter
) -> None:
    bad = await damaged(running, owner, painted(25, 20))
    await owner.execute("UPDATE media.video SET derive_at = now() - interval '1 hour' WHERE id = $1", bad)

    async def named() -> bool:
        return f"skipped:media.derive:{bad}" in await alarms(running)

    await eventually(named)
    client = running.client()
    good = (await client.upload(painted(25, 30, tag=1))).body["id"]
    assert (await client.ready(good))["status"] == "ready"


@slow
async def test_objects_are_read_although_a_row_cannot_be(
    running: House, owner: asyncpg.Connection, engine: AsyncEngine, painted: Painter
) -> None:
    bad = await damaged(running, owner, painted(25, 20))
    client = running.client()
    good = (await client.upload(painted(25, 30, tag=1))).body["id"]
    await client.ready(good)
    scrubber = Scrubber(engine, LocalBlobs(running.objects, ""), 1e-9, CollectorRegistry())

    async def settled() -> Any:
        return not await running.rows("SELECT FROM video WHERE derive_at IS NOT NULL")

    await eventually(settled)
    assert await scrubber.step() == 2
    assert scrubber.skipping.rows == [bad]
    rows = await running.rows("SELECT id FROM video WHERE scrubbed_at IS NOT NULL")
    assert {row["id"] for row in rows} == {bad, good}, "it takes no other's turn"


@slow
async def test_references_are_counted_although_an_event_cannot_be_read(
    running: House, owner: asyncpg.Connection, engine: AsyncEngine, painted: Painter, nats: NatsServer
) -> None:
    bad, good = [
        str((await running.client().upload(painted(25, seconds, tag=tag))).body["id"])
        for seconds, tag in ((20, 0), (30, 1))
    ]
    for video_id in (bad, good):
        await running.client().ready(video_id)
    await owner.execute("UPDATE ops.event SET data = '{}' WHERE stream = $1", f"media.{bad}")
    await owner.execute("UPDATE media.video SET ref_count = 5")
    async with await Bus.connect(nats.url, nats.seed("media"), name="media") as bus:
        recounter = Recounter(engine, bus, CollectorRegistry())
        await eventually(recounter.count)
        assert await recounter.count() == {good: (5, 1)}
        assert recounter.skipping.rows == [bad]


@slow
async def test_what_dead_uploads_left_is_removed_although_a_row_names_no_key(
    running: House, owner: asyncpg.Connection, engine: AsyncEngine
) -> None:
    blobs = LocalBlobs(running.objects, "")
    for upload_id, its in (("u_1", "nonsense"), ("u_2", None), ("u_3", "../x")):
        await owner.execute(
            "INSERT INTO media.upload (id, tenant, key, lease_until)"
            " VALUES ($1, 'acme', $2, now() - interval '1 hour')",
            upload_id, its,
        )  # fmt: skip
    skipping = Skipping(leases.SWEEP)
    await leases.sweep(engine, blobs, skipping)
    assert skipping.rows == ["u_1", "u_3"]
    left = await owner.fetch("SELECT id FROM media.upload ORDER BY id")
    assert [row["id"] for row in left] == ["u_1", "u_3"]


@slow
async def test_whole_uploads_are_ended_although_one_cannot_be(
    running: House, owner: asyncpg.Connection, painted: Painter
) -> None:
    await running.stop("media")
    clip, folder = painted(25, 20).read_bytes(), running.objects / "temp" / "resumable"
    for upload_id, tenant in (("u_bad", "no tenant"), ("u_good", "default")):
        (folder / upload_id).write_bytes(clip)
        await owner.execute(
            "INSERT INTO media.resumable (id, tenant, actor, name, metadata, size, received, expires_at)"
            " VALUES ($1, $2, 'x', 'x.mp4', '', $3, $3, now() + interval '1 day')",
            upload_id, tenant, len(clip),
        )  # fmt: skip
    await running.start("media")

    async def ended() -> bool:
        rows = await running.rows("SELECT id FROM resumable WHERE video_id IS NOT NULL")
        return [row["id"] for row in rows] == ["u_good"]

    await eventually(ended)

    async def named() -> bool:
        return "skipped:media.resumable:u_bad" in await alarms(running)

    await eventually(named)
