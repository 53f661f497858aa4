"""Builds the service from its settings: the only module here that does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from sqlalchemy import select

import cutlog
from cutlog.auth.following import following
from cutlog.blobs import open_blobs
from cutlog.bus import Bus, Outbox, Projection, consume, micro
from cutlog.bus.measures import ProjectionMetrics
from cutlog.db.engine import create_engine
from cutlog.hosting.service import Service
from cutlog.hosting.settings import Settings
from cutlog.web import Server, serve_http
from cutlog.web.auditing import through
from services.gc.acts.acting import Acts
from services.gc.acts.collecting import Collecting
from services.gc.acts.moves import Mover, Reached, nothing
from services.gc.api import acts, storage
from services.gc.api.questions import make_api
from services.gc.background.reviving import reviving
from services.gc.background.schedule import Scheduler
from services.gc.background.webhook import Webhook
from services.gc.compat import routes as compat
from services.gc.projection import apply as projection
from services.gc.projection.log import LogAsked
from services.gc.proof import PROOF
from services.gc.report.reading import Blocked
from services.gc.report.reports import PATIENCE, Reports
from services.gc.report.storage import Keeper


@asynccontextmanager
async def serving(
    settings: Settings, reached: Reached = nothing, *, patience: float = PATIENCE
) -> AsyncIterator[Server]:
    """The service at work; leaving finishes what is under way. `reached` is told each step of an act; a question waits
    `patience` seconds for the projection."""
    engine = create_engine(settings)
    stop = asyncio.Event()

    async def database() -> None:
        async with engine.connect() as connection:
            await connection.execute(select(1))

    session = aiohttp.ClientSession()
    webhook = None
    if settings.gc_webhook_url:
        webhook = Webhook(session, settings.gc_webhook_url, settings.gc_webhook_secret.get_secret_value())
    try:
        async with (
            await Bus.connect(
                settings.nats_url, settings.nats_seed.get_secret_value(), name="gc", replicas=settings.nats_replicas
            ) as bus,
            following(settings.credentials, "gc", settings.peers.get("ops"), bus) as followed,
        ):
            outbox = Outbox(engine, "gc")
            exports = Projection(
                name=projection.NAME,
                durable=projection.NAME,
                subjects=projection.SUBJECTS,
                engine=engine,
                apply=projection.apply,
                reset=projection.clear,
                react=reviving(outbox),
            )
            blobs = open_blobs(settings.objects, settings.file_secret.get_secret_value())
            blocked = Blocked()
            reports = Reports(engine, outbox, LogAsked(bus), blobs, blocked, patience)
            mover = Mover(engine, blobs, reached)
            api = make_api(engine, reports, outbox)
            api.audit = through(outbox, engine)
            storage.routes(api, engine, blobs)
            registry = api.metrics.registry
            registry.register(blocked.gauge)
            api.alarms.append(blocked.alarms)
            keeper = Keeper(engine, blobs, registry, blocked)
            scheduler = Scheduler(engine, reports, registry, webhook)
            collecting = Collecting(Acts(engine, reports, bus, mover, reached), blobs)
            acts.routes(api, engine, collecting)
            compat.routes(api, engine, reports, collecting)
            standing = ProjectionMetrics(registry, bus, [exports])
            api.metrics.looks.append(standing.look)
            checks = {
                "database": database,
                "bus": bus.check,
                "projection": exports.check,
                "store": blobs.check,
                "identity": followed.check,
            }
            api.skips(outbox.skipping, mover.skipping, keeper.skipping, scheduler.skipping)
            checks |= {"outbox": outbox.standing.check, "moves": mover.standing.check}
            checks |= {"storage": keeper.standing.check, "schedule": scheduler.standing.check}
            async with asyncio.TaskGroup() as work:
                work.create_task(consume(bus, exports, stop))
                work.create_task(outbox.run(bus, stop))
                work.create_task(mover.sweep(stop))
                work.create_task(keeper.run(stop))
                work.create_task(scheduler.run(stop))
                try:
                    async with (
                        micro(bus, "gc", cutlog.__version__, {}, projections=[exports], derived=PROOF.derived),
                        serve_http(api, settings, followed.gate, checks=checks) as server,
                    ):
                        yield server
                finally:
                    stop.set()
    finally:
        await session.close()
        await engine.dispose()


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serves until `stop` is set."""
    async with serving(settings):
        await stop.wait()


SERVICE = Service(name="gc", migrations="services.gc.migrations", run=run, proof=PROOF)
