"""The relay: message n of EVENTS is the event of position n, whatever JetStream goes through."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus import Bus, BusError, messages, streams
from cutlog.bus.batch import Outgoing, publish_batch
from cutlog.bus.errors import ApiError
from services.ops.log.append import LogWriter
from services.ops.log.read import LogReader
from services.ops.log.records import Append
from services.ops.log.relay import Relay
from services.ops.log.stream import EventStream, StreamAheadError, sealed
from tests.log.relays import lose, published, relaying
from tests.support.database import Database
from tests.support.edits import TRACE, committed, edit, fill
from tests.support.messaging import NatsServer
from tests.support.streams import assert_stream_is_log, last_sequence, message, operator
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts NATS and a database for one more case of its kind")


async def test_a_message_carries_the_event_and_who_and_why(
    bus: Bus, relay: Relay, writer: LogWriter, reader: LogReader
) -> None:
    appended = await writer.append(edit("p_1", 0))
    event = (await reader.read(0))[0]
    relay.wake()
    await published(bus, 1)
    sent = await message(bus, "EVENTS", 1)
    _, _, seal = await reader.ends()
    assert sent["headers"].pop("Cutlog-Seal") == messages.seal(seal, 1, sent["headers"], sent["data"])
    assert sent["subject"] == "evt.project.p_1.VersionCommitted"
    assert sent["data"] == bytes(event.data)
    assert sent["headers"] == {
        "Nats-Msg-Id": str(event.id),
        "Nats-Expected-Last-Sequence": "0",
        "ce-id": str(event.id),
        "ce-type": "VersionCommitted",
        "ce-source": "cutlog/ops",
        "ce-time": appended.at.isoformat().replace("+00:00", "Z"),
        "ce-specversion": "1.0",
        "ce-subject": "project.p_1",
        "ce-tenant": "default",
        "ce-actor": "tester",
        "ce-streamversion": "1",
        "traceparent": TRACE,
    }


@slow
async def test_any_text_is_safe_in_a_header(bus: Bus, relay: Relay, writer: LogWriter) -> None:
    actor = "Zoë 100% <a\r\nb>"
    await writer.append(Append("project.p_1", 0, (committed(1),), tenant="default", actor=actor, trace=""))
    relay.wake()
    await published(bus, 1)
    assert (await message(bus, "EVENTS", 1))["headers"]["ce-actor"] == "Zo%C3%AB%20100%25%20%3Ca%0D%0Ab%3E"


async def test_the_stream_follows_appends_as_they_land(
    bus: Bus, relay: Relay, engine: AsyncEngine, reader: LogReader, nats: NatsServer
) -> None:
    async with LogWriter(engine, on_commit=relay.wake) as writer:

        async def client(number: int) -> None:
            for version in range(40):
                await writer.append(edit(f"p_{number}", version))

        await asyncio.gather(*(client(number) for number in range(25)))
    await published(bus, 1000)
    await assert_stream_is_log(nats, reader)
    assert relay.state.rebuilt == 0


@slow
@pytest.mark.parametrize("lost", ["folder", "index"])
async def test_what_a_server_lost_of_its_disk_heals_while_edits_go_on(
    bus: Bus, relay: Relay, writer: LogWriter, reader: LogReader, nats: NatsServer, lost: str
) -> None:
    await fill(writer, 10_000)
    await published(bus, 10_000)
    if lost == "folder":
        nats.kill()
        nats.wipe()
    else:
        nats.stop()
        assert nats.lose_index() > 0
    await writer.append(edit("p_late", 0))
    nats.start()
    await published(bus, 10_001)
    await assert_stream_is_log(nats, reader)


@slow
async def test_kill_9_of_the_server_while_it_takes_batches_loses_and_doubles_nothing(
    bus: Bus, relay: Relay, writer: LogWriter, reader: LogReader, nats: NatsServer
) -> None:
    filling = asyncio.create_task(fill(writer, 20_000))
    for _ in range(4):
        before = relay.state.published
        await eventually(lambda before=before: relay.state.published > before)  # type: ignore[misc]
        nats.kill()
        nats.start()
    await filling
    await published(bus, 20_000)
    await assert_stream_is_log(nats, reader)


@slow
async def test_a_server_whose_disk_hardly_answers_falls_behind_and_loses_nothing(
    bus: Bus, relay: Relay, writer: LogWriter, reader: LogReader, nats: NatsServer
) -> None:
    filling = asyncio.create_task(fill(writer, 10_000))
    try:
        while not filling.done():
            nats.pause()
            await asyncio.sleep(0.25)
            nats.resume()
            await asyncio.sleep(0.05)
    finally:
        nats.resume()
    await filling
    await published(bus, 10_000)
    assert relay.state.rebuilt == 0
    await assert_stream_is_log(nats, reader)


@pytest.mark.few(1, reason="starts NATS and a database for one more case of its kind")
@pytest.mark.parametrize(
    ("kept", "damage"),
    [
        (300, ("STREAM.MSG.DELETE.EVENTS", {"seq": 150})),
        (300, ("STREAM.PURGE.EVENTS", {"keep": 10})),
        (300, ("STREAM.PURGE.EVENTS", {})),
        (300, ("STREAM.MSG.DELETE.EVENTS", {"seq": 300})),
        (300, ("STREAM.DELETE.EVENTS", None)),
        (120, None),
    ],
    ids=["a hole", "no beginning", "no messages", "no last message", "no stream", "no tail"],
)
async def test_a_damaged_stream_is_made_whole(
    bus: Bus,
    engine: AsyncEngine,
    writer: LogWriter,
    reader: LogReader,
    nats: NatsServer,
    kept: int,
    damage: tuple[str, object] | None,
) -> None:
    await fill(writer, 300)
    async with await operator(nats) as admin:
        _, log_id, seal = await reader.ends()
        config = streams.events(log_id, messages.seal_name(seal)) | {"deny_delete": False}
        await admin.api("STREAM.CREATE.EVENTS", config)
        events = await reader.read(0, kept)
        await publish_batch(admin, [sealed(seal, event) for event in events], 0)
        if damage is not None:
            await admin.api(*damage)
        async with relaying(Relay(bus, engine)) as relay:
            await eventually(lambda: relay.state.published == 300)
            await eventually(
                lambda: relay.state.rebuilt == int(damage is not None and "STREAM.DELETE" not in damage[0])
            )
        await assert_stream_is_log(nats, reader)


@slow
async def test_a_stream_with_another_history_is_replaced(
    bus: Bus, engine: AsyncEngine, writer: LogWriter, reader: LogReader, nats: NatsServer
) -> None:
    await fill(writer, 5)
    async with relaying(Relay(bus, engine)) as first:
        await published(bus, 5)
        assert first.state.rebuilt == 0
    config = (await bus.api("STREAM.INFO.EVENTS"))["config"]
    await bus.api("STREAM.DELETE.EVENTS")
    await bus.api("STREAM.CREATE.EVENTS", config)
    await publish_batch(bus, [Outgoing("evt.project.p_1.X", {"Nats-Msg-Id": str(n)}, b"{}") for n in range(3)], 0)
    async with relaying(Relay(bus, engine)) as second:
        await published(bus, 5)
        await eventually(lambda: second.state.rebuilt == 1)
    await assert_stream_is_log(nats, reader)
    await bus.api("STREAM.UPDATE.EVENTS", config | {"metadata": {"log_id": "another"}})
    async with relaying(Relay(bus, engine)) as third:
        await eventually(lambda: third.state.rebuilt == 1)
        await published(bus, 5)
    await assert_stream_is_log(nats, reader)


async def test_a_stream_ahead_of_the_log_stops_the_relay_with_the_way_out(
    bus: Bus, engine: AsyncEngine, writer: LogWriter, database: Database
) -> None:
    await fill(writer, 20)
    async with relaying(Relay(bus, engine)):
        await published(bus, 20)
    await lose(database, 15)
    relay = Relay(bus, engine)
    with pytest.raises(StreamAheadError, match="EVENTS is at 20, the log at 15"):
        await relay.look()
    with pytest.raises(StreamAheadError, match="EVENTS is at 20, the log at 15"):
        await relay.run(asyncio.Event())
    with pytest.raises(BusError, match="restore the newer database"):
        await relay.check()
    assert await last_sequence(bus) == 20


async def test_of_two_relays_one_publishes_and_the_other_takes_over(
    bus: Bus, engine: AsyncEngine, writer: LogWriter, reader: LogReader, nats: NatsServer
) -> None:
    stop = asyncio.Event()
    async with (
        await Bus.connect(nats.url, nats.seed("ops"), name="ops") as other,
        relaying(Relay(other, engine)) as second,
    ):
        await eventually(lambda: second.state.leads)
        first = Relay(bus, engine)
        task = asyncio.create_task(first.run(stop))
        async with LogWriter(engine, on_commit=first.wake) as here:  # appended where nobody leads
            for version in range(20):
                await here.append(edit("p_1", version))
        await published(bus, 20)
        assert second.state.leads and not first.state.leads
    await eventually(lambda: first.state.leads)
    await writer.append(edit("p_1", 20))
    first.wake()
    await published(bus, 21)
    stop.set()
    await task
    await assert_stream_is_log(nats, reader)


@slow
async def test_a_relay_that_lost_its_lock_is_fenced_off(
    bus: Bus, engine: AsyncEngine, writer: LogWriter, reader: LogReader, nats: NatsServer
) -> None:
    await fill(writer, 10)
    async with engine.connect() as one, engine.connect() as two:
        for connection in (one, two):
            await connection.execution_options(isolation_level="AUTOCOMMIT")
        stale, leader = EventStream(bus, one), EventStream(bus, two)
        await stale.sync()
        await leader.sync()
        assert await leader.publish()
        assert leader.last == 10
        with pytest.raises(ApiError) as refused:
            await stale.publish()
        assert refused.value.code in (10071, 10201)  # wrong last sequence, or ids seen a moment ago
        await stale.sync()
        assert stale.last == 10
        assert not await stale.publish()
    await assert_stream_is_log(nats, reader)


@pytest.mark.few(1, reason="starts NATS and a database for one more case of its kind")
@pytest.mark.parametrize("user", ["media", "render", "gc"])
async def test_nobody_else_may_publish_events_or_touch_their_stream(
    nats: NatsServer, bus: Bus, relay: Relay, user: str
) -> None:
    await eventually(lambda: relay.state.leads)
    await published(bus, 0)
    problems: list[str] = []
    async with await Bus.connect(
        nats.url, nats.seed(user), name=user, on_event=lambda what, detail: problems.append(detail.lower())
    ) as service:
        await service.publish("evt.project.p_1.VersionCommitted", b"{}")
        await service.publish("$JS.API.STREAM.DELETE.EVENTS", b"")
        await eventually(lambda: len([problem for problem in problems if "permissions violation" in problem]) == 2)
    assert await last_sequence(bus) == 0
