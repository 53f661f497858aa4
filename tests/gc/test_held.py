"""What a tenant holds is shown, reported each hour, and bounded."""

from __future__ import annotations

import json
from typing import Any

import asyncpg
from prometheus_client import CollectorRegistry
from sqlalchemy import text

from cutlog.bus import Outbox
from cutlog.contract.keys import CacheKey
from cutlog.db.engine import create_engine
from cutlog.hosting.settings import Budgets
from services.gc.bootstrap import serving as serving_gc
from services.gc.report.reading import Blocked
from services.gc.report.storage import Keeper
from tests.gc.house import house
from tests.support.configuration import SettingsFactory
from tests.support.database import Database
from tests.support.waiting import eventually


async def test_what_is_held_is_shown_by_project_reported_when_the_hour_is_over_and_bounds_exports(
    settings_for: SettingsFactory, database: Database
) -> None:
    engine, registry = create_engine(settings_for("gc")), CollectorRegistry()
    async with house(settings_for) as home:
        await home.media("m_one", size=50)
        await home.media("m_two", size=60)
        await home.project("p", 1, media="m_one")
        await home.export("p", 1, size=90)
        await home.proxy("p", 1, size=11)
        await home.blobs.put_bytes(str(CacheKey("default", "aa" * 32, "mp4")), b"k" * 5)
        keeper = Keeper(engine, home.blobs, Outbox(engine, "gc"), registry, Blocked(), lambda *_: None)

        async def held() -> dict[str, Any]:
            await keeper.once()
            found = await home.ok("GET", "/api/usage")
            assert "gc" not in found["unavailable"]
            return {each["budget"]: each for each in found["budgets"]}

        async def complete() -> bool:
            return bool((await held())["derivedBytes"]["now"] == 90 + 11 + 5 + 14)

        await eventually(complete)
        for budget, amount, of_p in (("originalBytes", 110, 50), ("files", 2, 1), ("derivedBytes", 120, 108)):
            use = (await held())[budget]
            assert (use["now"], use["hour"], use["day"], use["month"], use["reset"]) == (*[amount] * 4, None)
            assert use["projects"] == [{"projectId": "p", "hour": of_p, "day": of_p, "month": of_p}]
        labels = {"tenant": "default", "budget": "derivedBytes", "period": "day"}
        assert registry.get_sample_value("cutlog_usage", labels) == 120
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE held SET hour = hour - interval '1 hour'"))
        await keeper.once()
        await keeper.once()
        connection = await asyncpg.connect(database.owner_url)

        async def told() -> list[str]:
            rows = await connection.fetch("SELECT data FROM ops.event WHERE stream = 'usage.default'")
            return [row["data"] for row in rows if json.loads(row["data"])["service"] == "gc"]

        [said] = await eventually(told)
        assert {"amount": 120, "budget": "derivedBytes", "projectId": ""} in json.loads(said)["used"]
        await connection.close()
    await engine.dispose()


async def test_no_export_begins_while_more_is_derived_than_the_tenant_may_have(settings_for: SettingsFactory) -> None:
    small = settings_for("gc").model_copy(update={"budgets": {"*": Budgets(derived_bytes=5)}})
    async with house(settings_for) as home:
        await home.stop_gc()
        await home.media("m_one", size=50)
        await home.project("p", 1, media="m_one")
        async with serving_gc(small):

            async def known() -> bool:
                usage = await home.ok("GET", "/api/usage")
                return any(each["budget"] == "derivedBytes" and each["now"] == 7 for each in usage["budgets"])

            await eventually(known)
            status, refused = await home.http("POST", "/api/projects/p/export", {"version": 1})
    assert (status, refused["type"]) == (413, "/problems/budget-exceeded")
    told_of = tuple(refused[name] for name in ("budget", "limit", "used", "reset"))
    assert told_of == ("derivedBytes", 5, 7, None)
