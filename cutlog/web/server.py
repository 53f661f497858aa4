"""An Api on a socket: routes, health, metrics, and an orderly end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Protocol

import structlog
from aiohttp import web
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from cutlog.auth.gate import Gate
from cutlog.auth.sessions import cookie_name
from cutlog.web.api import Api, Check
from cutlog.web.auth import COOKIE
from cutlog.web.body import READ_SECONDS, READING
from cutlog.web.dispatch import Dispatch
from cutlog.web.health import HEALTH, Health
from cutlog.web.observe import SAFE_HEADERS, add_safe_headers, observer
from cutlog.web.openapi import document
from cutlog.web.problems import CONTENT_TYPE, of_status
from cutlog.web.ratelimit import Rate, RateLimiter
from cutlog.web.renamed import WithOldNames
from cutlog.web.reply import JSON
from cutlog.web.sse import OPEN_STREAMS, STREAMS_PER_SUBJECT, OpenStreams

log = structlog.get_logger("cutlog.web")

DRAIN_SECONDS: Final = 20.0
HEAD_BYTES: Final = 24 * 1024
"""Of a request's first line, and of each header: more than the gateway lets through (16 KiB and what Go allows)."""
HEADERS: Final = HEAD_BYTES // 4
"""As many as there can be in so many bytes."""
FAILURES: Final = Rate(per_second=1, burst=60)
"""Tokens and signatures that are not ours, of one address."""
LINGER_SECONDS: Final = 2.0
"""How long a refused body is still read, so that its sender gets to see the answer."""


class HttpSettings(Protocol):
    """What a server needs to know of a service's settings."""

    @property
    def listen(self) -> str: ...

    @property
    def public_url(self) -> str: ...


@dataclass(frozen=True)
class Server:
    """A running server. `url` is its base URL, `health` what `/readyz` answers."""

    url: str
    health: Health
    draining: asyncio.Event


@asynccontextmanager
async def serve_http(
    api: Api,
    settings: HttpSettings,
    gate: Gate,
    *,
    checks: Mapping[str, Check] | None = None,
    rate: Rate | None = None,
    rates: Callable[[str], Rate] | None = None,
    failures: Rate = FAILURES,
    drain_seconds: float = DRAIN_SECONDS,
    read_seconds: float = READ_SECONDS,
    streams_per_subject: Callable[[str], int] = lambda _: STREAMS_PER_SUBJECT,
) -> AsyncIterator[Server]:
    """Serves `api` on `settings.listen` (HOST:PORT, port 0: any), with /healthz, /readyz, /metrics and
    /internal/openapi.json.

    Leaving drains: no new connections, event streams end, running requests get `drain_seconds` to finish. A body that
    says nothing for `read_seconds` is given up. A subject of a tenant may have `streams_per_subject` event streams
    open, and makes requests at most at the rate that `rates` has for its tenant, or else at `rate`, like the public.
    `gate` says who a request is of. Raises OSError when the address is taken.
    """
    for name, check in (checks or {}).items():
        api.check(name, check)
    health = Health(api.name, api.checks, api.alarms)
    draining = asyncio.Event()
    app = application(api, gate, health, draining, rate or Rate(), rates, failures, read_seconds)
    app[COOKIE] = cookie_name(settings.public_url)
    streams = app[OPEN_STREAMS] = OpenStreams(streams_per_subject)
    gate.on_revoked(lambda: streams.end_revoked(gate.revocations))
    runner = ProblemRunner(
        app,
        access_log=None,
        shutdown_timeout=drain_seconds,
        auto_decompress=False,
        lingering_time=LINGER_SECONDS,
        max_line_size=HEAD_BYTES,
        max_field_size=HEAD_BYTES,
        max_headers=HEADERS,
    )
    await runner.setup()
    try:
        host, _, port = settings.listen.rpartition(":")
        await web.TCPSite(runner, host.strip("[]"), int(port), backlog=1024).start()
        bound_host, bound_port = runner.addresses[0][:2]
        shown = f"[{bound_host}]" if ":" in bound_host else bound_host
        server = Server(f"http://{shown}:{bound_port}", health, draining)
        log.info("server.started", service=api.name, url=server.url)
        yield server
    finally:
        draining.set()
        streams.drain()
        await runner.cleanup()
        log.info("server.drained", service=api.name)


def application(
    api: Api,
    gate: Gate,
    health: Health,
    draining: asyncio.Event,
    rate: Rate,
    rates: Callable[[str], Rate] | None,
    failures: Rate,
    read_seconds: float,
) -> web.Application:
    """The aiohttp application of an Api."""
    app = web.Application(middlewares=[observer(api)])
    app[HEALTH] = health
    app[READING] = read_seconds
    app.on_response_prepare.append(add_safe_headers)
    limiter, failed = RateLimiter(rate, budget="requestsPerSecond"), RateLimiter(failures, of="failed logins")
    methods: dict[str, list[str]] = {}
    for route in api.routes:
        dispatch = Dispatch(route, gate, api, limiter, failed, rates or (lambda _: rate)).__call__
        names = ["GET", "HEAD"] if route.method == "GET" and not route.events else [route.method]
        for name in names:
            app.router.add_route(name, route.template, dispatch, expect_handler=_later)
        methods.setdefault(route.template, []).extend(names)
    for template, names in methods.items():
        if "OPTIONS" not in names:
            app.router.add_route("OPTIONS", template, _options(names))

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        report = await health.report()
        status = 200 if report.ready and not draining.is_set() else 503
        return web.Response(status=status, body=report.encode(), content_type=JSON)

    async def metrics(_: web.Request) -> web.Response:
        for look in api.metrics.looks:
            await look()
        body = generate_latest(WithOldNames(api.metrics.registry))
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def openapi(_: web.Request) -> web.Response:
        return web.json_response(document(api))

    app.router.add_get("/healthz", alive)
    app.router.add_get("/readyz", ready)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/internal/openapi.json", openapi)
    return app


async def _later(_: web.Request) -> None:
    """`Expect: 100-continue` is answered when the token and the headers have been found good."""


def _options(names: list[str]) -> Any:
    allowed = ", ".join(sorted({*names, "OPTIONS"}))

    async def options(_: web.Request) -> web.Response:
        return web.Response(status=204, headers={"Allow": allowed})

    return options


class ProblemRunner(web.AppRunner):
    """Runs an application on connections that answer even unparsable requests with a problem document."""

    async def _make_server(self) -> web.Server:
        plain = await super()._make_server()
        return ProblemServer(plain.request_handler, request_factory=plain.request_factory, **self._kwargs)


class ProblemServer(web.Server):
    """Makes connections of that kind."""

    def __call__(self) -> web.RequestHandler:
        return ProblemConnection(self, loop=self._loop, **self._kwargs)


class ProblemConnection(web.RequestHandler):
    """One connection. `on_lost` is called when it is gone, whoever ended it."""

    on_lost: Callable[[], None] | None = None

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self.on_lost is not None:
            self.on_lost()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What aiohttp could not parse, or what broke outside of our own handling."""
        if status >= 500:
            log.error("http.connection_error", exc_info=exc)
        if request.writer.output_size > 0:
            raise ConnectionError("an answer was already under way")
        problem = of_status(status)
        response = web.Response(
            status=status, body=problem.encode(), headers={"Content-Type": CONTENT_TYPE, **SAFE_HEADERS}
        )
        response.force_close()
        return response
