"""Whatever happens in whatever order, the collector and a model of a few lines agree on every file."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from cutlog.contract.ids import new_id
from cutlog.operate.fsck.stack import Stack
from tests.gc.house import EAGER, House, house
from tests.support.chance import examples
from tests.support.configuration import SettingsFactory
from tests.support.fsck import assert_sound, services
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="a state machine over real services, and an hour's load in small")

T = TypeVar("T")
PROJECTS = ("a", "b")


@dataclass
class Film:
    """An export as it should be. `finished` orders them by when they were finished."""

    project: str
    version: int
    status: str
    finished: int
    size: int


@dataclass
class Model:
    """What a tenant should have."""

    versions: dict[str, int] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    films: dict[str, Film] = field(default_factory=dict)
    pins: set[tuple[str, int]] = field(default_factory=set)

    def candidates(self) -> set[str]:
        """What may go by a policy that keeps nothing it need not."""
        found = set()
        for export_id, film in self.films.items():
            if film.status != "ready" or (film.project, film.version) in self.pins:
                continue
            ready = [f for f in self.films.values() if f.project == film.project and f.status == "ready"]
            last = max(f.finished for f in ready) == film.finished
            highest = max(f.version for f in ready) == film.version
            if film.project in self.gone or not (last or highest):
                found.add(export_id)
        return found


class World:
    """A tenant of its own in a house, and the model of it."""

    def __init__(self, home: House) -> None:
        self.home, self.model = home, Model()
        self.tenant = new_id("t")
        self.names = {name: new_id(f"p{name}") for name in PROJECTS}
        self.plans: list[tuple[dict[str, Any], set[str]]] = []
        self._ticks = itertools.count()

    async def begin(self) -> None:
        for name in PROJECTS:
            await self.home.project(self.names[name], 1, tenant=self.tenant)
            self.model.versions[name] = 1

    async def edit_and_export(self, name: str) -> None:
        if name in self.model.gone:
            return
        version = self.model.versions[name] = self.model.versions[name] + 1
        await self.home.version(self.names[name], version, tenant=self.tenant)
        size = 10 + version
        export_id = await self.home.export(self.names[name], version, tenant=self.tenant, size=size)
        self.model.films[export_id] = Film(name, version, "ready", next(self._ticks), size)

    async def pin(self, name: str, version: int, pinned: bool) -> None:
        if name in self.model.gone or version > self.model.versions[name]:
            return
        path = f"/api/projects/{self.names[name]}/versions/{version}/pin"
        await self.home.ok("POST", path, {"pinned": pinned}, tenant=self.tenant)
        (self.model.pins.add if pinned else self.model.pins.discard)((name, version))

    async def delete_project(self, name: str) -> None:
        if name not in self.model.gone:
            await self.home.ok("DELETE", f"/api/projects/{self.names[name]}", tenant=self.tenant)
            self.model.gone.add(name)

    async def restore_project(self, name: str) -> None:
        await self.home.ok("POST", f"/api/projects/{self.names[name]}/restore", tenant=self.tenant)
        self.model.gone.discard(name)

    async def calculate(self) -> None:
        plan = await self._gc("POST", "/calculate", {"policy": EAGER})
        assert {each["exportId"] for each in plan["candidates"]} == self.model.candidates()
        self.plans.append((plan, self.model.candidates()))

    async def jump(self, days: int) -> None:
        """Another date changes what may go, and nothing else."""
        body = {"policy": EAGER | {"ttlDays": 30}, "at": f"20{40 + days}-01-01T00:00:00Z"}
        plan = await self._gc("POST", "/calculate", body)
        assert {each["exportId"] for each in plan["candidates"]} == self.model.candidates()

    async def archive(self, which: int) -> None:
        if not self.plans:
            return
        plan, named = self.plans[which % len(self.plans)]
        may = self.model.candidates() & named
        answer = await self._gc("POST", "/archive", {"planId": plan["planId"]})
        assert set(answer["archived"]) == may and not answer["pending"]
        for export_id in may:
            self.model.films[export_id].status = "archived"

    async def restore(self, which: int) -> None:
        archived = sorted(export_id for export_id, film in self.model.films.items() if film.status == "archived")
        if archived:
            export_id = archived[which % len(archived)]
            await self._gc("POST", "/restore", {"exportIds": [export_id]})
            self.model.films[export_id].status = "ready"

    async def delete(self, which: int) -> None:
        if not self.plans or not self.model.films:
            return
        plan, named = self.plans[which % len(self.plans)]
        films = self.model.films
        may = {
            export_id
            for export_id in named
            if films[export_id].status == "archived"
            and (films[export_id].project, films[export_id].version) not in self.model.pins
        }
        body = {"exportIds": sorted(films), "confirm": plan["planHash"]}
        answer = await self._gc("POST", "/delete", body)
        assert set(answer["deleted"]) == may
        assert answer["bytesFreed"] == sum(films[export_id].size for export_id in may)
        for export_id in may:
            films[export_id].status = "deleted"

    async def crash(self) -> None:
        await self.home.stop_gc()
        await self.home.start_gc()

    def files(self) -> dict[str, int]:
        """Every export of the tenant in the store, with its bytes."""
        ours, found = set(self.names.values()), {}
        for key in self.home.there("export", "archive"):
            words = key.split("/")
            if words[1] in ours or words[1].split("_v")[0] in self.model.films:
                found[key] = (self.home.objects / key).stat().st_size
        return found

    def expected(self) -> dict[str, int]:
        found = {}
        for export_id, film in self.model.films.items():
            if film.status == "ready":
                found[f"export/{self.names[film.project]}/v{film.version}_final.mp4"] = film.size
            elif film.status == "archived":
                found[f"archive/{export_id}_v{film.version}_final.mp4"] = film.size
        return found

    async def _gc(self, method: str, path: str, body: Any) -> Any:
        return await self.home.gc(method, path, body, tenant=self.tenant)


@pytest.fixture
def running(settings_for: SettingsFactory) -> Iterator[tuple[asyncio.Runner, House]]:
    with asyncio.Runner() as runner:
        parts = AsyncExitStack()
        home = runner.run(parts.enter_async_context(house(settings_for)))
        yield runner, home
        runner.run(parts.aclose())


def machine_of(runner: asyncio.Runner, home: House) -> type[RuleBasedStateMachine]:
    """The state machine, in a tenant of its own for each example."""
    names, few = st.sampled_from(PROJECTS), st.integers(0, 4)

    class Machine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.world = World(home)

        def do(self, what: Awaitable[T]) -> T:
            async def done() -> T:
                return await what

            return runner.run(done())

        @initialize()
        def begin(self) -> None:
            self.do(self.world.begin())

        @rule(name=names)
        def edit_and_export(self, name: str) -> None:
            self.do(self.world.edit_and_export(name))

        @rule(name=names)
        def edit_and_export_again(self, name: str) -> None:
            self.do(self.world.edit_and_export(name))

        @rule(name=names, version=few, pinned=st.booleans())
        def pin(self, name: str, version: int, pinned: bool) -> None:
            self.do(self.world.pin(name, version, pinned))

        @rule(name=names)
        def delete_project(self, name: str) -> None:
            self.do(self.world.delete_project(name))

        @rule(name=names)
        def restore_project(self, name: str) -> None:
            self.do(self.world.restore_project(name))

        @rule()
        def calculate(self) -> None:
            self.do(self.world.calculate())

        @rule(days=few)
        def jump(self, days: int) -> None:
            self.do(self.world.jump(days))

        @rule(which=few)
        def archive(self, which: int) -> None:
            self.do(self.world.archive(which))

        @rule(which=few)
        def restore(self, which: int) -> None:
            self.do(self.world.restore(which))

        @rule(which=few)
        def delete(self, which: int) -> None:
            self.do(self.world.delete(which))

        @rule()
        def crash(self) -> None:
            self.do(self.world.crash())

        @invariant()
        def every_file_is_where_it_should_be(self) -> None:
            assert self.world.files() == self.world.expected()

    return Machine


def check(runner: asyncio.Runner, home: House, times: int, steps: int) -> None:
    quietly = settings(
        max_examples=examples(times),
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(machine_of(runner, home), settings=quietly)


@pytest.mark.hypothesis
@slow
def test_the_collector_does_as_a_model_of_it(running: tuple[asyncio.Runner, House]) -> None:
    check(*running, times=3, steps=18)


@pytest.mark.long
def test_the_collector_does_as_a_model_of_it_however_long(running: tuple[asyncio.Runner, House]) -> None:
    check(*running, times=40, steps=40)


async def soaked(home: House, stack: Stack, cycles: int) -> int:
    """Cycles of calculate, archive and delete under concurrent edits, exports and pins; how many exports went."""
    world, dice = World(home), random.Random(7)
    await world.begin()
    gone, held = 0, set[str]()
    for cycle in range(cycles):
        name = dice.choice(PROJECTS)
        project = world.names[name]

        async def busy(name: str = name, project: str = project) -> None:
            await world.edit_and_export(name)
            version = dice.randint(1, world.model.versions[name])
            path = f"/api/projects/{project}/versions/{version}/pin"
            await home.ok("POST", path, {"pinned": dice.random() < 0.5}, tenant=world.tenant)
            await home.media(new_id("m"), tenant=world.tenant, size=20)

        async def collect(cycle: int = cycle) -> list[str]:
            plan = await home.gc("POST", "/calculate", {"policy": EAGER}, tenant=world.tenant)
            await home.gc("POST", "/archive", {"planId": plan["planId"]}, tenant=world.tenant)
            ids = [each["exportId"] for each in plan["candidates"]]
            if not ids or cycle % 3:
                return []
            body = {"exportIds": ids, "confirm": plan["planHash"]}
            answer = await home.gc("POST", "/delete", body, tenant=world.tenant)
            return list(answer["deleted"])

        _, deleted = await asyncio.gather(busy(), collect())
        gone += len(deleted)
        assert not set(deleted) & held, "nothing goes twice"
        held |= set(deleted)
        await eventually(lambda: agrees(world))
        await assert_sound(stack)
    return gone


async def agrees(world: World) -> bool:
    """Every export's file is where its owner is told it is, whole, and there is no other."""
    told: dict[str, int] = {}
    for name in PROJECTS:
        cursor = ""
        while cursor is not None:
            path = f"/api/projects/{world.names[name]}/exports?limit=200" + (f"&cursor={cursor}" if cursor else "")
            page = await world.home.ok("GET", path, tenant=world.tenant)
            told |= {x["key"]: x["size"] for x in page["items"] if x["status"] in ("ready", "archived")}
            cursor = page["next"]
    return world.files() == told


@slow
async def test_nothing_is_wrongly_removed_or_left_under_load(settings_for: SettingsFactory) -> None:
    async with house(settings_for) as home, services(settings_for, "ops", "gc") as stack:
        assert await soaked(home, stack, 8) > 0


@pytest.mark.long
async def test_nothing_is_wrongly_removed_or_left_in_300_cycles_under_load(settings_for: SettingsFactory) -> None:
    async with house(settings_for) as home, services(settings_for, "ops", "gc") as stack:
        assert await soaked(home, stack, 300) > 50
