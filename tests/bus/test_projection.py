"""Projections: whatever is delivered, however often and in whatever order, the rows are those of the log."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence

import asyncpg
import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.bus import Bus, Projection, consume, messages
from cutlog.bus.projection import ProjectionStopped
from cutlog.bus.pull import HELD_BYTES
from cutlog.contract.envelope import Event
from cutlog.contract.events import MediaReleased
from services.ops.log.records import Append
from tests.bus.backbone import Backbone, Counting
from tests.support.database import Database
from tests.support.edits import committed, edit, fill
from tests.support.messaging import NatsServer
from tests.support.streams import message, operator
from tests.support.waiting import PATIENCE, eventually

slow = pytest.mark.slow(reason="starts NATS and a database for one more case of its kind")


async def take(admin: Bus, count: int) -> None:
    """Has deliveries of the consumer, and acknowledges none."""
    subscription = await admin.client.subscribe("_INBOX_operator.taken")
    request = str(count).encode()
    await admin.client.publish("$JS.API.CONSUMER.MSG.NEXT.EVENTS.render", request, reply="_INBOX_operator.taken")
    for _ in range(count):
        await subscription.next_msg(timeout=PATIENCE)


async def test_rows_and_checkpoint_follow_the_log(bus: Bus, engine: AsyncEngine, backbone: Backbone) -> None:
    await fill(backbone.writer, 1500)
    async with Counting(bus, engine) as counting:
        await counting.holds(1500)
        await backbone.writer.append(edit("p_0", 150))
        await counting.holds(1501)
    async with engine.connect() as connection:
        row = (await connection.execute(text("SELECT name, position, reacted FROM checkpoint"))).one()
    assert tuple(row) == ("edits", 1501, 1501)


async def test_an_event_after_a_rest_is_applied_at_once_and_those_behind_it_together(
    bus: Bus, engine: AsyncEngine, backbone: Backbone
) -> None:
    async with Counting(bus, engine, pace=3600.0) as counting:
        await eventually(lambda: counting.projection.standing.state == "running")
        await backbone.writer.append(edit("p_0", 0))
        await counting.reaches(1)
        for version in range(1, 6):
            await backbone.writer.append(edit("p_0", version))
        await backbone.relayed(6)
        assert counting.projection.standing.position == 1
    async with Counting(bus, engine) as counting:  # the other one ended although its hour was not over
        await counting.holds(6)


async def test_a_restart_goes_on_where_the_rows_are(bus: Bus, engine: AsyncEngine, backbone: Backbone) -> None:
    await fill(backbone.writer, 100)
    async with Counting(bus, engine) as counting:
        await counting.reaches(100)
    await backbone.writer.append(edit("p_0", 10))
    async with Counting(bus, engine) as counting:
        await counting.holds(101)
        assert counting.projection.standing.applied == 1


@slow
async def test_what_was_applied_but_not_acknowledged_is_a_duplicate(
    bus: Bus, engine: AsyncEngine, backbone: Backbone, nats: NatsServer
) -> None:
    await fill(backbone.writer, 200)
    async with Counting(bus, engine) as counting:
        await counting.reaches(200)
    async with await operator(nats) as admin:  # a consumer that forgot its acknowledgements, but not that it delivered
        await admin.api("CONSUMER.DELETE.EVENTS.render")
        config = {
            "durable_name": "render",
            "name": "render",
            "ack_policy": "all",
            "ack_wait": 500_000_000,
            "max_deliver": -1,
        }
        await admin.api("CONSUMER.CREATE.EVENTS.render", {"stream_name": "EVENTS", "config": config})
        await take(admin, 200)
    async with Counting(bus, engine) as counting:
        await eventually(lambda: counting.projection.standing.duplicates >= 200)
        await counting.holds(200)
        assert counting.projection.standing.replays == 0


@slow
async def test_what_a_dead_process_was_given_is_not_waited_for(
    bus: Bus, engine: AsyncEngine, backbone: Backbone, nats: NatsServer
) -> None:
    await fill(backbone.writer, 100)
    async with Counting(bus, engine) as counting:
        await counting.reaches(100)
    await backbone.writer.append(edit("p_0", 10, *(committed(version) for version in range(11, 111))))
    await backbone.relayed(200)
    async with await operator(nats) as admin:  # takes them, and is gone
        await take(admin, 100)
    async with Counting(bus, engine) as counting:
        await counting.holds(200)
        assert (counting.projection.standing.filled, counting.projection.standing.duplicates) == (100, 0)


@slow
@pytest.mark.parametrize("idempotent", [False, True], ids=["counts, with reset", "overwrites, without reset"])
@pytest.mark.parametrize("start", [1, 40])
async def test_an_operator_reset_leads_to_the_same_rows_and_no_second_effect(
    bus: Bus, engine: AsyncEngine, backbone: Backbone, nats: NatsServer, idempotent: bool, start: int
) -> None:
    await fill(backbone.writer, 120)
    async with Counting(bus, engine, idempotent=idempotent) as counting, await operator(nats) as admin:
        await counting.holds(120)
        config = (await admin.api("CONSUMER.INFO.EVENTS.render"))["config"]
        await admin.api("CONSUMER.DELETE.EVENTS.render")
        again = config | {"deliver_policy": "by_start_sequence", "opt_start_seq": start}
        await admin.api("CONSUMER.CREATE.EVENTS.render", {"stream_name": "EVENTS", "config": again, "action": "create"})
        await eventually(lambda: counting.projection.standing.replays == 1)
        await counting.holds(120)
        applied_again = 120 if not idempotent else 120 - start + 1
        assert counting.projection.standing.applied == 120 + applied_again
        await backbone.writer.append(edit("p_0", 12))
        await counting.holds(121)


@slow
async def test_the_servers_own_reset_of_a_consumer_is_a_replay(
    bus: Bus, engine: AsyncEngine, backbone: Backbone, nats: NatsServer
) -> None:
    await fill(backbone.writer, 60)
    async with Counting(bus, engine) as counting, await operator(nats) as admin:
        await counting.holds(60)
        await admin.api("CONSUMER.RESET.EVENTS.render", {"seq": 1})
        await eventually(lambda: counting.projection.standing.replays == 1)
        await counting.holds(60)


@slow
async def test_events_that_jetstream_does_not_deliver_are_read_from_ops(
    bus: Bus, engine: AsyncEngine, backbone: Backbone, nats: NatsServer
) -> None:
    await fill(backbone.writer, 2600)
    await backbone.relayed(2600)
    async with await operator(nats) as admin:
        config = {
            "durable_name": "render",
            "name": "render",
            "ack_policy": "all",
            "deliver_policy": "by_start_sequence",
        }
        config["opt_start_seq"] = 2500  # type: ignore[assignment]
        await admin.api("CONSUMER.CREATE.EVENTS.render", {"stream_name": "EVENTS", "config": config})
    async with Counting(bus, engine) as counting:
        await counting.holds(2600)
        assert counting.projection.standing.filled == 2499


@slow
async def test_a_stream_that_was_lost_changes_nothing(
    bus: Bus, engine: AsyncEngine, backbone: Backbone, nats: NatsServer
) -> None:
    await fill(backbone.writer, 1000)
    async with Counting(bus, engine) as counting:
        await counting.holds(1000)
        nats.kill()
        nats.wipe()
        await backbone.writer.append(edit("p_0", 100))
        nats.start()
        await counting.holds(1001)
        assert counting.projection.standing.replays == 0


@slow
async def test_two_processes_of_a_service_take_turns(
    bus: Bus, engine: AsyncEngine, backbone: Backbone, nats: NatsServer
) -> None:
    await fill(backbone.writer, 50)
    async with Counting(bus, engine) as first:
        await first.holds(50)
        async with Counting(bus, engine) as second:
            await backbone.writer.append(edit("p_0", 5))
            await first.holds(51)
            assert second.projection.standing.state == "waiting"
            await first.end()
            await backbone.writer.append(edit("p_0", 6))
            await second.holds(52)


async def test_an_unknown_event_type_stops_the_projection_and_says_so(
    bus: Bus, engine: AsyncEngine, backbone: Backbone, database: Database
) -> None:
    await fill(backbone.writer, 5, projects=1)
    owner = await asyncpg.connect(database.owner_url)  # a newer build of ops appended this
    await owner.execute(
        "SET search_path = ops; SELECT append('{project.p_0}', '{6}', ARRAY[gen_random_uuid()], '{ProjectPainted}',"
        ' ARRAY[\'{}\'], ARRAY[\'{"tenant": "t", "actor": "a", "trace": ""}\'], false,'
        " '{}', '{}', '{}', '{}', '{}')"
    )
    await owner.close()
    backbone.relay.wake()
    counting = Counting(bus, engine, batch=5)
    await consume(bus, counting.projection, asyncio.Event())
    standing = counting.projection.standing
    assert (standing.state, standing.position) == ("stopped", 5)
    assert standing.error == "unknown event type ProjectPainted at position 6"
    with pytest.raises(ProjectionStopped, match="ProjectPainted"):
        await counting.projection.check()
    assert await counting.effects() == [1, 2, 3, 4, 5]


@slow
async def test_events_of_other_subjects_move_the_checkpoint_only(
    bus: Bus, engine: AsyncEngine, backbone: Backbone
) -> None:
    released = Append("media.v_1", 0, (MediaReleased(ref_count=0),), tenant="t", actor="a", trace="")
    await backbone.writer.append(edit("p_1", 0))
    await backbone.writer.append(released)
    async with Counting(bus, engine) as counting:
        await counting.reaches(2)
        assert await counting.rows() == [("p_1", 1, 1)]
        assert await counting.effects() == [1]


@slow
async def test_an_apply_that_always_fails_stops_with_the_reason_and_nothing_is_skipped(
    bus: Bus, engine: AsyncEngine, backbone: Backbone
) -> None:
    async def fail(connection: AsyncConnection, events: Sequence[Event]) -> None:
        raise LookupError("no such project")

    await backbone.writer.append(edit("p_1", 0, committed(1)))
    projection = Projection("bad", "render", ["evt.project.>"], engine, fail)
    await consume(bus, projection, asyncio.Event())
    assert projection.standing.state == "stopped"
    assert projection.standing.error == "event 1 of bad cannot be applied: LookupError: no such project"
    assert projection.standing.position == 0


@slow
async def test_the_one_event_that_cannot_be_applied_is_named_and_those_before_it_are_applied(
    bus: Bus, engine: AsyncEngine, backbone: Backbone
) -> None:
    await fill(backbone.writer, 300)
    await backbone.relayed(300)
    counting = Counting(bus, engine)

    async def fail(connection: AsyncConnection, events: Sequence[Event]) -> None:
        if any(event.position == 222 for event in events):
            raise LookupError("no such project")
        await counting.count(connection, events)

    counting.projection.apply = fail
    await consume(bus, counting.projection, asyncio.Event())
    standing = counting.projection.standing
    assert standing.error == "event 222 of edits cannot be applied: LookupError: no such project"
    assert standing.position == 221
    assert await counting.effects() == list(range(1, 222))
    async with Counting(bus, engine) as mended:  # by a newer build
        await mended.holds(300)


class Gated(Counting):
    """Applies nothing before `go`."""

    def __init__(self, bus: Bus, engine: AsyncEngine) -> None:
        super().__init__(bus, engine)
        self.projection.apply = self.slow
        self.go, self.sizes = asyncio.Event(), list[int]()

    async def slow(self, connection: AsyncConnection, events: Sequence[Event]) -> None:
        self.sizes.append(len(events))
        await self.go.wait()
        await self.count(connection, events)

    async def delivered(self, admin: Bus) -> int:
        """How many messages came until no more do."""
        seen: list[int] = []

        async def nothing_more() -> bool:
            seen.append((await admin.api("CONSUMER.INFO.EVENTS.render"))["delivered"]["consumer_seq"])
            return seen[-1] > 0 and len(seen) > 25 and set(seen[-25:]) == {seen[-1]}

        await eventually(lambda: self.projection.standing.state == "running")
        await eventually(nothing_more)
        return seen[-1]


@slow
async def test_a_slow_projection_holds_no_more_than_it_may(
    bus: Bus, engine: AsyncEngine, backbone: Backbone, nats: NatsServer
) -> None:
    large = 80
    for number in range(large):
        await backbone.writer.append(edit("p_large", number, committed(number + 1, "x" * (1 << 20))))
    await backbone.relayed(large)
    async with Gated(bus, engine) as gated, await operator(nats) as admin:
        delivered = await gated.delivered(admin)
        assert delivered << 20 <= 2 * HELD_BYTES < large << 20  # what is being applied, and what waits
        gated.go.set()
        await gated.holds(large)


@slow
async def test_all_that_waits_is_applied_at_once(
    bus: Bus, engine: AsyncEngine, backbone: Backbone, nats: NatsServer
) -> None:
    await fill(backbone.writer, 2500)
    await backbone.relayed(2500)
    async with Gated(bus, engine) as gated, await operator(nats) as admin:
        waiting = await gated.delivered(admin)
        gated.go.set()
        await gated.holds(2500)
        assert gated.sizes[1] == waiting - gated.sizes[0] > gated.projection.batch


@slow
async def test_a_lost_database_connection_is_waited_out(
    bus: Bus, engine: AsyncEngine, backbone: Backbone, database: Database
) -> None:
    owner = await asyncpg.connect(database.owner_url)
    async with Counting(bus, engine) as counting:
        for count in range(1, 6):
            await fill(backbone.writer, 10, projects=1) if count == 1 else await backbone.writer.append(
                edit("p_0", 8 + count)
            )
            await owner.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cutlog_probe'")
        await counting.holds(14)
    await owner.close()


@slow
async def test_a_foreign_message_is_not_applied_and_the_projection_goes_on_by_itself(
    bus: Bus, engine: AsyncEngine, backbone: Backbone, nats: NatsServer
) -> None:
    """One that looks like an event where there is none yet, and a copy of an earlier one."""
    await fill(backbone.writer, 20)
    async with Counting(bus, engine) as counting, await operator(nats) as admin:
        await counting.holds(20)
        event = msgspec.structs.replace((await backbone.reader.read(19))[0], position=21, id=uuid.uuid4(), version=21)
        await admin.publish(messages.subject(event), bytes(event.data), messages.headers(event))
        await eventually(lambda: counting.projection.standing.foreign > 0)
        await eventually(lambda: backbone.relay.state.foreign == 1)
        await backbone.writer.append(edit("p_0", 2))
        await counting.holds(21)
        copied = await message(admin, "EVENTS", 3)
        headers = {name: value for name, value in copied["headers"].items() if not name.startswith("Nats-")}
        await admin.publish(copied["subject"], copied["data"], headers)
        await backbone.writer.append(edit("p_0", 3))
        await counting.holds(22)
        await eventually(lambda: backbone.relay.state.foreign == 2)
        await eventually(lambda: backbone.relay.state.published == 22)
        await backbone.writer.append(edit("p_0", 4))
        await counting.holds(23)
        assert counting.projection.standing.state == "running"
        assert counting.projection.standing.replays == 0
