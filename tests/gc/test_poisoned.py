"""A policy, a move or a tenant that can't be worked on: it is named, and all others get their plans and their files."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus import Bus, Outbox
from cutlog.db.engine import create_engine
from services.gc.acts.moves import Mover
from services.gc.background.schedule import Scheduler
from services.gc.projection.log import LogAsked
from services.gc.report.reading import Blocked
from services.gc.report.reports import Reports
from services.gc.report.storage import Keeper
from tests.gc.house import House, house
from tests.support.configuration import SettingsFactory
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")

NEVER = "0 0 31 2 *"


@pytest.fixture
async def home(settings_for: SettingsFactory) -> AsyncIterator[House]:
    async with house(settings_for) as made:
        yield made


@pytest.fixture
async def engine(settings_for: SettingsFactory) -> AsyncIterator[AsyncEngine]:
    made = create_engine(settings_for("gc"))
    yield made
    await made.dispose()


async def store(owner: asyncpg.Connection, tenant: str, policy: dict[str, Any]) -> None:
    """As a version before may have, or a hand."""
    await owner.execute(
        "INSERT INTO gc.policy (tenant, version, policy, actor, at) VALUES ($1, 1, $2, 'x', now())",
        tenant,
        json.dumps(policy),
    )


@slow
async def test_a_schedule_that_never_comes_is_refused_where_it_stands(home: House) -> None:
    never = ("0 0 30 2 *", "0 0 31 4,6,9,11 *", "R R * * *", "0 3 * *", "60 3 * * *", "0 3 * * * 0 2031", "x", "@daily")
    for line in (NEVER, *never):
        for method, path, body, pointer in (
            ("PUT", "/policy", {"schedule": line}, "/schedule"),
            ("POST", "/calculate", {"policy": {"schedule": line}}, "/policy/schedule"),
        ):
            status, answer = await home.http(method, f"/api/admin/gc{path}", body)
            assert (status, answer["errors"][0]["pointer"]) == (422, pointer), line


@slow
async def test_a_rare_schedule_is_taken(home: House) -> None:
    for line in ("0 3 29 2 *", "0 0 L * *", "*/5 * * * MON-FRI", ""):
        status, answer = await home.http("PUT", "/api/admin/gc/policy", {"schedule": line})
        assert (status, answer["schedule"]) == (200, line)


@slow
async def test_stored_policies_that_fail_keep_no_other_tenant_waiting_and_health_names_them(
    home: House, engine: AsyncEngine, owner: asyncpg.Connection, settings_for: SettingsFactory
) -> None:
    for tenant in ("bad", "default", "worse"):
        await home.project(f"p_{tenant}", tenant=tenant)
        await home.export(f"p_{tenant}", 1, tenant=tenant)
    await store(owner, "bad", {"schedule": NEVER})
    await store(owner, "worse", {"ttlDays": "many"})

    async def known() -> bool:
        return bool(await owner.fetchval("SELECT count(DISTINCT tenant) = 3 FROM gc.project"))

    await eventually(known)
    registry, blocked = CollectorRegistry(), Blocked()
    settings = settings_for("gc")
    async with await Bus.connect(settings.nats_url, settings.nats_seed.get_secret_value(), name="gc") as bus:
        reports = Reports(engine, Outbox(engine, "gc"), LogAsked(bus), home.blobs, blocked)
        scheduler = Scheduler(engine, reports, registry)
        await scheduler.once()
        assert scheduler.skipping.rows == ["bad", "worse"]
    assert [row["tenant"] for row in await owner.fetch("SELECT tenant FROM gc.schedule")] == ["default"]
    keeper = Keeper(engine, home.blobs, Outbox(engine, "gc"), registry, blocked, lambda *_: None)
    await keeper.once()
    assert keeper.skipping.rows == ["worse"]
    for tenant in ("bad", "default"):
        assert registry.get_sample_value("cutlog_gc_storage_objects", {"tenant": tenant, "class": "exports"}) == 1

    await home.stop_gc()
    await home.start_gc()  # as any process that finds such rows
    expected = {"skipped:gc.schedule:bad", "skipped:gc.schedule:worse", "skipped:gc.storage:worse"}

    async def named() -> bool:
        async with home.session.get(home.urls["gc"] + "/readyz") as answer:
            report = await answer.json()
            return answer.status == 200 and set(report.get("alarms", [])) == expected

    await eventually(named)
    async with home.session.get(home.urls["gc"] + "/metrics") as answer:
        assert 'cutlog_skipped_rows{loop="gc.schedule"} 2.0' in await answer.text()
    await owner.execute("UPDATE gc.policy SET policy = '{}'")


@slow
async def test_a_move_that_fails_is_passed_over_and_those_behind_it_are_done(
    home: House, engine: AsyncEngine, owner: asyncpg.Connection
) -> None:
    await home.stop_gc()
    rows = [
        ("m0", 1, "a", "explode", "export/p/v1_final.mp4"),
        ("m1", 2, "b", "delete", "../outside"),
        ("m2", 3, "c", "delete", "export/p/v3_final.mp4"),
        ("m3", 4, "a", "delete", "export/p/v1_final.mp4"),  # waits for m0, which is of the same object
    ]
    for key in ("export/p/v1_final.mp4", "export/p/v3_final.mp4"):
        await home.blobs.put_bytes(key, b"12345")
    for intent, position, object_id, action, source in rows:
        await owner.execute(
            "INSERT INTO gc.move (intent, position, class, object_id, tenant, action, source, actor, at)"
            " VALUES ($1, $2, 'export', $3, 'default', $4, $5, 'x', now())",
            intent, position, object_id, action, source,
        )  # fmt: skip
    mover = Mover(engine, home.blobs)
    assert await mover.settle() == 1
    assert mover.skipping.rows == ["m0", "m1"]
    assert home.there("export") == {"export/p/v1_final.mp4"}
    assert await mover.settle() == 0, "each is tried once in a round"
    await owner.execute("UPDATE gc.move SET action = 'delete' WHERE intent = 'm0'")
    assert await mover.settle() == 2
    assert mover.skipping.rows == ["m1"] and home.there("export") == set()
