"""Builds the service from its settings: the only module here that does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Final

import aiohttp

from cutlog.auth.code_flow import CodeFlow
from cutlog.auth.credentials import FileKeys, Identity, KeyFile
from cutlog.auth.gate import JWT, Gate, Resolve, by_prefix
from cutlog.auth.oidc import Issuers
from cutlog.auth.rings import SIGNING, KeyRing
from cutlog.auth.sessions import PREFIX as SESSION
from cutlog.bus.micro import Endpoint
from cutlog.bus.provision import Provider
from cutlog.contract import subjects
from cutlog.contract.envelope import RawEvent
from cutlog.contract.letters import shipped
from cutlog.db.engine import create_engine
from cutlog.hosting.installed_fonts import letters_in
from cutlog.hosting.parts import parts, until_stopped
from cutlog.hosting.service import Service
from cutlog.hosting.settings import Settings
from cutlog.web import Server
from cutlog.web.budgets import PeerUsage
from cutlog.web.links import Links
from cutlog.web.usage import usage_gauge
from services.ops import compat
from services.ops.access.keys import PREFIX, ApiKeys
from services.ops.access.sessions import Logins, Sessions
from services.ops.access.store import AccessStore
from services.ops.api import make_api, usage
from services.ops.api.context import Ops
from services.ops.api.issuers import CALLBACK
from services.ops.api.limits import ExportLimits, IdTries
from services.ops.compat.marks import Marks
from services.ops.compat.reads import OldRows
from services.ops.drafts.store import DraftStore
from services.ops.edits.size import Budget
from services.ops.interchange.captions import CaptionReader
from services.ops.interchange.converter import Converter
from services.ops.live.feed import POLL, Feed
from services.ops.live.renders import Renders
from services.ops.log.answers import forgetting
from services.ops.log.append import LogWriter
from services.ops.log.measures import LogMetrics
from services.ops.log.news import Grown, News
from services.ops.log.read import LogReader
from services.ops.log.relay import Relay
from services.ops.nats import provision
from services.ops.nats.commands import Commands
from services.ops.nats.events import EventsRead
from services.ops.nats.operations import Rebuild, Status
from services.ops.nats.replay import Replaying
from services.ops.project.catalog import Catalog
from services.ops.project.commit import Commits
from services.ops.project.handling import Handling
from services.ops.project.history import History
from services.ops.project.log_sizes import LogSizes
from services.ops.project.log_usage import LogUsage
from services.ops.project.proxy_uses import ProxyUses
from services.ops.proof import PROOF
from services.ops.readmodel.derive import derive
from services.ops.readmodel.guard import guard
from services.ops.readmodel.reads import Reads
from services.ops.readmodel.wholly import wholly

HELD_STAYS: Final = 60.0
"""Seconds between questions what a tenant holds."""
WAITS_STAYS: Final = 5.0
"""Seconds between questions whether its proxies wait."""


@asynccontextmanager
async def serving(settings: Settings, *, poll: float = POLL) -> AsyncIterator[Server]:
    """The service at work: the log, the relay that publishes it, commands, HTTP. Leaving finishes what is under way."""
    engine_of = partial(create_engine, pool_size=10, max_overflow=10, idle="10s")
    async with parts(settings, "ops", engine_of) as its:
        engine, bus, blobs, stop, peers = its.engine, its.bus, its.blobs, its.stop, settings.peers
        identity, keys = Identity.of("ops", settings.credentials), FileKeys(settings.credentials)
        signing = KeyFile(settings.credentials / SIGNING, KeyRing.read)
        api_keys = ApiKeys(engine)
        sessions = Sessions(engine)
        resolvers: dict[str, Resolve] = {PREFIX: api_keys.resolve, SESSION: sessions.resolve}
        code_flow: CodeFlow | None = None
        if settings.oidc:
            session = await its.open(aiohttp.ClientSession())
            issuers = Issuers(session, settings.oidc)
            resolvers[JWT] = issuers.actor
            callback = settings.public_url.rstrip("/") + CALLBACK
            code_flow = CodeFlow(session, issuers, settings.oidc, callback, signing.now)
        gate = Gate(keys, by_prefix(resolvers))
        provider = Provider(bus, provision.STREAMS, provision.CONSUMERS)
        await provider.ensure_streams()
        relay = Relay(bus, engine)
        await relay.look()
        reader, reads = LogReader(engine), Reads(engine)
        letters = shipped()
        if settings.fonts is not None:
            letters |= await asyncio.to_thread(letters_in, settings.fonts)
        budgets = {
            tenant: Budget(**each.model_dump(include=set(Budget.__struct_fields__)))
            for tenant, each in settings.budgets.items()
        }
        catalog, history, feed = Catalog(engine, letters, budgets), History(engine, reader), Feed(reader, poll)
        sizes = LogSizes(engine, lambda tenant: catalog.budget(tenant).log_bytes)
        access = AccessStore(engine, bus, gate, api_keys, sessions, settings.audit_days)
        await its.begin()
        its.task(relay.run(stop), name="relay")
        its.task(feed.run(stop), name="feed")
        its.task(access.run(stop), name="access")
        its.task(forgetting(engine, stop), name="answers")
        measures = LogMetrics(reader, relay)

        def grown_here(grown: Grown, told: Sequence[RawEvent]) -> None:
            relay.wake(grown, told)
            news.tell(grown, told)

        def grown_elsewhere(grown: Grown, told: Sequence[RawEvent]) -> None:
            relay.wake(grown, told)
            commits.heard(grown)

        log = await its.open(
            LogWriter(engine, inline=(guard, derive), wholly=wholly, on_commit=grown_here, measured=measures.appended)
        )
        its.closing(history.settle)
        commits = Commits(engine, log, reader, history, catalog, feed, sizes)
        news = News(bus, grown_elsewhere)
        its.task(news.run(stop), name="news")
        rendered = PeerUsage(peers.get("render"), identity)
        held = PeerUsage(peers.get("gc"), identity, HELD_STAYS)
        ops = Ops(
            commits=commits,
            history=history,
            reads=reads,
            reader=reader,
            catalog=catalog,
            drafts=DraftStore(engine),
            feed=feed,
            renders=Renders(bus, feed, time.monotonic),
            limits=ExportLimits(reads, settings.renders, rendered, held),
            render_usage=PeerUsage(peers.get("render"), identity, WAITS_STAYS),
            ids=IdTries(),
            blobs=blobs,
            links=Links(blobs, settings.public_url),
            proxy_uses=ProxyUses(engine),
            converter=Converter(settings.sandbox),
            captions=CaptionReader(settings.sandbox),
            gate=gate,
            keys=keys,
            signing=signing.now,
            access=access,
            code_flow=code_flow,
            logins=Logins(engine, sessions, access.revoking, access.audit),
            now=lambda: datetime.now(UTC),
        )
        handling = Handling(engine, log, reader, catalog, commits, ops.proxy_uses)
        await its.subscribe(subjects.COMMANDS, Commands(handling, access.audit), queue="ops")
        await its.subscribe(subjects.PROGRESS, feed.heard)
        await its.subscribe(subjects.ACCESS_CHANGED, access.revoking.heard)

        async def accepted() -> None:
            await gate.actor(identity.token())

        its.checks |= {"relay": relay.check, "identity": accepted}
        api = make_api(ops, settings.peers)
        names = ("media", "render", "gc")
        others = {name: PeerUsage(peers[name], identity) for name in names if name in peers}
        usage.routes(api, ops, sizes.usage, others)
        api.audit = access.audit.note
        marks = Marks(settings.peers.get("gc"), identity)
        compat.routes(api, ops, OldRows(engine), marks)
        api.alarms.append(relay.alarms)
        measures.register(api.metrics.registry)
        log_usage = LogUsage(engine, sizes, handling, usage_gauge(api.metrics.registry), ops.now)
        api.skips(log_usage.skipping)
        its.loop(log_usage.run, usage=log_usage.standing)
        api.metrics.looks.append(measures.look)
        endpoints: dict[str, Endpoint] = {
            "status": Status(bus, reader, relay),
            "events.read": EventsRead(reader),
            "rebuild": Rebuild(engine, reader),
            "replay": Replaying(reader, bus),
            **provider.endpoints(),
        }
        description = "the event log, edits and the history of projects"
        yield await its.serve(api, gate, endpoints, description=description)


SERVICE = Service(name="ops", migrations="services.ops.migrations", run=until_stopped(serving), proof=PROOF)
