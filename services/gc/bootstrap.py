"""Builds the service from its settings: the only module here that does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from cutlog.bus import Outbox, Projection
from cutlog.contract.usage import BudgetUse
from cutlog.hosting.parts import parts, until_stopped
from cutlog.hosting.service import Service
from cutlog.hosting.settings import Settings
from cutlog.web import Server
from cutlog.web.auditing import through
from cutlog.web.usage import usage_route
from services.gc.acts.acting import Acts
from services.gc.acts.collecting import Collecting
from services.gc.acts.moves import Mover, Reached, nothing
from services.gc.api import acts, storage
from services.gc.api.questions import make_api
from services.gc.background.folding import Folder
from services.gc.background.reviving import reviving
from services.gc.background.schedule import Scheduler
from services.gc.background.webhook import Webhook
from services.gc.compat import routes as compat
from services.gc.projection import apply as projection
from services.gc.projection.log import LogAsked
from services.gc.proof import PROOF
from services.gc.report import held
from services.gc.report.reading import Blocked
from services.gc.report.reports import PATIENCE, Reports
from services.gc.report.storage import Keeper


@asynccontextmanager
async def serving(
    settings: Settings, reached: Reached = nothing, *, patience: float = PATIENCE
) -> AsyncIterator[Server]:
    """The service at work; leaving finishes what is under way. `reached` is told each step of an act; a question waits
    `patience` seconds for the projection."""
    async with parts(settings, "gc") as its:
        engine, bus, blobs = its.engine, its.bus, its.blobs
        followed = await its.follow()
        webhook = None
        if settings.gc_webhook_url:
            session = await its.open(aiohttp.ClientSession())
            webhook = Webhook(session, settings.gc_webhook_url, settings.gc_webhook_secret.get_secret_value())
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
        blocked = Blocked()
        reports = Reports(engine, outbox, LogAsked(bus), blobs, blocked, patience)
        mover = Mover(engine, blobs, reached)
        api = make_api(engine, reports, outbox)
        api.audit = through(outbox, engine)
        storage.routes(api, engine, blobs)
        registry = api.metrics.registry
        registry.register(blocked.gauge)
        api.alarms.append(blocked.alarms)
        keeper = Keeper(engine, blobs, outbox, registry, blocked, settings.limit)
        scheduler = Scheduler(engine, reports, registry, webhook)
        folder = Folder(engine, blobs, bus)
        collecting = Collecting(Acts(engine, reports, bus, mover, reached), blobs)
        acts.routes(api, engine, collecting)
        compat.routes(api, engine, reports, collecting)

        async def look(tenant: str) -> list[BudgetUse]:
            async with engine.connect() as connection:
                return await held.usage(connection, tenant, settings.limit)

        usage_route(api, look)
        api.skips(outbox.skipping, mover.skipping, keeper.skipping, scheduler.skipping, folder.skipping)
        its.checks["store"] = blobs.check

        await its.begin()
        its.project(exports)
        its.send(outbox)
        its.loop(mover.sweep, moves=mover.standing)
        its.loop(keeper.run, storage=keeper.standing)
        its.loop(scheduler.run, schedule=scheduler.standing)
        its.loop(folder.run, folding=folder.standing)
        yield await its.serve(api, followed.gate, derived=PROOF.derived)


SERVICE = Service(name="gc", migrations="services.gc.migrations", run=until_stopped(serving), proof=PROOF)
