"""Messages in EVENTS that no relay published: they are dropped and told, and hide nothing."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import msgspec
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus import Bus, messages, streams
from cutlog.bus.batch import Outgoing, publish_batch
from cutlog.contract.envelope import RawEvent
from services.ops.log.append import LogWriter
from services.ops.log.read import LogReader
from services.ops.log.relay import Relay
from services.ops.log.stream import StreamAheadError, sealed
from tests.log.relays import lose, published, relaying
from tests.support.database import Database
from tests.support.edits import TRACE, edit, fill
from tests.support.messaging import NatsServer
from tests.support.streams import assert_stream_is_log, last_sequence, message, operator
from tests.support.waiting import eventually


def forged(position: int) -> RawEvent:
    """An event that nobody appended."""
    return RawEvent(
        position=position, id=uuid.uuid4(), stream="project.p_1", version=position, type="ProjectDeleted",
        tenant="default", actor="nobody", trace=TRACE, at=datetime.now(UTC), data=msgspec.Raw(b"{}"),
    )  # fmt: skip


async def as_anything(admin: Bus) -> None:
    await admin.publish("evt.project.p_1.VersionCommitted", b"{}")


async def as_an_event(admin: Bus) -> None:
    event = forged(21)
    await admin.publish(messages.subject(event), bytes(event.data), messages.headers(event))


async def as_an_event_with_some_seal(admin: Bus) -> None:
    event = sealed(b"guessed", forged(21))
    await admin.publish(event.subject, event.payload, event.headers)


async def as_a_copy(admin: Bus) -> None:
    copied = await message(admin, "EVENTS", 7)
    headers = {name: value for name, value in copied["headers"].items() if not name.startswith("Nats-")}
    await admin.publish(copied["subject"], copied["data"], headers)


async def as_an_answer(admin: Bus) -> None:
    """The server itself publishes where an answer is wanted."""
    await admin.client.publish("$JS.API.INFO", reply="evt.project.p_1.VersionCommitted")


async def as_many(admin: Bus) -> None:
    for _ in range(30):
        await as_anything(admin)


@pytest.mark.few(1, reason="starts NATS and a database for one more case of its kind")
@pytest.mark.parametrize(
    "publish", [as_anything, as_an_event, as_an_event_with_some_seal, as_a_copy, as_an_answer, as_many]
)
async def test_a_foreign_message_is_dropped_and_told_and_the_relay_goes_on(
    bus: Bus,
    relay: Relay,
    writer: LogWriter,
    reader: LogReader,
    nats: NatsServer,
    publish: Callable[[Bus], Awaitable[None]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    await fill(writer, 20)
    relay.wake()
    await published(bus, 20)
    assert await relay.alarms() == []
    async with await operator(nats) as admin:
        await publish(admin)
    many = 30 if publish is as_many else 1
    await eventually(lambda: relay.state.foreign == many)
    await eventually(lambda: relay.state.published == 20)
    await writer.append(edit("p_after", 0))
    relay.wake()
    await published(bus, 21)
    await assert_stream_is_log(nats, reader)
    assert (relay.state.rebuilt, relay.state.foreign, relay.state.error) == (1, many, None)
    await relay.check()
    assert await relay.alarms() == ["foreign-message"]
    assert capsys.readouterr().out.count("relay.foreign_message") == many


async def test_a_foreign_message_does_not_hide_that_history_was_lost(
    bus: Bus, engine: AsyncEngine, writer: LogWriter, database: Database, nats: NatsServer
) -> None:
    await fill(writer, 20)
    async with relaying(Relay(bus, engine)):
        await published(bus, 20)
    await lose(database, 15)
    async with await operator(nats) as admin:
        await as_anything(admin)
    with pytest.raises(StreamAheadError, match="EVENTS is at 21, the log at 15"):
        await Relay(bus, engine).run(asyncio.Event())
    assert await last_sequence(bus) == 21


@pytest.mark.slow(reason="starts NATS and a database for one more case of its kind")
async def test_a_stream_of_an_older_build_is_sealed_unless_it_has_what_the_log_lost(
    bus: Bus, engine: AsyncEngine, writer: LogWriter, reader: LogReader, database: Database, nats: NatsServer
) -> None:
    await fill(writer, 20)
    events = await reader.read(0)
    config = streams.events(await reader.log_id())
    await bus.api("STREAM.CREATE.EVENTS", config | {"metadata": {"log_id": config["metadata"]["log_id"]}})
    older = [Outgoing(messages.subject(e), messages.headers(e), bytes(e.data)) for e in events]
    await publish_batch(bus, older, 0)
    async with relaying(Relay(bus, engine)) as relay:
        await eventually(lambda: relay.state.rebuilt == 1)
        await published(bus, 20)
        assert relay.state.foreign == 0
    await assert_stream_is_log(nats, reader)
    await bus.api("STREAM.UPDATE.EVENTS", config)
    await lose(database, 15)
    with pytest.raises(StreamAheadError):
        await Relay(bus, engine).look()
