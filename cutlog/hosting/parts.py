"""What every service has: connections, readiness, background work, HTTP. A service's `bootstrap` declares the rest."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from nats.aio.msg import Msg
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine

import cutlog
from cutlog.auth.following import Following, following
from cutlog.auth.gate import Gate
from cutlog.blobs import BlobStore, open_blobs
from cutlog.bus import Bus, Outbox, Projection, consume, micro
from cutlog.bus.measures import ProjectionMetrics
from cutlog.bus.micro import Endpoint
from cutlog.bus.shadow import Derived
from cutlog.db.engine import create_engine
from cutlog.db.standing import Standing
from cutlog.hosting.service import Run
from cutlog.hosting.settings import Settings
from cutlog.web import Api, Server, serve_http
from cutlog.web.api import Check
from cutlog.web.body import READ_SECONDS
from cutlog.web.ratelimit import rate_of

T = TypeVar("T")


class Parts:
    """What a service has open: closed in the reverse order. Tasks run from `begin` until what was opened later is
    closed; so requests end first, then background work, then connections.

    `checks` say by name whether it is ready.
    """

    def __init__(
        self, name: str, settings: Settings, engine: AsyncEngine, bus: Bus, blobs: BlobStore, opened: AsyncExitStack
    ) -> None:
        self.name, self.settings, self.engine, self.bus, self.blobs = name, settings, engine, bus, blobs
        self.stop = asyncio.Event()
        self.checks: dict[str, Check] = {"database": self._database, "bus": bus.check}
        self._opened = opened
        self._projections: list[Projection] = []
        self._tasks: asyncio.TaskGroup | None = None

    async def open(self, part: AbstractAsyncContextManager[T]) -> T:
        """Enters it; it is left when the service ends."""
        return await self._opened.enter_async_context(part)

    def at_end(self, close: Callable[[], object]) -> None:
        """Calls this when the service ends."""
        self._opened.callback(close)

    def closing(self, close: Callable[[], Awaitable[object]]) -> None:
        """Awaits this when the service ends."""
        self._opened.push_async_callback(close)

    async def subscribe(self, subject: str, heard: Callable[[Msg], Awaitable[None]], queue: str = "") -> None:
        """Listens on the bus."""
        self.closing(await self.bus.subscribe(subject, heard, queue=queue))

    async def follow(self) -> Following:
        """What ops says of keys and revocations, for services other than ops."""
        peer = self.settings.peers.get("ops")
        followed = await self.open(following(self.settings.credentials, self.name, peer, self.bus))
        self.checks["identity"] = followed.check
        return followed

    async def begin(self) -> None:
        """From now on, tasks may run."""
        self._tasks = await self.open(asyncio.TaskGroup())
        self.at_end(self.stop.set)

    def task(self, work: Coroutine[Any, Any, None], name: str | None = None) -> None:
        """Runs it in the background. When it fails, the service ends."""
        assert self._tasks is not None, "tasks run after `begin`"
        self._tasks.create_task(work, name=name)

    def loop(self, run: Callable[[asyncio.Event], Coroutine[Any, Any, None]], **standing: Standing) -> None:
        """Runs it in the background until the service stops. Under the names of checks, `standing` says how it goes."""
        self.checks |= {name: each.check for name, each in standing.items()}
        self.task(run(self.stop))

    def project(self, projection: Projection) -> None:
        """Derives rows from events."""
        self._projections.append(projection)
        self.checks["projection"] = projection.check
        self.task(consume(self.bus, projection, self.stop))

    def send(self, outbox: Outbox) -> None:
        """Sends what waits there to ops."""
        self.checks["outbox"] = outbox.standing.check
        self.task(outbox.run(self.bus, self.stop))

    async def serve(
        self, api: Api, gate: Gate, endpoints: Mapping[str, Endpoint] | None = None, *, derived: Derived | None = None,
        description: str = "", metadata: Mapping[str, str] | None = None, read_seconds: float = READ_SECONDS,
    ) -> Server:  # fmt: skip
        """Serves `api` over HTTP and `endpoints` over NATS; `derived` is what the projection derives."""
        if self._projections:
            api.metrics.looks.append(ProjectionMetrics(api.metrics.registry, self.bus, self._projections).look)
        served = micro(
            self.bus, self.name, cutlog.__version__, endpoints or {}, projections=self._projections, derived=derived,
            description=description, metadata=metadata,
        )  # fmt: skip
        await self.open(served)
        budget = self.settings.budget
        http = serve_http(
            api, self.settings, gate, checks=self.checks, read_seconds=read_seconds,
            streams_per_subject=lambda tenant: budget(tenant).event_streams,
            rates=lambda tenant: rate_of(budget(tenant).requests_per_second),
        )  # fmt: skip
        return await self.open(http)

    async def _database(self) -> None:
        async with self.engine.connect() as connection:
            await connection.execute(select(1))


@asynccontextmanager
async def parts(
    settings: Settings, name: str, engine: Callable[[Settings], AsyncEngine] = create_engine
) -> AsyncIterator[Parts]:
    """The parts of the service of that name. `engine` makes its engine."""
    async with AsyncExitStack() as opened:
        database = engine(settings)
        opened.push_async_callback(database.dispose)
        blobs = open_blobs(
            settings.objects, settings.file_secret.get_secret_value(), settings.bucket_secret.get_secret_value()
        )
        seed = settings.nats_seed.get_secret_value()
        connecting = Bus.connect(settings.nats_url, seed, name=name, replicas=settings.nats_replicas)
        bus = await opened.enter_async_context(await connecting)
        yield Parts(name, settings, database, bus, blobs, opened)


def until_stopped(serving: Callable[[Settings], AbstractAsyncContextManager[Server]]) -> Run:
    """Serves until `stop` is set."""

    async def run(settings: Settings, stop: asyncio.Event) -> None:
        async with serving(settings):
            await stop.wait()

    return run
