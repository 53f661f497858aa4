"""Builds the service from its settings: the only module here that does."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

import aiohttp
from sqlalchemy import select

import cutlog
from cutlog.auth.following import following
from cutlog.blobs import open_blobs
from cutlog.blobs.patience import PatientBlobs
from cutlog.bus import Bus, JobQueue, Outbox, Projection, consume, micro
from cutlog.bus.measures import ProjectionMetrics
from cutlog.contract.ids import new_id
from cutlog.contract.subjects import EXPORT_WORKERS, PROXY_WORKERS
from cutlog.db.engine import create_engine
from cutlog.ffmpeg import Ffmpeg
from cutlog.hosting.service import Service
from cutlog.hosting.settings import Settings
from cutlog.web import Api, Server, serve_http
from services.render.api import frames, preview
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
from services.render.queue.metrics import RenderMetrics
from services.render.queue.progress import publisher
from services.render.queue.worker import Worker

#: Seconds to fetch a timeline in.
FETCH: Final = aiohttp.ClientTimeout(total=60)
#: Seconds that a film gets to be finished in when the service stops.
GRACE: Final = 5.0


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Server]:
    """The service at work: events, admission, one proxy and one export at a time. Leaving hands on the unfinished."""
    stop = asyncio.Event()
    async with AsyncExitStack() as parts:
        engine = create_engine(settings, pool_size=10)
        parts.push_async_callback(engine.dispose)
        ffmpeg = await Ffmpeg.find(settings)
        blobs = open_blobs(settings.objects, settings.file_secret.get_secret_value())
        await blobs.sweep()
        session = await parts.enter_async_context(aiohttp.ClientSession(timeout=FETCH))
        seed = settings.nats_seed.get_secret_value()
        bus = await parts.enter_async_context(
            await Bus.connect(settings.nats_url, seed, name="render", replicas=settings.nats_replicas)
        )
        ops = settings.peers.get("ops")
        followed = await parts.enter_async_context(following(settings.credentials, "render", ops, bus))
        timelines = Timelines(session, ops or "", followed.identity)

        outbox, queue = Outbox(engine, "render"), JobQueue(bus)
        admission = Admission(engine, bus, outbox, settings.renders)
        parts.callback(bus.on_reconnect(admission.doubt))
        name = new_id(f"w_{os.getpid()}")
        api = Api("render", title="Previews")
        metrics = RenderMetrics(api.metrics.registry)
        cores = os.cpu_count() or 1
        # A render waits for the store and keeps what it has encoded; a request is answered 503.
        maker = Maker(ffmpeg, PatientBlobs(blobs), cores, measured=metrics.film, fonts=settings.fonts)
        stills = Stills(Maker(ffmpeg, blobs, cores, fonts=settings.fonts), blobs, slots=cores)
        map_problems(api)
        frames.routes(api, timelines, stills)

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
        previews = Previews(blobs)
        preview.routes(api, Reels(timelines, previews, maker.engine), previews, ask, secret)
        worker = Worker(
            name, engine, outbox, maker, timelines, queue, publisher(bus), metrics, admission.nudge, settings.renders
        )
        events = Projection(
            name=learn.NAME,
            durable=learn.NAME,
            subjects=learn.SUBJECTS,
            engine=engine,
            apply=learn.apply,
            reset=learn.reset,
            react=learn.reacting(admission.nudge),
        )

        standing = ProjectionMetrics(api.metrics.registry, bus, [events])
        api.metrics.looks += [standing.look, partial(metrics.look, engine, bus)]

        async def database() -> None:
            async with engine.connect() as connection:
                await connection.execute(select(1))

        async def work_on(durable: str) -> None:
            await queue.work(durable, worker.handle, stop, slots=1, grace=GRACE)

        # The worker's lock outlives its work, or that would be given away while it still comes to its end.
        living, life = asyncio.Event(), await parts.enter_async_context(asyncio.TaskGroup())
        life.create_task(worker.alive(living), name="alive")
        parts.callback(living.set)
        await worker.ready.wait()
        work = await parts.enter_async_context(asyncio.TaskGroup())
        for durable in (PROXY_WORKERS, EXPORT_WORKERS):
            work.create_task(work_on(durable), name=f"work {durable}")
        work.create_task(consume(bus, events, stop), name="events")
        work.create_task(admission.run(stop), name="admission")
        work.create_task(outbox.run(bus, stop), name="outbox")
        parts.callback(stop.set)
        served = endpoints(bus, engine, [events], admission.nudge)
        info = {"worker": name, "host": socket.gethostname(), "ffmpeg": ffmpeg.identity, "sandbox": ffmpeg.sandbox}
        await parts.enter_async_context(
            micro(bus, "render", cutlog.__version__, served, projections=[events], derived=PROOF.derived, metadata=info)
        )
        checks = {
            "database": database,
            "bus": bus.check,
            "projection": events.check,
            "store": blobs.check,
            "identity": followed.check,
        }
        api.skips(outbox.skipping, admission.skipping)
        checks |= {"outbox": outbox.standing.check, "admission": admission.standing.check}
        checks["worker"] = worker.standing.check
        yield await parts.enter_async_context(serve_http(api, settings, followed.gate, checks=checks))


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Serves until `stop` is set."""
    async with serving(settings):
        await stop.wait()


SERVICE = Service(name="render", migrations="services.render.migrations", run=run, proof=PROOF)
