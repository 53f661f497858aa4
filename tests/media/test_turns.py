"""Whose video is processed next: whoever has had less goes first, and nobody waits for somebody else's long film."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.hosting.settings import Renders
from services.media.records.turns import MOST, SLICE, Turns, quantum
from tests.support.database import Database
from tests.support.timeless import set_to, timeless

LEASE = timedelta(seconds=12)
ADD = text(
    "INSERT INTO video (id, tenant, sha256, size, generation, key, name, kind, facts, ref_count, status, renditions,"
    " actor, trace, created_at, derive_at, derive_run, derive_left)"
    " VALUES (:id, :tenant, encode(sha256(convert_to(:id, 'UTF8')), 'hex'), 1, 0, :id, 'x', 'video', '{}', 1, :status,"
    " '{}', 'a', 't', clock_timestamp(), clock_timestamp(), 0, 5)"
)


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    async with timeless(database, "media") as made:
        yield made


async def arrive(connection: AsyncConnection, *ids: str, status: str = "processing") -> None:
    """Videos that wait from now on; the name of each begins with its tenant's, up to a dot."""
    for id_ in ids:
        await connection.execute(ADD, {"id": id_, "tenant": id_.partition(".")[0], "status": status})


async def begun(connection: AsyncConnection, turns: Turns, *, at: float) -> str:
    """The video whose turn it is, claimed at that moment."""
    await set_to(connection, at)
    row = await turns.claim(connection, "processing", LEASE)
    assert row is not None
    return str(row.id)


@pytest.mark.parametrize(
    ("other", "passed"),
    [
        ("b.1", True),  # another tenant's, who has had nothing
        ("a.2", True),  # the same tenant's, on which less was worked
        (None, False),  # nobody waits
    ],
)
async def test_a_long_film_gives_way_to_who_has_had_less(engine: AsyncEngine, other: str | None, passed: bool) -> None:
    turns = Turns({})
    async with engine.begin() as connection:
        await arrive(connection, "a.1")
        assert await begun(connection, turns, at=0.0) == "a.1"
        await arrive(connection, *([other] if other else []))
        await set_to(connection, 0.4)
        assert not await turns.passed(connection, "a.1", 3.0), "somebody may just be about to take it"
        await set_to(connection, 1.0)
        assert await turns.passed(connection, "a.1", 3.0) is passed
        await turns.spent(connection, "a.1", 3.0)
        await connection.execute(text("UPDATE video SET derive_at = clock_timestamp() WHERE id = 'a.1'"))
        assert await begun(connection, turns, at=1.0) == (other or "a.1"), "who has the better claim is taken"


@pytest.mark.few(1, reason="one more database")
@pytest.mark.parametrize("weight", [1, 100])
async def test_what_a_tenant_had_lately_counts_by_its_weight(engine: AsyncEngine, weight: float) -> None:
    turns = Turns({"b": Renders(weight=weight)})
    async with engine.begin() as connection:
        await arrive(connection, "b.0", "a.1")
        await turns.spent(connection, "b.0", 30.0)
        await connection.execute(text("DELETE FROM video WHERE id = 'b.0'"))
        await begun(connection, turns, at=0.0)
        await arrive(connection, "b.1")
        await set_to(connection, 1.0)
        assert await turns.passed(connection, "a.1", 3.0) is (weight == 100)
        await set_to(connection, 3600.0)
        await connection.execute(text("UPDATE video SET derive_at = clock_timestamp() - interval '1 second'"))
        assert await turns.passed(connection, "a.1", 3.0), "what was long ago is forgotten"


@pytest.mark.slow(reason="one more database")
async def test_what_a_version_waits_for_goes_first_but_nobody_waits_for_ever(engine: AsyncEngine) -> None:
    turns = Turns({})
    async with engine.begin() as connection:
        await arrive(connection, "a.1", "a.2", "b.1")
        await turns.spent(connection, "a.1", 100.0)
        await connection.execute(text("INSERT INTO use (video_id, project_id) VALUES ('a.2', 'p')"))
        assert await begun(connection, turns, at=0.0) == "a.2", "whatever its tenant had"
        await set_to(connection, 1.0)
        assert not await turns.passed(connection, "a.2", 50.0), "no version waits for the others"
        await set_to(connection, 61.0)
        await connection.execute(
            text("UPDATE video SET derive_at = clock_timestamp() + interval '9 s' WHERE id = 'a.2'")
        )
        assert await turns.passed(connection, "a.2", 50.0), "they have waited for a minute"


@pytest.mark.parametrize(("resuming", "seconds"), [(0.0, SLICE), (0.1, SLICE), (1.0, 10.0), (3.0, MOST), (60.0, 240.0)])
def test_little_of_a_turn_goes_into_resuming(resuming: float, seconds: float) -> None:
    assert quantum(resuming) == seconds


@dataclass
class Simulation:
    """Slots on the tables of a real database whose clock is set."""

    engine: AsyncEngine
    slots: int
    resume: float
    """Seconds that it takes to resume."""
    slice_: float = SLICE
    now: float = 0.0
    turns: Turns = field(default_factory=lambda: Turns({}))
    left: dict[str, float] = field(default_factory=dict)
    asked: dict[str, float] = field(default_factory=dict)
    waits: dict[str, float] = field(default_factory=dict)
    done: dict[str, float] = field(default_factory=dict)
    running: dict[int, tuple[str, float]] = field(default_factory=dict)

    async def run(self, arrivals: list[tuple[float, str, float]]) -> None:
        """Until all are done: moments at which videos arrive, and how many seconds each takes."""
        heapq.heapify(arrivals)
        while arrivals or len(self.done) < len(self.left):
            async with self.engine.begin() as connection:
                await set_to(connection, self.now)
                while arrivals and arrivals[0][0] <= self.now:
                    at, video, seconds = heapq.heappop(arrivals)
                    self.left[video], self.asked[video] = seconds, at
                    await arrive(connection, video)
                for slot in range(self.slots):
                    await self._work(connection, slot)
            self.now += 0.5

    async def _work(self, connection: AsyncConnection, slot: int) -> None:
        if slot in self.running:
            video, began = self.running[slot]
            ran = self.now - began
            self.left[video] -= max(0.0, min(0.5, ran - self.resume))
            ended = self.left[video] <= 0
            if ended:
                self.done[video] = self.now
            if ended or (ran >= self.slice_ and await self.turns.passed(connection, video, ran)):
                at = "NULL" if ended else "clock_timestamp()"
                await connection.execute(text(f"UPDATE video SET derive_at = {at} WHERE id = :id"), {"id": video})
                await self.turns.spent(connection, video, ran)
                del self.running[slot]
            else:
                renewed = "UPDATE video SET derive_at = clock_timestamp() + interval '12 seconds' WHERE id = :id"
                await connection.execute(text(renewed), {"id": video})
        if slot not in self.running:
            row = await self.turns.claim(connection, "processing", LEASE)
            if row is not None:
                self.running[slot] = row.id, self.now
                self.waits.setdefault(row.id, self.now - self.asked[row.id])


@pytest.mark.slow(reason="minutes of a hundred tenants, half a second at a time, twice")
async def test_small_uploads_wait_for_a_few_slices_whatever_a_hundred_tenants_do(engine: AsyncEngine) -> None:
    greedy = [(0.0, f"t{tenant}.{number}", 30.0) for tenant in range(8) for number in range(5)]
    small = [(20.0 + tenant, f"t{tenant}.small", 0.5) for tenant in range(8, 100)]

    async def simulated(slice_: float) -> Simulation:
        simulation = Simulation(engine, slots=4, resume=0.05, slice_=slice_)
        await simulation.run([*greedy, *small])
        async with engine.begin() as connection:
            await connection.execute(text("TRUNCATE video, spent"))
        return simulation

    fair, first_come = await simulated(SLICE), await simulated(float("inf"))
    assert set(fair.done) == {video for _, video, _ in (*greedy, *small)}, "nobody starves"
    longest = max(fair.waits[video] for _, video, _ in small)
    assert longest <= 2 * SLICE, "a slot is free after the slice that is under way"
    assert max(first_come.waits[video] for _, video, _ in small) > 5 * longest
    assert max(fair.done.values()) <= 1.03 * max(first_come.done.values()), "little is lost by resuming"
