"""Whatever JetStream loses while edits go on: message n is event n again, and rows are what a fresh fold would make."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus import Bus
from tests.bus.backbone import Backbone, Counting
from tests.support.edits import edit, fill
from tests.support.messaging import NatsServer
from tests.support.streams import assert_stream_is_log, operator
from tests.support.waiting import eventually

BEFORE, MEANWHILE, AFTER = 400, 50, 50

Loss = Callable[[NatsServer, Callable[[], Awaitable[None]]], Awaitable[None]]
"""What happens to a server; it awaits its second argument, edits, in the middle."""


async def the_folder(nats: NatsServer, edits: Callable[[], Awaitable[None]]) -> None:
    nats.kill()
    nats.wipe()
    await edits()
    nats.start()


async def the_index(nats: NatsServer, edits: Callable[[], Awaitable[None]]) -> None:
    nats.stop()
    assert nats.lose_index() > 0
    await edits()
    nats.start()


async def the_tail(nats: NatsServer, edits: Callable[[], Awaitable[None]]) -> None:
    """It comes back as it was some edits ago."""
    older = nats.folder / "older"
    nats.stop()
    shutil.copytree(nats.folder / "nats", older)
    nats.start()
    await edits()
    async with await operator(nats) as admin:
        await eventually(lambda: _holds(admin, BEFORE + MEANWHILE))
    nats.kill()
    nats.wipe()
    older.rename(nats.folder / "nats")
    nats.start()


async def _holds(admin: Bus, messages: int) -> bool:
    return bool((await admin.api("STREAM.INFO.EVENTS"))["state"]["last_seq"] >= messages)


async def the_stream(nats: NatsServer, edits: Callable[[], Awaitable[None]]) -> None:
    async with await operator(nats) as admin:
        await admin.api("STREAM.DELETE.EVENTS")
        await edits()


async def time(nats: NatsServer, edits: Callable[[], Awaitable[None]]) -> None:
    """It is away while edits go on, and then its disk hardly answers."""
    nats.stop()
    await edits()
    nats.start()
    for _ in range(3):
        nats.pause()
        await asyncio.sleep(0.3)
        nats.resume()
        await asyncio.sleep(0.05)


@pytest.mark.few(1, reason="each loss is one more server of NATS and database")
@pytest.mark.parametrize("loses", [the_folder, the_index, the_tail, the_stream, time])
async def test_stream_and_rows_are_right_again(
    bus: Bus, engine: AsyncEngine, backbone: Backbone, nats: NatsServer, loses: Loss
) -> None:
    await fill(backbone.writer, BEFORE, projects=4)
    async with Counting(bus, engine) as counting:
        await counting.holds(BEFORE)

        async def edits() -> None:
            for number in range(MEANWHILE):
                await backbone.writer.append(edit("p_late", number))

        await loses(nats, edits)
        for number in range(AFTER):
            await backbone.writer.append(edit("p_late", MEANWHILE + number))
        total = BEFORE + MEANWHILE + AFTER
        await backbone.relayed(total)
        await counting.holds(total)

        async def whole() -> bool:
            await assert_stream_is_log(nats, backbone.reader)
            return True

        await eventually(whole)
