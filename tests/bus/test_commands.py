"""Asking ops: commands that act once, an outbox that forgets nothing, endpoints that operators can read."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nats.aio.msg import Msg
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.bus import Bus, BusUnavailable, EndpointError, Outbox, micro
from cutlog.bus.history import read_history
from cutlog.contract.commands import (
    Accepted,
    Command,
    CommandReply,
    Refusal,
    ReportProxy,
    decode_command,
)
from cutlog.contract.envelope import RawEvent
from cutlog.contract.events import ProxyFailed
from services.ops.log.records import Append
from tests.bus.backbone import Backbone, Counting, asked
from tests.support.edits import committed, edit, fill
from tests.support.messaging import NatsServer
from tests.support.streams import operator
from tests.support.waiting import PATIENCE, eventually

slow = pytest.mark.slow(reason="starts NATS and a database for one more case of its kind")


def report(number: int, project: str = "p_1") -> Command:
    body = ReportProxy(project_id=project, version=number, digest="d", failed="no disk")
    return Command(key=f"proxy {project} {number}", tenant="default", actor="render", trace="", body=body)


class Ops:
    """Answers commands as ops does: appends one event per command, under the command's key. The answers to the first
    `mute` commands are lost."""

    def __init__(self, backbone: Backbone) -> None:
        self.backbone = backbone
        self.received: list[str] = []
        self.mute = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        end = await self.backbone.bus.subscribe("ops.cmd.render.*", self.handle, queue="ops")
        yield
        await end()

    async def handle(self, message: Msg) -> None:
        command = decode_command(message.data)
        assert isinstance(command.body, ReportProxy)
        self.received.append(command.key)
        mute = len(self.received) <= self.mute
        seen = await self.backbone.reader.find(command.key)
        if command.body.version == 13:
            await message.respond(msgspec.json.encode(CommandReply(refused=Refusal(code="stale", detail="newer"))))
            return
        stream = f"project.{command.body.project_id}"
        if seen is None:
            expected = len(await self.backbone.reader.stream(stream))
            fact = ProxyFailed(version=command.body.version, digest="d", reason="no disk")
            seen = await self.backbone.writer.append(
                Append(stream, expected, (fact,), tenant="t", actor="a", trace="", key=command.key)
            )
        if mute:  # done, but the answer is lost
            return
        accepted = Accepted(position=seen.position, version=seen.version)
        await message.respond(msgspec.json.encode(CommandReply(accepted=accepted)))


@pytest.fixture
async def ops(backbone: Backbone) -> AsyncIterator[Ops]:
    ops = Ops(backbone)
    async with ops.serving():
        yield ops


async def test_a_command_whose_answer_was_lost_is_asked_again_and_acts_once(
    bus: Bus, ops: Ops, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = bus.request

    async def request(subject: str, payload: bytes, **rest: Any) -> Msg:
        """Gives up on an answer that is lost as soon as the question has arrived, however busy the machine is."""
        number = len(ops.received) + 1
        asking = asyncio.ensure_future(ask(subject, payload, **{**rest, "timeout": PATIENCE}))
        if number <= ops.mute:
            await eventually(lambda: asking.done() or len(ops.received) == number)
            if not asking.done():
                asking.cancel()
                raise BusUnavailable("the answer was lost")
        return await asking

    monkeypatch.setattr(bus, "request", request)
    ops.mute = 2
    reply = await bus.command("render", report(1), patience=PATIENCE)
    assert reply == CommandReply(accepted=Accepted(position=1, version=1))
    assert ops.received == ["proxy p_1 1"] * 3
    assert await ops.backbone.reader.head() == 1
    assert await bus.command("render", report(1)) == reply


@slow
async def test_a_command_waits_for_ops_to_come_up(bus: Bus, backbone: Backbone) -> None:
    asking = asyncio.create_task(bus.command("render", report(1)))
    ops = Ops(backbone)
    async with ops.serving():
        assert (await asking).accepted is not None


@slow
async def test_a_command_gives_up_when_nobody_answers(bus: Bus) -> None:
    with pytest.raises(BusUnavailable, match="nobody listens"):
        await bus.command("render", report(1), patience=3)


async def test_a_refusal_is_an_answer(bus: Bus, ops: Ops) -> None:
    reply = await bus.command("render", report(13))
    assert reply.accepted is None and reply.refused == Refusal(code="stale", detail="newer")


async def test_the_outbox_delivers_in_order_once_and_only_what_was_committed(
    bus: Bus, ops: Ops, engine: AsyncEngine
) -> None:
    replies: list[tuple[str, CommandReply]] = []

    async def told(connection: AsyncConnection, command: Command, reply: CommandReply) -> None:
        replies.append((command.key, reply))
        await connection.execute(text("INSERT INTO effects VALUES (1)"))

    outbox = Outbox(engine, "render", on_reply=told)
    async with engine.begin() as connection:
        for number in range(10, 20):
            await outbox.add(connection, report(number))
            await outbox.add(connection, report(number))
    async with engine.connect() as connection:
        await outbox.add(connection, report(99))
        await connection.rollback()
    stop = asyncio.Event()
    running = asyncio.create_task(outbox.run(bus, stop))
    await eventually(lambda: len(replies) == 10)
    async with engine.begin() as connection:
        await outbox.add(connection, report(20))
    outbox.wake()
    await eventually(lambda: len(replies) == 11)
    stop.set()
    await running
    assert [key for key, _ in replies] == [f"proxy p_1 {number}" for number in range(10, 21)]
    assert [reply.refused is not None for _, reply in replies] == [number == 13 for number in range(10, 21)]
    assert ops.received == [key for key, _ in replies]
    async with engine.connect() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM outbox"))).scalar_one() == 0
        assert (await connection.execute(text("SELECT count(*) FROM effects"))).scalar_one() == 11


@slow
async def test_a_command_that_cannot_be_sent_or_taken_in_is_passed_over_and_named(
    bus: Bus, ops: Ops, engine: AsyncEngine
) -> None:
    told: list[str] = []

    async def tell(_: AsyncConnection, command: Command, __: CommandReply) -> None:
        if command.key.endswith(" 2"):
            raise KeyError("a row of its tenant")
        told.append(command.key)

    outbox = Outbox(engine, "render", on_reply=tell)
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO outbox (key, command) VALUES ('damaged', 'x')"))
        for number in (1, 2, 3):
            await outbox.add(connection, report(number))
    stop = asyncio.Event()
    running = asyncio.create_task(outbox.run(bus, stop))
    await eventually(lambda: len(told) == 2)
    assert told == ["proxy p_1 1", "proxy p_1 3"]
    assert await outbox.skipping.alarms() == ["skipped:render.outbox:damaged", "skipped:render.outbox:proxy p_1 2"]
    await outbox.standing.check()
    stop.set()
    await running
    async with engine.connect() as connection:
        left = (await connection.execute(text("SELECT key FROM outbox ORDER BY number"))).scalars().all()
    assert list(left) == ["damaged", "proxy p_1 2"], "nothing is lost"


OUTBOX = """
import asyncio, sys
from sqlalchemy.ext.asyncio import create_async_engine
from cutlog.bus import Bus, Outbox
async def main():
    bus = await Bus.connect(sys.argv[1], sys.argv[2], name="render")
    await Outbox(create_async_engine(sys.argv[3]), "render").run(bus, asyncio.Event())
asyncio.run(main())
"""


@slow
async def test_a_fact_survives_kill_9_of_its_service_and_lands_once(
    bus: Bus, ops: Ops, engine: AsyncEngine, nats: NatsServer
) -> None:
    async with engine.begin() as connection:
        for number in range(20, 50):
            await Outbox(engine, "render").add(connection, report(number))
    url = engine.url.render_as_string(hide_password=False)
    for lives in (5, 12, 20):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", OUTBOX, nats.url, nats.seed("render"), url, cwd=Path(__file__).parents[2],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        await eventually(lambda lives=lives: len(set(ops.received)) >= lives)  # type: ignore[misc]
        process.kill()
        await process.wait()
    stop = asyncio.Event()
    running = asyncio.create_task(Outbox(engine, "render").run(bus, stop))
    await eventually(lambda: len(set(ops.received)) == 30)
    stop.set()
    await running

    async def written() -> bool:
        return len(await ops.backbone.reader.stream("project.p_1")) >= 30

    await eventually(written)
    events = await ops.backbone.reader.stream("project.p_1")
    assert [event.decode().data.version for event in events] == list(range(20, 50))  # type: ignore[union-attr]


async def test_services_show_themselves_and_answer_errors_as_codes(
    bus: Bus, backbone: Backbone, engine: AsyncEngine, nats: NatsServer
) -> None:
    async def refuse(payload: bytes) -> object:
        raise EndpointError("409", "not now")

    async def fail(payload: bytes) -> object:
        raise ZeroDivisionError("secret detail")

    await fill(backbone.writer, 30)
    async with Counting(bus, engine) as counting:
        await counting.reaches(30)
        endpoints = {"refuse": refuse, "deep.fail": fail}
        async with (
            micro(bus, "render", "1.2.3", endpoints, projections=[counting.projection]),
            await operator(nats) as admin,
        ):
            assert (await asked(admin, "ops.status"))["service"] == "ops"
            assert (await asked(admin, "render.status"))["version"] == "1.2.3"
            standing = (await asked(admin, "render.checkpoint"))[0]
            assert (standing["name"], standing["position"], standing["lastPosition"], standing["lag"]) == (
                "edits", 30, 30, 0,
            )  # fmt: skip
            assert await asked(admin, "render.refuse") == ("409", "not now")
            code, detail = await asked(admin, "render.deep.fail")
            assert code == "500" and "secret" not in detail and "ZeroDivision" not in detail
            info = await asked(admin, "$SRV.INFO.render")
            assert {endpoint["subject"] for endpoint in info["endpoints"]} == {
                "render.status", "render.checkpoint", "render.refuse", "render.deep.fail",
            }  # fmt: skip
            stats = await asked(admin, "$SRV.STATS.render")
            assert {one["name"]: (one["num_requests"], one["num_errors"]) for one in stats["endpoints"]} == {
                "status": (1, 0), "checkpoint": (1, 0), "refuse": (1, 1), "deep-fail": (1, 1),
            }  # fmt: skip


@slow
async def test_the_log_is_read_over_the_bus_page_by_page(bus: Bus, backbone: Backbone) -> None:
    for version in range(1, 6):
        await backbone.writer.append(edit("p_1", version - 1, committed(version, message="x" * 200_000)))
    read: list[RawEvent] = []
    while len(read) < 5:
        page = await read_history(bus, len(read) + 1, max_bytes=500_000)
        assert len(page) <= 2
        read += page
    stored = await backbone.reader.read(0)
    assert [event.decode() for event in read] == [event.decode() for event in stored]
    assert await asked(bus, "ops.events.read", {"from": 6}) == {"events": [], "head": 5}
    assert await asked(bus, "ops.events.read", {"from": 0}) == (
        "400", "from must be at least 1, limit 1 to 1000, maxBytes at least 1",
    )  # fmt: skip
    code, detail = await asked(bus, "ops.events.read", {"from": "x"})
    assert (code, detail) == ("400", "Expected `int`, got `str` - at `$.from`")
