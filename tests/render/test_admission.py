"""Whose film is next: fair by weight, and never more of a tenant at once than it may have."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus import Bus, Outbox
from cutlog.db.engine import create_engine
from services.ops.bootstrap import serving
from services.render.queue import jobs
from services.render.queue.admit import Admission
from services.render.queue.jobs import Share
from tests.support.configuration import SettingsFactory
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts a database and NATS for one more case of its kind")

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
async def engine(settings_for: SettingsFactory) -> AsyncIterator[AsyncEngine]:
    made = create_engine(settings_for("render"))
    yield made
    await made.dispose()


async def exports(engine: AsyncEngine, **counts: int) -> None:
    """So many exports of each tenant, all those of one before those of the next."""
    position = 0
    async with engine.begin() as connection:
        for tenant, count in counts.items():
            for number in range(count):
                position += 1
                await jobs.want_export(
                    connection, tenant=tenant, project_id=f"p-{tenant}", version=number, profile="mp4",
                    export_id=f"x-{tenant}-{number}", position=position, trace=TRACE,
                )  # fmt: skip


async def admitted(engine: AsyncEngine, room: int, limits: dict[str, Share] | None = None) -> Counter[str]:
    async with engine.begin() as connection:
        return Counter(job.tenant for job in await jobs.admit(connection, "export", room, limits or {"*": Share()}))


async def test_tenants_take_turns_whoever_asked_first(engine: AsyncEngine) -> None:
    await exports(engine, a=20, b=3, c=1)
    assert await admitted(engine, 6) == {"a": 3, "b": 2, "c": 1}


@slow
async def test_a_tenant_of_twice_the_weight_has_twice_the_turns(engine: AsyncEngine) -> None:
    await exports(engine, a=20, b=20)
    assert await admitted(engine, 6, {"a": Share(weight=2), "*": Share()}) == {"a": 4, "b": 2}


async def test_a_tenant_has_never_more_at_work_than_it_may(engine: AsyncEngine) -> None:
    await exports(engine, a=20, b=20)
    limits = {"a": Share(at_once=2), "*": Share(at_once=3)}
    assert await admitted(engine, 8, limits) == {"a": 2, "b": 3}
    assert await admitted(engine, 8, limits) == {}, "those that wait for a worker count"
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE job SET status = 'running' WHERE status = 'admitted'"))
    assert await admitted(engine, 8, limits) == {}, "and those at work"
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE job SET status = 'done' WHERE status = 'running' AND tenant = 'a'"))
    assert await admitted(engine, 8, limits) == {"a": 2}


@slow
async def test_proxies_are_admitted_however_many_exports_wait(engine: AsyncEngine) -> None:
    await exports(engine, a=30)
    assert await admitted(engine, 8) == {"a": 8}
    async with engine.begin() as connection:
        await jobs.want_proxy(
            connection, tenant="a", project_id="p-a", version=40, digest="d", position=99, trace=TRACE, asked=False
        )
        (proxy,) = await jobs.admit(connection, "proxy", 8, {"*": Share()})
    assert proxy.version == 40


@slow
async def test_a_job_that_no_message_can_be_made_of_fails_and_the_others_are_admitted(
    settings_for: SettingsFactory, engine: AsyncEngine
) -> None:
    await exports(engine, **{"a b": 9, "c": 1})
    settings = settings_for("render")
    seed = settings.nats_seed.get_secret_value()
    async with serving(settings_for("ops")), await Bus.connect(settings.nats_url, seed, name="render") as bus:
        admission = Admission(engine, bus, Outbox(engine, "render"), {"*": Share(at_once=20)})

        async def sent() -> bool:
            await admission.step()
            return await status("export.x-c-0") == {"admitted"}

        async def status(like: str) -> set[str]:
            async with engine.connect() as connection:
                rows = await connection.execute(text("SELECT status FROM job WHERE job_id LIKE :like"), {"like": like})
                return set(rows.scalars())

        await eventually(sent)
        while await admission.step():
            pass
        assert await status("export.x-a b-%") == {"failed"}, "they would take the room of others"
        assert admission.skipping.rows == [f"export.x-a b-{number}" for number in range(9)]
