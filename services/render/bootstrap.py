"""Builds the service from its settings: the only module here that does."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

import aiohttp

from cutlog.blobs.patience import PatientBlobs
from cutlog.bus import JobQueue, Outbox, Projection
from cutlog.bus.usage import Reporter
from cutlog.contract.ids import new_id
from cutlog.contract.subjects import EXPORT_WORKERS, PROXY_WORKERS
from cutlog.contract.usage import Budget
from cutlog.db.engine import create_engine
from cutlog.db.usage import Meter
from cutlog.ffmpeg import Ffmpeg
from cutlog.hosting.parts import parts, until_stopped
from cutlog.hosting.service import Service
from cutlog.hosting.settings import Settings
from cutlog.web import Api, Server
from cutlog.web.usage import UsageMetrics, usage_of, usage_route
from services.render.api import drafts, frames, preview
from services.render.api.endpoints import endpoints
from services.render.api.preview import Reels
from services.render.api.problems import map_problems
from services.render.produce.make import Maker
from services.render.produce.playlist import Previews
from services.render.produce.still import Stills
from services.render.produce.timelines import Timelines
from services.render.proof import PROOF
from services.render.queue import jobs, learn
from services.render.queue.admit import Admission
from services.render.queue.budgets import Hourly
from services.render.queue.metrics import RenderMetrics
from services.render.queue.progress import publisher
from services.render.queue.worker import Worker

_BUDGETS: Final[tuple[Budget, ...]] = ("framesPerHour", "pixelsPerHour")
#: Seconds to fetch a timeline in.
FETCH: Final = aiohttp.ClientTimeout(total=60)
#: Seconds that a film gets to be finished in when the service stops.
GRACE: Final = 5.0


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Server]:
    """The service at work: events, admission, one proxy and one export at a time. Leaving hands on the unfinished."""
    async with parts(settings, "render", partial(create_engine, pool_size=10)) as its:
        engine, bus, blobs = its.engine, its.bus, its.blobs
        ffmpeg = await Ffmpeg.find(settings)
        await blobs.sweep()
        session = await its.open(aiohttp.ClientSession(timeout=FETCH))
        followed = await its.follow()
        timelines = Timelines(session, settings.peers.get("ops") or "", followed.identity)

        shares = jobs.shares(settings.renders, settings.budgets)
        outbox, queue = Outbox(engine, "render"), JobQueue(bus)
        admission = Admission(engine, bus, outbox, shares)
        its.at_end(bus.on_reconnect(admission.doubt))
        name = new_id(f"w_{os.getpid()}")
        api = Api("render", title="Previews")
        metrics = RenderMetrics(api.metrics.registry)
        cores = os.cpu_count() or 1
        # A render waits for the store and keeps what it has encoded; a request is answered 503.
        meter, hourly = Meter(engine), Hourly(engine, shares)
        maker = Maker(
            ffmpeg, PatientBlobs(blobs), cores, measured=metrics.film, fonts=settings.fonts, metering=meter
        )  # fmt: skip
        drawer = Maker(ffmpeg, blobs, cores, fonts=settings.fonts)
        stills = Stills(drawer, blobs, slots=cores, metering=meter, admit=hourly.admit)
        map_problems(api)
        frames.routes(api, timelines, stills)
        drafts.routes(api, timelines, stills)

        async def ask(project_id: str, version: int, tenant: str, trace: str) -> None:
            async with engine.begin() as connection:
                await jobs.want_proxy(
                    connection,
                    tenant=tenant,
                    project_id=project_id,
                    version=version,
                    digest="",
                    position=0,
                    trace=trace,
                    asked=True,
                )
            admission.nudge()

        secret = settings.file_secret.get_secret_value()
        previews = Previews(blobs, maker.index)
        preview.routes(api, Reels(timelines, previews, maker.plans), previews, ask, secret)
        worker = Worker(name, engine, outbox, maker, timelines, queue, publisher(bus), metrics, admission.nudge, shares)
        events = Projection(
            name=learn.NAME,
            durable=learn.NAME,
            subjects=learn.SUBJECTS,
            engine=engine,
            apply=learn.apply,
            reset=learn.reset,
            react=learn.reacting(admission.nudge),
        )

        async def stored(key: str) -> bool:
            head = await blobs.head(key)
            return head is not None and head.size > 0

        reporter = Reporter(engine, outbox, "render", stored)
        usage_route(api, usage_of(engine, _BUDGETS, settings.limit))
        api.metrics.looks.append(UsageMetrics(engine, api.metrics.registry).look)
        api.metrics.looks.append(partial(metrics.look, engine, bus))
        api.skips(outbox.skipping, admission.skipping, reporter.skipping)
        its.checks |= {"store": blobs.check, "worker": worker.standing.check}

        async def work_on(durable: str) -> None:
            await queue.work(durable, worker.handle, its.stop, slots=1, grace=GRACE)

        # The worker's lock outlives its work, or that would be given away while it still comes to its end.
        living, life = asyncio.Event(), await its.open(asyncio.TaskGroup())
        life.create_task(worker.alive(living), name="alive")
        its.at_end(living.set)
        await worker.ready.wait()
        await its.begin()
        for durable in (PROXY_WORKERS, EXPORT_WORKERS):
            its.task(work_on(durable), name=f"work {durable}")
        its.project(events)
        its.send(outbox)
        its.loop(admission.run, admission=admission.standing)
        its.loop(reporter.run, usage=reporter.standing)
        served = endpoints(bus, engine, [events], admission.nudge)
        info = {"worker": name, "host": socket.gethostname(), "ffmpeg": ffmpeg.identity, "sandbox": ffmpeg.sandbox}
        yield await its.serve(api, followed.gate, served, derived=PROOF.derived, metadata=info)


SERVICE = Service(name="render", migrations="services.render.migrations", run=until_stopped(serving), proof=PROOF)
