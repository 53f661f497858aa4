"""What a service has open ends in the reverse order, however it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cutlog.hosting.parts import Parts, parts
from tests.support.configuration import SettingsFactory


@asynccontextmanager
async def part(name: str, ended: list[str]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        ended.append(name)


async def opened(its: Parts, ended: list[str]) -> None:
    """A part, a task, and a part that the task outlives."""

    async def work(stop: asyncio.Event) -> None:
        try:
            await stop.wait()
        finally:
            ended.append("task")

    await its.open(part("connection", ended))
    await its.begin()
    its.loop(work)
    await its.open(part("server", ended))


async def test_requests_end_first_then_tasks_then_connections(settings_for: SettingsFactory) -> None:
    ended: list[str] = []
    async with parts(settings_for("gc"), "gc") as its:
        await opened(its, ended)
        for ready in its.checks.values():
            await ready()
        assert ended == []
    assert ended == ["server", "task", "connection"]
    assert its.bus.client.is_closed


async def test_a_task_that_fails_ends_the_service_and_connections_last(settings_for: SettingsFactory) -> None:
    ended: list[str] = []
    held: list[Parts] = []

    async def failing() -> None:
        raise LookupError("a task failed")

    async def serve() -> None:
        async with parts(settings_for("gc"), "gc") as its:
            held.append(its)
            await opened(its, ended)
            its.task(failing())
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as caught:
        await serve()
    assert caught.group_contains(LookupError)
    assert sorted(ended[:2]) == ["server", "task"]
    assert ended[2:] == ["connection"]
    assert held[0].bus.client.is_closed
