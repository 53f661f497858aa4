"""What was used is counted once per slice, whatever is killed, and every sum is that of its rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from random import Random

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus import Outbox
from cutlog.bus.usage import Reporter
from cutlog.contract.commands import RecordUsage, decode_command
from cutlog.db import usage
from cutlog.db.engine import create_engine
from cutlog.db.usage import Meter, Slice, record, settle
from tests.support.configuration import SettingsFactory
from tests.support.lanes import later

TENANTS = ("a", "b")


@pytest.fixture
async def engine(settings_for: SettingsFactory) -> AsyncIterator[AsyncEngine]:
    made = create_engine(settings_for("render"))
    yield made
    await made.dispose()


class Shop:
    """Workers that make slices and die, and a store. `made` counts how often each slice came to be."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine, self.meter = engine, Meter(engine)
        self.store: set[str] = set()
        self.made: Counter[str] = Counter()

    async def job(self, tenant: str, project: str, wanted: list[str]) -> AsyncIterator[None]:
        """Everything between two steps may be the last that the worker does."""
        since: datetime = await self.meter.now()
        yield
        missing = [key for key in wanted if key not in self.store]
        yield
        if not missing:
            return
        await self.meter.begin(tenant, project, [self.slice(key) for key in missing], since)
        for key in missing:
            yield
            if key not in self.store:
                self.made[key] += 1
            self.store.add(key)
            yield
            await self.meter.end(tenant, [key])

    @staticmethod
    def slice(key: str) -> Slice:
        frames = 1 + int(key.rpartition("/")[2])
        return Slice(key, {"framesPerHour": frames, "pixelsPerHour": frames * 100})

    async def stored(self, key: str) -> bool:
        return key in self.store

    async def sums(self) -> dict[tuple[str, str], int]:
        """What is told of this month: by tenant and budget."""
        async with self.engine.connect() as connection:
            found = {tenant: await usage.used(connection, tenant) for tenant in TENANTS}
        return {
            (tenant, budget): sum(each.month for each in projects)
            for tenant, of in found.items()
            for budget, projects in of.items()
        }

    async def recount(self) -> dict[tuple[str, str], int]:
        """The same from the rows of slices."""
        async with self.engine.connect() as connection:
            rows = await connection.execute(text("SELECT tenant, amounts FROM slice"))
            counted: Counter[tuple[str, str]] = Counter()
            for row in rows:
                for budget, amount in row.amounts.items():
                    counted[row.tenant, budget] += amount
        return dict(counted)

    def wanted(self) -> dict[tuple[str, str], int]:
        """The same from the store."""
        counted: Counter[tuple[str, str]] = Counter()
        for key, times in self.made.items():
            for budget, amount in self.slice(key).amounts.items():
                counted[key.split("/")[0], budget] += amount * times
        return dict(counted)


@pytest.mark.parametrize("seed", [1, *later("more random orders", *range(2, 23))])
async def test_every_slice_counts_once_whatever_is_killed(engine: AsyncEngine, seed: int) -> None:
    random, shop = Random(seed), Shop(engine)
    running: list[AsyncIterator[None]] = []
    for _ in range(150):
        if len(running) < 4 and random.random() < 0.4:
            tenant = random.choice(TENANTS)
            keys = [f"{tenant}/{number}" for number in sorted(random.sample(range(12), random.randint(1, 6)))]
            running.append(shop.job(tenant, random.choice("pq"), keys))
        elif running:
            job = random.choice(running)
            if random.random() < 0.12 or await anext(job, "over") == "over":
                running.remove(job)  # killed, or done
        if shop.store and random.random() < 0.05 and not running:
            await settle(engine, shop.stored, 0.0)
            shop.store.discard(random.choice(sorted(shop.store)))  # collected days later, and made again when needed
    await settle(engine, shop.stored, 0.0)
    assert shop.made, "something was made"
    assert await shop.sums() == await shop.recount() == shop.wanted()


async def test_what_was_never_made_is_not_counted_and_a_second_settling_counts_nothing(engine: AsyncEngine) -> None:
    shop = Shop(engine)
    await shop.meter.begin("a", "p", [shop.slice("a/1"), shop.slice("a/2")], await shop.meter.now())
    shop.store.add("a/2")
    assert await settle(engine, shop.stored, 3600.0) == 0, "its worker may still say so"
    assert [await settle(engine, shop.stored, 0.0) for _ in range(2)] == [1, 0]
    assert (await shop.sums())["a", "framesPerHour"] == 3
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE slice_begun SET begun_at = begun_at - interval '2 days'"))
    await settle(engine, shop.stored, 0.0)
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM slice_begun"))).scalar_one() == 0


async def test_a_slice_that_is_recorded_with_its_own_row_counts_once_per_key(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        for _ in range(2):
            await record(connection, "a", "", "derive/v_1", {"ingestSecondsPerHour": 12})
        assert await usage.this_hour(connection, "a") == {"ingestSecondsPerHour": 12}


async def test_an_hour_is_reported_once_when_it_is_over(engine: AsyncEngine) -> None:
    shop = Shop(engine)
    async for _ in shop.job("a", "p", ["a/1", "a/2"]):
        pass
    reporter = Reporter(engine, Outbox(engine, "render"), "render", shop.stored)
    await reporter.once()
    assert await commands(engine) == [], "the hour is not over"
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE used SET hour = hour - interval '2 hours'"))
    await reporter.once()
    await reporter.once()
    [said] = await commands(engine)
    assert [(each.budget, each.project_id, each.amount) for each in said.event.used] == [
        ("framesPerHour", "p", 5), ("pixelsPerHour", "p", 500),
    ]  # fmt: skip


async def commands(engine: AsyncEngine) -> list[RecordUsage]:
    async with engine.connect() as connection:
        rows = await connection.scalars(text("SELECT command FROM outbox ORDER BY number"))
        return [msgspec.convert(decode_command(row).body, RecordUsage) for row in rows]
