"""Work in slices: whoever has had less goes first, and what was begun goes on where it stopped."""

from __future__ import annotations

import heapq
from collections import Counter, deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.contract.jobs import JobKind
from cutlog.db.engine import create_engine
from cutlog.db.usage import record
from services.render.queue import jobs
from services.render.queue.admit import ROOM
from services.render.queue.jobs import SLICE, Job, Share
from tests.render.house import TRACE, House
from tests.support.configuration import SettingsFactory
from tests.support.database import Database
from tests.support.timeless import set_to
from tests.support.timeless import timeless as timeless_of
from tests.support.waiting import eventually

FAIR = {"*": Share(at_once=1000)}
NOISE: dict[str, object] = {
    "op": "effect.add", "clip": "c", "effect": "e", "kind": "noise", "params": {"amount": 0.5},
}  # fmt: skip


@pytest.fixture
async def engine(settings_for: SettingsFactory) -> AsyncIterator[AsyncEngine]:
    made = create_engine(settings_for("render"))
    yield made
    await made.dispose()


async def proxies(connection: AsyncConnection, *projects: str) -> None:
    """Proxies of version 1; the name of a project begins with its tenant's, up to a dot."""
    for position, project in enumerate(projects):
        await jobs.want_proxy(
            connection, tenant=project.partition(".")[0], project_id=project, version=1, digest="d", position=position,
            trace=TRACE, asked=False,
        )  # fmt: skip


async def begun(connection: AsyncConnection, seconds: float) -> Job:
    """The first job that is admitted, at which a worker has been for so long; all others have waited for a second."""
    first, *_ = await jobs.admit(connection, "proxy", 1, FAIR)
    job = await jobs.claim(connection, first.job_id, first.admission, "w")
    assert job is not None
    await jobs.admit(connection, "proxy", 99, FAIR)
    ago = "updated_at = clock_timestamp() - make_interval(secs => :seconds)"
    await connection.execute(text(f"UPDATE job SET {ago} WHERE status = 'running'"), {"seconds": seconds})
    await connection.execute(text(f"UPDATE job SET {ago} WHERE status <> 'running'"), {"seconds": 1.0})
    return job


@pytest.mark.parametrize(
    ("other", "seconds", "gives_way"),
    [
        ("b.1", 3.0, True),  # another tenant's, who has had nothing
        ("a.2", 3.0, True),  # the same tenant's, on which less was worked
        (None, 3.0, False),  # nobody waits
    ],
)
async def test_a_job_gives_way_to_who_has_had_less(
    engine: AsyncEngine, other: str | None, seconds: float, gives_way: bool
) -> None:
    async with engine.begin() as connection:
        await proxies(connection, "a.1", *([other] if other else []))
        job = await begun(connection, seconds)
        found = await jobs.yielding(connection, "w", [], FAIR)
        assert [each.job_id for each in found] == ([job.job_id] if gives_way else [])
        assert all(seconds <= each.seconds < seconds + 60 and not each.passed for each in found)
        helping = await jobs.yielding(connection, "helper", [job.job_id], FAIR)
        assert [each.job_id for each in helping] == [each.job_id for each in found], "who helps gives way as well"
        assert await jobs.yielding(connection, "another", [], FAIR) == []


async def test_a_tenant_that_used_up_an_hourly_budget_waits_for_the_next_hour(engine: AsyncEngine) -> None:
    limits = {"*": Share(at_once=1000, per_hour={"framesPerHour": 100}), "b": Share(at_once=1000)}
    async with engine.begin() as connection:
        await proxies(connection, "a.1")
        job = await begun(connection, 1.0)
        for number in range(2):
            assert await jobs.yielding(connection, "w", [], limits) == [], "nothing is used up, and nobody waits"
            await record(connection, "a", "a.1", f"{number}", {"framesPerHour": 50, "pixelsPerHour": 50})
        found = await jobs.yielding(connection, "w", [], limits)
        assert [(each.job_id, each.used_up) for each in found] == [(job.job_id, True)]
        await jobs.leave(connection, job.job_id, job.attempt, "queued")
        await proxies(connection, "a.2", "b.1")
        assert [each.job_id for each in await jobs.admit(connection, "proxy", 9, limits)] == ["proxy.b.1.1"]
        await connection.execute(text("UPDATE used SET hour = hour - interval '1 hour'"))
        later = await jobs.admit(connection, "proxy", 9, limits)
        assert {each.job_id for each in later} == {job.job_id, "proxy.a.2.1"}


@pytest.mark.few(1, reason="one more database")
@pytest.mark.parametrize("weight", [1, 100])
async def test_what_a_tenant_had_lately_counts_by_its_weight(engine: AsyncEngine, weight: float) -> None:
    limits = {"b": Share(weight=weight), "*": Share()}
    async with engine.begin() as connection:
        await proxies(connection, "a.1", "b.1")
        job = await begun(connection, 3.0)
        spent = "INSERT INTO spent VALUES ('proxy', 'b', 30, clock_timestamp())"
        await connection.execute(text(spent))
        assert [each.job_id for each in await jobs.yielding(connection, "w", [], limits)] == (
            [job.job_id] if weight == 100 else []
        )
        await connection.execute(text("UPDATE spent SET at = at - interval '1 hour'"))
        assert len(await jobs.yielding(connection, "w", [], limits)) == 1, "what was long ago is forgotten"


async def newer(connection: AsyncConnection, version: int) -> None:
    """A version of the project `a.1` that wants a proxy."""
    await jobs.want_proxy(
        connection, tenant="a", project_id="a.1", version=version, digest="e", position=9, trace=TRACE, asked=False
    )


async def test_a_version_that_was_overtaken_ends_with_its_slice(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await proxies(connection, "a.1")
        job = await begun(connection, 0.1)
        await newer(connection, 2)
        (found,) = await jobs.yielding(connection, "w", [], FAIR)
        assert found.passed
        assert not found.has_had(SLICE), "it may be shown before that"
        assert msgspec.structs.replace(found, seconds=SLICE).has_had(20 * SLICE), "it is not resumed"
        await connection.execute(text("UPDATE job SET asked = true WHERE job_id = :id"), {"id": job.job_id})
        assert await jobs.yielding(connection, "w", [], FAIR) == [], "somebody waits for it"


async def test_of_versions_that_come_on_and_on_every_other_one_that_is_begun_is_made_to_its_end(
    engine: AsyncEngine,
) -> None:
    passed = []
    async with engine.begin() as connection:
        await proxies(connection, "a.1")
        for version in range(2, 8):
            job = await begun(connection, SLICE + 1)
            await newer(connection, version)
            found = await jobs.yielding(connection, "w", [], FAIR)
            passed.append(bool(found))
            assert await jobs.leave(connection, job.job_id, job.attempt, "superseded" if found else "done")
    assert passed == [True, False, True, False, True, False]


async def test_giving_way_is_no_failure_and_counts_as_work(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await proxies(connection, "a.1", "b.1")
        for _ in range(100):
            job = await begun(connection, 5.0)
            assert await jobs.leave(connection, job.job_id, job.attempt, "queued", encoded=7)
            assert not await jobs.leave(connection, job.job_id, job.attempt, "queued", encoded=7), "only once"
            await connection.execute(text("UPDATE job SET status = 'queued' WHERE status = 'admitted'"))
        rows = (await connection.execute(text("SELECT attempt, failures, encoded, worked, status FROM job"))).all()
        assert sorted(row.attempt for row in rows) == [50, 50], "they took turns"
        assert {(row.failures, row.status) for row in rows} == {(0, "queued")}
        assert [row.encoded for row in rows] == [350, 350] and all(row.worked >= 250 for row in rows)


@pytest.mark.slow(reason="edits for as long as several renders take")
async def test_edits_that_come_faster_than_they_are_rendered_are_shown_meanwhile(house: House) -> None:
    project = await house.project("p_busy")
    await house.edit(project, solid(200), NOISE)
    async with house.render():
        await house.proxy(project, 2)
        edits = 0
        while len(await house.events("ProxyRendered")) < 4:  # the edits go on until some of them are shown
            await house.edit(project, {"op": "clip.set", "clip": "c", "opacity": 0.2 + edits % 70 / 100})
            edits += 1
            assert edits < 2_000, "nothing is shown"
        await house.proxy(project, 2 + edits)
        statuses = Counter((await house.jobs()).values())
    shown = [event["version"] for event in await house.events("ProxyRendered")]
    assert shown == sorted(shown) and shown[-1] == 2 + edits
    assert statuses["done"] == len(shown) < edits


@pytest.mark.slow(reason="renders a film that takes long beside a small one")
async def test_a_small_film_is_not_kept_waiting_by_a_long_one(house: House) -> None:
    long, small = await house.project("p_long"), await house.project("p_small")
    await house.edit(long, solid(500), NOISE)
    async with house.render():
        kept = lambda: len(list((house.studio.blobs.root / "segments").rglob("*.mp4"))) > 3  # noqa: E731
        await eventually(kept)
        version = await house.edit(small, solid(25))
        await house.proxy(small, version)
        found = await house.jobs()
        assert found[f"proxy.{long}.2"] in ("queued", "admitted", "running"), "it has frames to go"
        await house.proxy(long, 2)
    first, second = await house.events("ProxyRendered")
    assert (first["frames"], second["frames"]) == (25, 500)
    assert 500 <= second["encoded"] <= 500 + 25 * 10, "what was kept is not encoded again"
    rows = await house.rows("SELECT attempt, failures FROM render.job WHERE job_id = $1", f"proxy.{long}.2")
    assert rows[0]["attempt"] > 1 and rows[0]["failures"] == 0


def solid(frames: int) -> dict[str, object]:
    return {"op": "clip.add", "clip": "c", "track": "t", "at": 0, "color": "#336699", "frames": frames}


@dataclass
class Simulation:
    """Workers with one slot each, on the tables of a real database whose clock stands still until it is set."""

    engine: AsyncEngine
    workers: int
    resume: float
    """Seconds that it takes to go on with a job."""
    slice_: float = SLICE
    now: float = 0.0
    left: dict[str, float] = field(default_factory=dict)
    waits: dict[str, float] = field(default_factory=dict)
    asked: dict[str, float] = field(default_factory=dict)
    done: dict[str, float] = field(default_factory=dict)
    messages: deque[Job] = field(default_factory=deque)
    running: dict[str, tuple[Job, float]] = field(default_factory=dict)

    async def run(self, arrivals: list[tuple[float, str, float]], kind: JobKind = "proxy") -> None:
        """Until all are done: moments at which projects want a proxy, and how many seconds each takes."""
        heapq.heapify(arrivals)
        while arrivals or len(self.done) < len(self.left):
            async with self.engine.begin() as connection:
                await set_to(connection, self.now)
                while arrivals and arrivals[0][0] <= self.now:
                    at, project, seconds = heapq.heappop(arrivals)
                    self.left[project], self.asked[project] = seconds, at
                    await proxies(connection, project)
                self.messages += await jobs.admit(connection, kind, ROOM, FAIR)
                await self._work(connection)
            self.now += 0.5

    async def _work(self, connection: AsyncConnection) -> None:
        for number in range(self.workers):
            worker = f"w{number}"
            if worker in self.running:
                job, ready = self.running[worker]
                self.left[job.project_id] -= max(0.0, min(0.5, self.now - ready))
                if self.left[job.project_id] <= 0:
                    await jobs.leave(connection, job.job_id, job.attempt, "done")
                    self.done[job.project_id] = self.now
                    del self.running[worker]
                elif any(each.seconds >= self.slice_ for each in await jobs.yielding(connection, worker, [], FAIR)):
                    await jobs.leave(connection, job.job_id, job.attempt, "queued")
                    del self.running[worker]
            while worker not in self.running and self.messages:
                sent = self.messages.popleft()
                claimed = await jobs.claim(connection, sent.job_id, sent.admission, worker)
                if claimed is not None:
                    self.running[worker] = claimed, self.now + self.resume
                    self.waits.setdefault(claimed.project_id, self.now - self.asked[claimed.project_id])


@pytest.fixture
async def timeless(database: Database) -> AsyncIterator[AsyncEngine]:
    async with timeless_of(database, "render") as made:
        yield made


@pytest.mark.slow(reason="minutes of a hundred tenants, half a second at a time, twice")
async def test_small_jobs_wait_for_a_few_slices_whatever_a_hundred_tenants_do(timeless: AsyncEngine) -> None:
    workers = 4
    greedy = [(0.0, f"t{tenant}.{number}", 30.0) for tenant in range(8) for number in range(5)]
    small = [(20.0 + tenant, f"t{tenant}.small", 0.5) for tenant in range(8, 100)]

    async def simulated(slice_: float) -> Simulation:
        simulation = Simulation(timeless, workers, resume=0.05, slice_=slice_)
        await simulation.run([*greedy, *small])
        async with timeless.begin() as connection:
            await connection.execute(text("TRUNCATE job, part, spent"))
        return simulation

    fair, first_come = await simulated(SLICE), await simulated(float("inf"))
    assert set(fair.done) == {project for _, project, _ in (*greedy, *small)}, "nobody starves"
    longest = max(fair.waits[project] for _, project, _ in small)
    assert longest <= (2 + ROOM / workers) * SLICE, "those that were admitted before have a slice each"
    assert max(first_come.waits[project] for _, project, _ in small) > 5 * longest
    assert max(fair.done.values()) <= 1.03 * max(first_come.done.values()), "little is lost by going on later"
