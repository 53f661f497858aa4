"""Builds the service from its settings: the only module here that does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import select

import cutlog
from cutlog.bus import Bus, Outbox, Projection, consume, micro
from cutlog.db.engine import create_engine
from cutlog.service import Service
from cutlog.settings import Settings
from cutlog.web import Server, serve_http
from services.gc import projection
from services.gc.api import make_api
from services.gc.log import LogAsked
from services.gc.reports import Reports


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Server]:
    """The service at work; leaving finishes what is under way."""
    engine = create_engine(settings)
    stop = asyncio.Event()

    async def database() -> None:
        async with engine.connect() as connection:
            await connection.execute(select(1))

    try:
        async with await Bus.connect(settings.nats_url, settings.nats_seed.get_secret_value(), name="gc") as bus:
            exports = Projection(
                name=projection.NAME,
                durable=projection.NAME,
                subjects=projection.SUBJECTS,
                engine=engine,
                apply=projection.apply,
                reset=projection.clear,
            )
            outbox = Outbox(engine, "gc")
            api = make_api(engine, Reports(engine, outbox, LogAsked(bus)))
            checks = {"database": database, "bus": bus.check, "projection": exports.check}
            async with asyncio.TaskGroup() as work:
                work.create_task(consume(bus, exports, stop))
                work.create_task(outbox.run(bus, stop))
                try:
                    async with (
                        micro(bus, "gc", cutlog.__version__, {}, projections=[exports]),
                        serve_http(api, settings, checks=checks) as server,
                    ):
                        yield server
                finally:
                    stop.set()
    finally:
        await engine.dispose()


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serves until `stop` is set."""
    async with serving(settings):
        await stop.wait()


SERVICE = Service(name="gc", migrations="services.gc.migrations", run=run)
