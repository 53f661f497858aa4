"""What happens by itself: a plan when it is due, somebody told, and numbers kept. Nothing is ever moved."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from cutlog.bus import Bus, Outbox
from cutlog.contract.keys import CacheKey
from cutlog.db.engine import create_engine
from services.gc.background.schedule import Scheduler, last_due
from services.gc.background.webhook import Webhook
from services.gc.projection.log import LogAsked
from services.gc.report.reading import Blocked
from services.gc.report.reports import Reports
from services.gc.report.storage import Keeper, Point, growth
from tests.gc.house import EAGER, House, house
from tests.support.configuration import SettingsFactory
from tests.support.database import Database
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")


@pytest.fixture
async def home(settings_for: SettingsFactory) -> AsyncIterator[House]:
    async with house(settings_for) as made:
        yield made


@pytest.mark.parametrize(
    ("line", "at", "due"),
    [
        ("0 3 * * 0", "2031-05-07T12:00:00", "2031-05-04T03:00:00"),
        ("0 3 * * 0", "2031-05-04T03:00:00", "2031-05-04T03:00:00"),
        ("0 3 * * 0", "2031-05-04T02:59:59", "2031-04-27T03:00:00"),
        ("*/5 * * * *", "2031-05-04T02:59:59", "2031-05-04T02:55:00"),
        ("0 0 29 2 *", "2031-05-04T00:00:00", "2028-02-29T00:00:00"),
        ("", "2031-05-04T00:00:00", None),
    ],
)
def test_a_plan_was_last_due_when_the_cron_line_says(line: str, at: str, due: str | None) -> None:
    found = last_due(line, datetime.fromisoformat(at).replace(tzinfo=UTC))
    assert (found.replace(tzinfo=None).isoformat() if found else None) == due


@slow
async def test_what_was_missed_is_calculated_once_and_told_until_somebody_hears(
    home: House, database: Database, settings_for: SettingsFactory
) -> None:
    await home.project("p")
    for n in (1, 2, 3):
        await home.export("p", n)
    await home.gc("PUT", "/policy", EAGER | {"schedule": "*/5 * * * *"})
    heard: list[tuple[dict[str, str], bytes]] = []

    async def hear(request: web.Request) -> web.Response:
        heard.append((dict(request.headers), await request.read()))
        return web.Response(status=500 if len(heard) == 1 else 204)

    app = web.Application()
    app.router.add_post("/hook", hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    settings = settings_for("gc")
    engine = create_engine(settings)
    admin = await asyncpg.connect(database.owner_url)
    try:
        async with await Bus.connect(settings.nats_url, settings.nats_seed.get_secret_value(), name="gc") as bus:
            reports = Reports(engine, Outbox(engine, "gc"), LogAsked(bus), home.blobs, Blocked())
            registry = CollectorRegistry()
            scheduler = Scheduler(engine, reports, registry, Webhook(home.session, url, "secret"))

            async def plans() -> int:
                return sum(run["action"] == "schedule" for run in (await home.gc("GET", "/runs"))["items"])

            await scheduler.once()
            assert await plans() == 0 and not heard, "who is new has missed nothing"
            await admin.execute("UPDATE gc.schedule SET due = due - interval '40 days'")

            async def caught_up() -> bool:
                await scheduler.once()
                return await plans() == 1

            await eventually(caught_up)
            await scheduler.once()
            assert await plans() == 1 and len(heard) == 1, "thousands were missed, one is made; who did not hear, waits"
            await admin.execute("UPDATE gc.schedule SET retry_at = now()")
            await Scheduler(engine, reports, CollectorRegistry(), Webhook(home.session, url, "secret")).once()
            await scheduler.once()
            assert len(heard) == 2 and await plans() == 1
            assert registry.get_sample_value("cutlog_gc_scheduled_plans_total", {"tenant": "default"}) == 1.0
    finally:
        await admin.close()
        await runner.cleanup()
        await engine.dispose()
    headers, body = heard[1]
    said = json.loads(body)
    stamp, _, signed = headers["Cutlog-Signature"].partition(",v1=")
    expected = hmac.new(b"secret", f"{stamp.removeprefix('t=')}.".encode() + body, hashlib.sha256).hexdigest()
    assert signed == expected and headers["Cutlog-Delivery"] == said["planId"]
    assert said["type"] == "gc.plan-calculated" and said["candidates"] == 2 and said["bytes"] == 200
    page = await home.gc("GET", f"/candidates?planId={said['planId']}")
    assert page["planHash"] == said["planHash"]
    assert len(home.there("export")) == 3 and home.there("archive") == set(), "nothing is moved by itself"


@pytest.mark.few(1, reason="starts ops, gc, NATS and a database for one more case of its kind")
@pytest.mark.parametrize("line", ["every week", "0 3 * *", "99 3 * * 0", "0 3 * * 0 7"])
async def test_a_schedule_that_is_no_cron_line_is_refused(home: House, line: str) -> None:
    status, problem = await home.http("PUT", "/api/admin/gc/policy", {"schedule": line})
    assert status == 422 and problem["errors"][0]["pointer"] == "/schedule"


@slow
async def test_a_changed_policy_is_in_the_log_and_the_systems_counts_for_who_has_none(home: House) -> None:
    await home.gc("PUT", "/policy?level=system", {"ttlDays": 5})
    assert (await home.gc("GET", "/policy", tenant="acme"))["ttlDays"] == 5
    await home.gc("PUT", "/policy", {"ttlDays": 6}, tenant="acme")
    assert (await home.gc("GET", "/policy", tenant="acme"))["ttlDays"] == 6
    assert (await home.gc("GET", "/policy"))["ttlDays"] == 5
    status, _ = await home.http("PUT", "/api/admin/gc/policy?level=system", {"ttlDays": 7}, tenant="acme")
    assert status == 403
    assert (await home.gc("GET", "/policy", tenant="other"))["ttlDays"] == 5


@slow
async def test_changes_of_policy_are_events(home: House, database: Database) -> None:
    await home.gc("PUT", "/policy", {"ttlDays": 6})
    await home.gc("PUT", "/policy?level=system", {"ttlDays": 7})
    connection = await asyncpg.connect(database.owner_url)

    async def told() -> bool:
        rows = await connection.fetch(
            "SELECT stream, data FROM ops.event WHERE type = 'PolicyChanged' ORDER BY position"
        )
        found = [(row["stream"], json.loads(row["data"])) for row in rows]
        return [(stream, data["level"], data["version"], data["policy"]["ttlDays"]) for stream, data in found] == [
            ("gc.policy_default", "tenant", 1, 6),
            ("gc.policy", "system", 1, 7),
        ]

    await eventually(told)
    await connection.close()


@slow
async def test_storage_is_counted_by_class_and_project_with_what_is_shared_and_saved(
    home: House, settings_for: SettingsFactory
) -> None:
    await home.media("m_one", size=50)
    await home.media("m_two", size=60)
    await home.project("p", 1, media="m_one")
    await home.ok("POST", "/api/projects", {"name": "q", "id": "q"})
    await home.version("q", 1, media="m_two")
    await home.ok("POST", "/api/projects/q/fork", {"name": "r", "id": "r"})
    await home.version("p", 2)
    await home.export("p", 1, size=90)
    second = await home.export("p", 2, size=200)
    await home.proxy("p", 2, size=11)
    await home.blobs.put_bytes(str(CacheKey("default", "aa" * 32, "mp4")), b"k" * 5)
    plan, _ = await home.archived()
    assert plan["candidateCount"] == 1 and second not in plan["candidates"][0]["id"]

    async def shown() -> Any:
        status, answer = await home.http("GET", "/api/admin/storage")
        assert status == 200, answer
        return answer

    async def complete() -> bool:
        return {each["class"] for each in (await shown())["classes"]} == {
            "archive", "exports", "proxies", "segments", "videos",
        }  # fmt: skip

    await eventually(complete)
    answer = await shown()
    classes = {each["class"]: (each["objects"], each["bytes"], each["shared"]) for each in answer["classes"]}
    assert classes == {
        "archive": (1, 90, 0), "exports": (1, 200, 0), "proxies": (1, 11, 0), "segments": (1, 5, 0),
        "videos": (2, 124, 67),
    }  # fmt: skip
    videos = {
        each["projectId"]: (each["bytes"], each["shared"]) for each in answer["projects"] if each["class"] == "videos"
    }
    assert videos["p"] == (57, 0) and videos["q"] == (0, 67)
    assert answer["savedBySegments"] == 100, "30 of 60 frames were encoded"
    assert [each["days"] for each in answer["forecast"]] == [0, 7, 30]
    assert [each["objects"] for each in answer["forecast"]] == [0, 0, 1], "of all classes, the segment in a fortnight"
    classes_ahead = {"export": 0, "proxy": 0, "segment": 5, "preview": 0, "video": 0, "leftover": 0}
    assert (answer["forecast"][2]["classes"], answer["forecast"][2]["bytes"]) == (classes_ahead, 5)
    engine, registry = create_engine(settings_for("gc")), CollectorRegistry()
    keeper = Keeper(engine, home.blobs, Outbox(engine, "gc"), registry, Blocked(), lambda *_: None)
    await keeper.once()
    await keeper.once()
    await engine.dispose()
    labels = {"tenant": "default", "class": "videos"}
    assert registry.get_sample_value("cutlog_gc_storage_bytes", labels) == 124
    ahead = {"tenant": "default", "class": "segment", "days": "30"}
    assert registry.get_sample_value("cutlog_gc_forecast_bytes", ahead) == 5
    points = (await shown())["history"]
    assert {(each["class"], each["bytes"]) for each in points} == {(name, row[1]) for name, row in classes.items()}
    status, problem = await home.http("GET", "/api/admin/storage?from=2031-01-02T00:00:00Z&to=2031-01-01T00:00:00Z")
    assert status == 422 and problem["errors"][0]["pointer"] == "?from"


def test_growth_is_in_bytes_per_day() -> None:
    start = datetime(2031, 1, 1, tzinfo=UTC)

    def point(hours: int, size: int, class_: Any = "videos") -> Point:
        return Point(hour=start + timedelta(hours=hours), class_=class_, objects=1, bytes=size, shared=0, saved=0)

    assert growth([point(0, 100), point(0, 20, "exports"), point(12, 180)]) == 120.0
    assert growth([point(0, 100)]) == 0.0
