"""Whatever becomes of deliveries and of who takes them: rows are a fold of the log, and each effect is there once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterator
from contextlib import AsyncExitStack, suppress
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cutlog.bus import Bus
from cutlog.bus.errors import ApiError, BusUnavailable
from tests.bus.backbone import Backbone, Counting
from tests.bus.conftest import backbone_on, probe
from tests.support.chance import examples
from tests.support.database import Database
from tests.support.edits import committed, edit
from tests.support.messaging import NatsServer

T = TypeVar("T")


class World:
    """A projection at work, an operator with the right to do anything, and how often each project was edited."""

    def __init__(self, bus: Bus, admin: Bus, engine: AsyncEngine, backbone: Backbone) -> None:
        self.bus, self.admin, self.engine, self.backbone = bus, admin, engine, backbone
        self.edits: Counter[str] = Counter()
        self._work = AsyncExitStack()

    async def begin(self) -> None:
        self.counting = await self._work.enter_async_context(Counting(self.bus, self.engine, grace=0.1))

    async def edit(self, project: str, times: int) -> None:
        """The relay publishes them when it comes to it."""
        before = self.edits[project]
        facts = [committed(before + n) for n in range(1, times + 1)]
        await self.backbone.writer.append(edit(project, before, *facts))
        self.edits[project] += times

    async def lose(self, sequence: int) -> None:
        """JetStream loses a message, but not its last."""
        await self.backbone.relayed(self.edits.total())
        if sequence < self.edits.total():
            with suppress(ApiError):  # it was lost before
                await self.admin.api("STREAM.MSG.DELETE.EVENTS", {"seq": sequence})

    async def reset(self, sequence: int) -> None:
        """An operator asks for a replay."""
        with suppress(ApiError, BusUnavailable):  # the server says nothing of a consumer that is not there
            await self.admin.api("CONSUMER.RESET.EVENTS.render", {"seq": sequence}, timeout=0.3)

    async def delete_consumer(self) -> None:
        with suppress(ApiError):
            await self.admin.api("CONSUMER.DELETE.EVENTS.render")

    async def steal(self, count: int) -> None:
        """Somebody takes messages and never acknowledges them: they come again, out of order."""
        request = b'{"batch": %d, "expires": 50000000}' % count
        await self.admin.client.publish(
            "$JS.API.CONSUMER.MSG.NEXT.EVENTS.render", request, reply="_INBOX_operator.thief"
        )

    async def die(self) -> None:
        """The process is gone in the middle of whatever it does, and the next one takes over."""
        self.counting.kill()
        await self._work.aclose()
        await self.begin()

    async def settle(self) -> None:
        """The rows follow at last, whatever was done to them."""
        await self.counting.holds(self.edits.total())
        assert [(project, count) for project, _, count in await self.counting.rows()] == sorted(self.edits.items())

    async def end(self) -> None:
        await self._work.aclose()


@pytest.fixture
def running(database: Database, nats: NatsServer) -> Iterator[tuple[asyncio.Runner, World]]:
    async def world(parts: AsyncExitStack) -> World:
        engine = await parts.enter_async_context(probe(database))
        ops_engine = create_async_engine(database.url("ops"))
        parts.push_async_callback(ops_engine.dispose)
        bus, admin, ops_bus = [
            await parts.enter_async_context(await Bus.connect(nats.url, nats.seed(user), name=user))
            for user in ("render", "operator", "ops")
        ]
        made = World(
            bus, admin, engine, await parts.enter_async_context(backbone_on(ops_bus, ops_engine, ack_wait=0.3))
        )
        await made.begin()
        parts.push_async_callback(made.end)
        return made

    with asyncio.Runner() as runner:
        parts = AsyncExitStack()
        yield runner, runner.run(world(parts))
        runner.run(parts.aclose())


def check(runner: asyncio.Runner, world: World, times: int, steps: int) -> None:
    projects, few, some = st.sampled_from(("a", "b", "c")), st.integers(1, 5), st.integers(1, 700)

    class Machine(RuleBasedStateMachine):
        def do(self, what: Awaitable[T]) -> T:
            async def done() -> T:
                return await what

            return runner.run(done())

        @rule(project=projects, times=few)
        def edit(self, project: str, times: int) -> None:
            self.do(world.edit(project, times))

        @rule(project=projects, times=some)
        def edit_much(self, project: str, times: int) -> None:
            self.do(world.edit(project, times))

        @rule(sequence=some)
        def lose(self, sequence: int) -> None:
            self.do(world.lose(sequence))

        @rule(sequence=some)
        def reset(self, sequence: int) -> None:
            self.do(world.reset(sequence))

        @rule()
        def delete_consumer(self) -> None:
            self.do(world.delete_consumer())

        @rule(count=few)
        def steal(self, count: int) -> None:
            self.do(world.steal(count))

        @rule()
        def die(self) -> None:
            self.do(world.die())

        @rule(seconds=st.floats(0, 0.2))
        def pause(self, seconds: float) -> None:
            self.do(asyncio.sleep(seconds))

        def teardown(self) -> None:
            self.do(world.settle())

    quietly = settings(
        max_examples=examples(times),
        stateful_step_count=steps,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    run_state_machine_as_test(Machine, settings=quietly)


@pytest.mark.hypothesis
@pytest.mark.slow(reason="a state machine over a real server")
def test_rows_are_a_fold_of_the_log_whatever_becomes_of_deliveries(running: tuple[asyncio.Runner, World]) -> None:
    check(*running, times=5, steps=15)


@pytest.mark.long
def test_rows_are_a_fold_of_the_log_whatever_becomes_of_deliveries_for_long(
    running: tuple[asyncio.Runner, World],
) -> None:
    check(*running, times=60, steps=40)
