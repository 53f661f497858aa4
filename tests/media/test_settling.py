"""Waiting for what ops says to a command: many wait, one looks."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, event, insert
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cutlog.bus.tables import outbox
from services.media.records.settling import Answers
from tests.support.database import Database
from tests.support.waiting import eventually

MANY = 60


@pytest.fixture
async def engine(database: Database) -> Any:
    engine = create_async_engine(database.url("media"))
    yield engine
    await engine.dispose()


async def ask(engine: AsyncEngine, *keys: str) -> None:
    """Commands that ops has not answered."""
    async with engine.begin() as connection:
        await connection.execute(insert(outbox), [{"key": key, "command": b"{}"} for key in keys])


async def test_however_many_wait_one_looks_for_all(engine: AsyncEngine) -> None:
    keys = [f"k{number}" for number in range(MANY)]
    await ask(engine, *keys)
    answers, looks = Answers(engine), [0]

    def looked(*_: Any) -> None:
        looks[0] += 1

    event.listen(engine.sync_engine, "before_cursor_execute", looked)
    waiting = [asyncio.create_task(answers.come(key, 30.0)) for key in (*keys, keys[0])]
    await eventually(lambda: looks[0] >= 5)
    assert looks[0] < MANY and not any(task.done() for task in waiting)
    async with engine.begin() as connection:
        await connection.execute(delete(outbox).where(outbox.c.key != keys[1]))
    others = [task for number, task in enumerate(waiting) if number != 1]
    assert all(await asyncio.gather(*others)) and not waiting[1].done()
    async with engine.begin() as connection:
        await connection.execute(delete(outbox))
    assert await waiting[1]


async def test_who_has_waited_long_enough_is_told_and_others_wait_on(engine: AsyncEngine) -> None:
    await ask(engine, "k")
    answers = Answers(engine)
    patient = asyncio.create_task(answers.come("k", 30.0))
    assert not await answers.come("k", 0.05)
    assert not patient.done()
    async with engine.begin() as connection:
        await connection.execute(delete(outbox))
    assert await patient and await answers.come("k", 30.0)


async def test_what_the_database_says_reaches_everybody(engine: AsyncEngine, database: Database) -> None:
    lost = create_async_engine(database.url("media") + "_gone")
    answers = Answers(lost)
    found = await asyncio.gather(*(answers.come(key, 30.0) for key in ("a", "b")), return_exceptions=True)
    assert len(found) == 2 and all(isinstance(error, Exception) for error in found), found
    await lost.dispose()
