"""Builds the service from its settings: the only module here that does."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Final

from cutlog.blobs.patience import PatientBlobs
from cutlog.bus import Outbox, Projection
from cutlog.bus.usage import Reporter
from cutlog.db.engine import create_engine
from cutlog.db.skipping import Skipping
from cutlog.ffmpeg import Ffmpeg
from cutlog.ffmpeg.remembered import Probes
from cutlog.hosting.parts import parts, until_stopped
from cutlog.hosting.service import Service
from cutlog.hosting.settings import Settings
from cutlog.web import Server
from cutlog.web.auditing import through
from cutlog.web.body import READ_SECONDS
from cutlog.web.budgets import PeerUsage
from cutlog.web.links import Links
from cutlog.web.usage import UsageMetrics, usage_of, usage_route
from services.media.api import previews, tus
from services.media.api.videos import make_api
from services.media.compat import routes as compat
from services.media.compat.places import Places
from services.media.ingest import imports, leases
from services.media.ingest.receive import Ingest, OutOfSpaceError
from services.media.proof import PROOF
from services.media.records import learnt, uses
from services.media.records.quotas import Quotas
from services.media.records.settling import settle
from services.media.records.visible import sees
from services.media.renditions import examining
from services.media.renditions.derive import Derive
from services.media.renditions.tidying import Tidying
from services.media.renditions.worker import Worker
from services.media.upkeep.recount import Recounter
from services.media.upkeep.scrub import Scrubber
from services.media.uploads.files import FileHolding
from services.media.uploads.parts import PartHolding
from services.media.uploads.resuming import Resuming

HELD_STAYS: Final = 60.0
"""Seconds between questions what a tenant holds."""
PATIENCE: Final = 120.0
"""Seconds that an upload waits for the database while others are at it: better than to send its bytes again."""


@asynccontextmanager
async def serving(settings: Settings, *, read_seconds: float = READ_SECONDS) -> AsyncIterator[Server]:
    """The service at work; leaving finishes what is under way. A body that says nothing for `read_seconds` is given up.

    Raises SandboxUnavailableError, BinaryNotFoundError.
    """
    ffmpeg = await Ffmpeg.find(settings)
    file_secret = settings.file_secret.get_secret_value()
    async with parts(settings, "media", partial(create_engine, pool_size=20, max_overflow=0, patience=PATIENCE)) as its:
        engine, bus, blobs = its.engine, its.bus, its.blobs
        followed = await its.follow()

        async def disk() -> None:
            room = await blobs.room()
            if room is not None and room < settings.min_free_bytes:
                raise OutOfSpaceError(f"{room} bytes are free; at least {settings.min_free_bytes} should be.")

        projects = Projection(
            name=learnt.NAME,
            durable=learnt.NAME,
            subjects=learnt.SUBJECTS,
            engine=engine,
            apply=learnt.apply,
            reset=uses.clear,
        )
        outbox = Outbox(engine, "media", on_reply=settle)
        held = PeerUsage(settings.peers.get("gc"), followed.identity, HELD_STAYS)
        quotas = Quotas(settings.budget, held.of)
        probes = Probes(ffmpeg)  # what arrives here is most often derived from here
        ingest = Ingest(engine, blobs, ffmpeg, outbox, quotas=quotas, probes=probes)
        derive = Derive(ffmpeg, PatientBlobs(blobs), probes)  # waits for the store and keeps what it has encoded
        tidying = Tidying(engine, blobs)
        worker = Worker(engine, derive, tidying, outbox, max(1, (os.cpu_count() or 1) // 2), settings.renders)
        links = Links(blobs, settings.public_url)
        api = make_api(
            engine, blobs, links, ingest, outbox, file_secret=file_secret, max_upload=settings.max_upload_bytes
        )
        api.audit, api.sees = through(outbox, engine), sees(engine)
        folder = blobs.lasting()
        holding = PartHolding(engine, blobs) if folder is None else FileHolding(folder)
        if folder is None:  # where releases up to 0.1 kept what no other process saw; it can't be resumed
            await asyncio.to_thread(shutil.rmtree, settings.data / "uploads", ignore_errors=True)
        resuming = Resuming(engine, ingest, holding, timedelta(hours=settings.resumable_hours), quotas)
        tus.routes(api, resuming, max_upload=settings.max_upload_bytes)
        # Before the routes of single videos, of which it is none.
        examining.routes(api, engine)
        previews.routes(api, engine, blobs, links, Derive(ffmpeg, blobs))
        imports.routes(api, imports.Imports(engine, blobs, ingest, outbox))
        places = Places(engine, settings.peers.get("ops"), followed.identity)
        compat.routes(api, engine, blobs, links, ingest, places, max_upload=settings.max_upload_bytes)
        scrubber = Scrubber(engine, blobs, settings.scrub_days, api.metrics.registry)
        recounter = Recounter(engine, bus, api.metrics.registry)
        swept = Skipping(leases.SWEEP)

        async def recorded(_: str) -> bool:
            return False  # what is counted here is counted with its own row

        reporter = Reporter(engine, outbox, "media", recorded)
        usage_route(api, usage_of(engine, ("ingestSecondsPerHour",), settings.limit))
        api.metrics.looks.append(UsageMetrics(engine, api.metrics.registry).look)
        api.skips(outbox.skipping, worker.skipping, swept, resuming.skipping, scrubber.skipping, recounter.skipping)
        api.skips(reporter.skipping, tidying.skipping)
        its.checks |= {"store": blobs.check, "disk": disk}

        await its.begin()
        its.project(projects)
        its.send(outbox)
        its.loop(worker.run)
        its.loop(reporter.run, usage=reporter.standing)
        its.loop(tidying.run)
        its.loop(partial(leases.keep_swept, engine, blobs, swept))
        its.loop(resuming.keep_swept)
        its.loop(scrubber.run, **({"scrub": scrubber.standing} if settings.scrub_days else {}))
        its.loop(recounter.run, recount=recounter.standing)
        yield await its.serve(api, followed.gate, derived=PROOF.derived, read_seconds=read_seconds)


SERVICE = Service(name="media", migrations="services.media.migrations", run=until_stopped(serving), proof=PROOF)
