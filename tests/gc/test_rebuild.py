"""`gc.rebuild`: rows made anew beside those that serve, and put in their place in one moment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from cutlog.bus import Bus
from cutlog.contract import events as e
from cutlog.contract.timeline import Canvas
from cutlog.operate.fsck.run import proven
from tests.gc.conftest import Gc, Log
from tests.support.fsck import services
from tests.support.waiting import PATIENCE, eventually


@pytest.fixture
async def operator(nats: Any) -> AsyncIterator[Bus]:
    async with await Bus.connect(nats.url, nats.seed("operator"), name="operator") as bus:
        yield bus


async def asked(operator: Bus) -> tuple[str | None, Any]:
    """The error code of an answer, and its JSON."""
    reply = await operator.request("gc.rebuild", b"", timeout=PATIENCE)
    code = (reply.headers or {}).get("Nats-Service-Error-Code")
    return code, json.loads(reply.data) if reply.data else (reply.headers or {}).get("Nats-Service-Error")


async def film(log: Log, project: str) -> int:
    await log.say(project, e.ProjectCreated(name="P", canvas=Canvas()))
    return await log.say(project, e.VersionCommitted(version=1, ops=(), duration=9, digest="d", message="cut"))


@pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")
async def test_wrong_rows_are_right_again_and_what_came_meanwhile_is_in_them(
    log: Log, gc: Gc, operator: Bus, owner: asyncpg.Connection, settings_for: Any
) -> None:
    for number in range(30):
        last = await film(log, f"p{number}")

    async def read() -> bool:
        return bool(await owner.fetchval("SELECT position >= $1 FROM gc.checkpoint", last))

    await eventually(read)
    await owner.execute("UPDATE gc.project SET name = 'defect'")
    await owner.execute("DELETE FROM gc.tagged")
    stop = asyncio.Event()

    async def goes_on() -> int:
        number = 30
        while not stop.is_set():
            await film(log, f"p{number}")
            number += 1
        return number

    seen: set[int] = set()

    async def looks() -> None:
        """Who reads sees the old rows or the new ones, and never none."""
        while not stop.is_set():
            seen.add(await owner.fetchval("SELECT count(*) FROM gc.project WHERE project_id LIKE 'p%'"))

    going, looking = asyncio.create_task(goes_on()), asyncio.create_task(looks())
    code, answer = await asked(operator)
    stop.set()
    projects = await going
    await looking
    assert code is None and answer["events"] >= 60
    assert min(seen) >= 30

    async def complete() -> bool:
        names = await owner.fetch("SELECT name FROM gc.project")
        tagged = await owner.fetchval("SELECT count(*) FROM gc.tagged")
        return len(names) == tagged == projects and {row["name"] for row in names} == {"P"}

    await eventually(complete)
    async with services(settings_for, "ops", "gc") as stack:
        found = (await proven(stack, again=(0.2, 0.5))).findings
    assert [each for each in found if each.name.startswith("gc")] == []


@pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")
async def test_an_event_that_this_build_does_not_know_leaves_everything_as_it_was(
    log: Log, gc: Gc, operator: Bus, owner: asyncpg.Connection
) -> None:
    last = await film(log, "p")

    async def read() -> bool:
        return bool(await owner.fetchval("SELECT position >= $1 FROM gc.checkpoint", last))

    await eventually(read)
    before = await owner.fetch("SELECT * FROM gc.project")
    await owner.execute("UPDATE ops.event SET type = 'ProjectDreamt' WHERE position = $1", last)
    code, told = await asked(operator)
    assert code == "422" and "ProjectDreamt" in str(told)
    assert await owner.fetch("SELECT * FROM gc.project") == before
    assert await owner.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname LIKE 'pg_temp%'") == 0
