"""The relay publishes what it is told, and all that it is not told as well."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg
import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus import Bus
from cutlog.contract.envelope import RawEvent
from cutlog.contract.events import ProjectCreated, VersionCommitted
from cutlog.contract.timeline import Canvas
from services.ops.log.append import LogWriter
from services.ops.log.news import Grown, News
from services.ops.log.read import LogReader
from services.ops.log.records import Append
from services.ops.log.relay import Relay
from services.ops.log.told import ROOM, ROOM_BYTES, Told
from services.ops.readmodel.derive import derive
from services.ops.readmodel.guard import guard
from services.ops.readmodel.wholly import wholly
from tests.log.relays import published, relaying
from tests.support.database import Database
from tests.support.edits import TRACE, committed, edit
from tests.support.messaging import NatsServer
from tests.support.streams import assert_stream_is_log
from tests.support.waiting import eventually


def version(number: int, **op: Any) -> VersionCommitted:
    return VersionCommitted(version=number, ops=({"op": "clip.set", "clip": "c1", **op},), duration=9, digest="d")


def _raw(position: int, size: int = 1) -> RawEvent:
    return RawEvent(
        position=position, id=uuid.UUID(int=position), stream="project.p", version=position, type="VersionCommitted",
        tenant="t", actor="a", trace="", at=datetime.now(UTC), data=msgspec.Raw(b"1" * size),
    )  # fmt: skip


async def test_what_is_told_of_an_append_is_what_the_log_has(engine: AsyncEngine, reader: LogReader) -> None:
    told: list[RawEvent] = []
    grown: list[tuple[str, int]] = []

    def hear(these: Grown, events: Sequence[RawEvent]) -> None:
        grown.extend(these)
        told.extend(events)

    async with LogWriter(engine, inline=(guard, derive), wholly=wholly, on_commit=hear) as writer:
        for project in ("p_1", "p_2"):
            await writer.append(edit(project, 0, ProjectCreated(name="Größe ✂", canvas=Canvas())))
        await asyncio.gather(
            writer.append(edit("p_1", 1, version(1, gainDb=1e-7, opacity=1e22, z=-0.0), version(2, n=10.0))),
            writer.append(Append("project.p_2", 1, (version(1, b=1, a="é\u2028"),), "acme", "Zoë", TRACE, key="k")),
        )
        await writer.append(edit("p_1", 3, version(3), committed(4), key="again"))
        again = await writer.append(edit("p_1", 3, version(3), committed(4), key="again"))
    assert again.repeated
    assert told == await reader.read(0)
    assert dict(grown) == {"project.p_1": 5, "project.p_2": 2}
    assert {event.type for event in told} == {"ProjectCreated", "VersionCommitted"}


async def test_of_a_large_append_nothing_is_told_but_that_there_is_more(engine: AsyncEngine) -> None:
    heard: list[tuple[Grown, Sequence[RawEvent]]] = []
    async with LogWriter(engine, on_commit=lambda *news: heard.append(news)) as writer:
        await writer.append(edit("p_1", 0, committed(1, message="x" * 70_000)))
    assert heard == [([("project.p_1", 1)], [])]


async def test_a_relay_that_is_told_reads_nothing(
    bus: Bus, engine: AsyncEngine, reader: LogReader, nats: NatsServer
) -> None:
    async with relaying(Relay(bus, engine, poll=3600.0)) as relay, LogWriter(engine, on_commit=relay.wake) as writer:
        assert await eventually(lambda: relay.state.rests)
        for number in range(30):
            await writer.append(edit("p_1", number))
        assert await eventually(lambda: relay.state.published == 30)
        assert (relay.state.from_told, relay.state.from_log) == (30, 0)
    await assert_stream_is_log(nats, reader)


async def test_whatever_is_told_late_twice_or_never_the_stream_is_the_log(
    bus: Bus, engine: AsyncEngine, reader: LogReader, nats: NatsServer
) -> None:
    chance = random.Random(36)
    async with relaying(Relay(bus, engine)) as relay:
        loop = asyncio.get_running_loop()

        def unreliably(grown: Grown, told: Sequence[RawEvent]) -> None:
            match chance.randrange(5):
                case 0:
                    relay.wake(grown, told)
                case 1:
                    relay.wake(grown, told)
                    relay.wake(grown, told[::-1])
                case 2:
                    loop.call_later(chance.random() / 20, relay.wake, grown, told)
                case 3:
                    relay.wake()
                case _:
                    pass

        async with (
            LogWriter(engine, on_commit=unreliably) as here,
            LogWriter(engine, on_commit=unreliably) as there,
        ):

            async def client(number: int) -> None:
                for count in range(20):
                    await (here if number % 2 else there).append(edit(f"p_{number}", count))

            await asyncio.gather(*(client(number) for number in range(10)))
        await published(bus, 200)
        assert await eventually(lambda: relay.state.from_told + relay.state.from_log == 200)
        assert relay.state.rebuilt == 0
    await assert_stream_is_log(nats, reader)


@pytest.mark.slow(reason="starts NATS and a database for one more case of its kind")
async def test_what_a_process_appended_that_died_before_it_told_is_published_by_the_next(
    bus: Bus, engine: AsyncEngine, reader: LogReader, nats: NatsServer
) -> None:
    async with relaying(Relay(bus, engine)) as first, LogWriter(engine, on_commit=first.wake) as writer:
        await writer.append(edit("p_1", 0))
        await published(bus, 1)
    async with LogWriter(engine) as dying:  # nobody is told
        await dying.append(edit("p_1", 1))
    async with relaying(Relay(bus, engine)) as second, LogWriter(engine, on_commit=second.wake) as writer:
        await writer.append(edit("p_1", 2))
        await published(bus, 3)
    await assert_stream_is_log(nats, reader)


async def test_an_append_that_fails_as_it_is_committed_was_not_written(
    engine: AsyncEngine, reader: LogReader, database: Database
) -> None:
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("""
        CREATE FUNCTION ops.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no commit'; END $$;
        CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON ops.event DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.stream = 'project.bad') EXECUTE FUNCTION ops.refuse()
    """)
    await owner.close()
    heard: list[Grown] = []
    async with LogWriter(engine, on_commit=lambda grown, _: heard.append(grown)) as writer:
        with pytest.raises(asyncpg.RaiseError, match="no commit"):
            await writer.append(edit("bad", 0))
        await writer.append(edit("good", 0))
    assert heard == [[("project.good", 1)]]
    assert [event.stream for event in await reader.read(0)] == ["project.good"]


def test_what_is_held_is_bounded_and_given_in_order() -> None:
    told = Told()
    told.add([_raw(3), _raw(2), _raw(5)])
    assert [event.position for event in told.after(1)] == [2, 3]
    assert told and told.after(3) == []
    assert [event.position for event in told.after(4)] == [5]
    assert not told
    told.add(_raw(position) for position in range(1, 2 * ROOM + 2))
    assert told.after(0) == [] and told
    told.clear()
    for position in range(1, 10):
        told.add([_raw(position, ROOM_BYTES // 4)])
    assert told.after(0) == [] and told


@pytest.mark.slow(reason="starts NATS for one more case of its kind")
async def test_news_say_which_events_only_if_they_say_all(bus: Bus, nats: NatsServer) -> None:
    heard: list[tuple[Grown, Sequence[RawEvent]]] = []
    stop = asyncio.Event()
    async with await Bus.connect(nats.url, nats.seed("ops"), name="ops") as other:
        teller = News(bus, lambda *_: None)
        teller.tell([("project.p", 1)], [_raw(1)])
        teller.tell([("project.p", 2)], [_raw(2)])
        listener = asyncio.create_task(News(other, lambda *news: heard.append(news)).run(stop))
        await other.client.flush()
        telling = asyncio.create_task(teller.run(stop))
        assert await eventually(lambda: len(heard) == 1)
        teller.tell([("project.p", 3)])
        teller.tell([("project.p", 4)], [_raw(4)])
        assert await eventually(lambda: len(heard) == 2)
        stop.set()
        await asyncio.gather(listener, telling)
    assert [event.position for event in heard[0][1]] == [1, 2]
    assert heard[1] == ([("project.p", 3), ("project.p", 4)], [])
