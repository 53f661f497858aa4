"""Around every request: an id, a trace, a log line, metrics, safe headers, and every error as a problem document."""

from __future__ import annotations

import re
from functools import cache
from time import perf_counter
from typing import Final

import structlog
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from structlog.contextvars import bind_contextvars, reset_contextvars

from cutlog.process.tracing import span
from cutlog.web.api import Api
from cutlog.web.dispatch import ACTOR, REQUEST_ID, TRACE
from cutlog.web.envelope import enveloped, failure
from cutlog.web.problems import (
    CONTENT_TYPE,
    INTERNAL_ERROR,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    TOO_LARGE,
    Problem,
    of_status,
)
from cutlog.web.trace import child_of, request_id, trace_id

log = structlog.get_logger("cutlog.web")

SAFE_HEADERS: Final = {
    "Server": "cutlog",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-store",
}
QUIET: Final = frozenset({"/healthz", "/readyz", "/metrics"})


async def add_safe_headers(http: web.Request, response: web.StreamResponse) -> None:
    """Headers of every answer, where the handler did not set them itself."""
    for name, value in SAFE_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = SAFE_HEADERS["Server"]
    if REQUEST_ID in http:
        response.headers["X-Request-Id"] = http[REQUEST_ID]


def observer(api: Api) -> Middleware:
    """The one middleware of a server."""

    @web.middleware
    async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
        http = request  # the name that `Request` leaves for it everywhere else
        http[REQUEST_ID] = asked = request_id(http.headers.get("X-Request-Id"))
        http[TRACE] = child_of(http.headers.get("traceparent"))
        route, started = route_of(http), perf_counter()
        status = 499  # the client left before there was an answer
        before = bind_contextvars(trace=trace_id(http[TRACE]), request=asked)
        api.metrics.in_flight.inc()
        try:
            with span(f"{http.method} {route}", http[TRACE], "server", request=asked):
                response = await answered(api, http, handler)
            status = response.status
            return response
        finally:
            api.metrics.in_flight.dec()
            seconds = perf_counter() - started
            api.metrics.answered(route, http.method, status, seconds)
            actor, path = http.get(ACTOR), http.path
            (log.debug if path in QUIET else log.info)(
                "http.request",
                service=api.name,
                method=http.method,
                route=route,
                path=path,
                status=status,
                ms=round(seconds * 1000, 1),
                subject=actor.subject if actor else None,
                tenant=actor.tenant if actor else None,
            )
            reset_contextvars(**before)

    return observe


async def answered(api: Api, http: web.Request, handler: Handler) -> web.StreamResponse:
    """The answer of `handler`, or the problem that it raised."""
    try:
        return await handler(http)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        problem = of_aiohttp(http, error)
    except Exception as error:
        if http.writer.output_size > 0 or http.transport is None or http.transport.is_closing():
            if not isinstance(error, ConnectionError):
                log.exception("http.response_aborted", service=api.name, path=http.path)
            raise  # too late for another answer: aiohttp closes the connection
        mapped = api.problem_of(error)
        if mapped is None:
            log.exception("http.unexpected_error", service=api.name, method=http.method, path=http.path)
            mapped = INTERNAL_ERROR(INTERNAL_ERROR.example)
        elif mapped.status >= 500:
            log.warning("http.dependency_unavailable", service=api.name, path=http.path, error=repr(error))
        problem = mapped
    return failure(problem) if enveloped(http.path) else problem_response(problem, http[REQUEST_ID])


def problem_response(problem: Problem, request: str | None = None) -> web.Response:
    """A problem on the wire."""
    body = problem.encode(request if problem.status >= 500 else None)
    headers = {"Content-Type": CONTENT_TYPE, **problem.headers}
    return web.Response(status=problem.status, body=body, headers=headers)


def of_aiohttp(http: web.Request, error: web.HTTPException) -> Problem:
    """aiohttp's own errors in our words."""
    match error:
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted({*error.allowed_methods, "OPTIONS"}))
            return METHOD_NOT_ALLOWED(f"{http.path} accepts {allowed}.", headers={"Allow": allowed})
        case web.HTTPNotFound():
            return NOT_FOUND(f"Nothing is served at {http.path}.")
        case web.HTTPRequestEntityTooLarge():
            return TOO_LARGE()
        case _:
            return of_status(error.status)


def route_of(http: web.Request) -> str:
    """The template of the route that matched, `unmatched` when none did."""
    resource = http.match_info.route.resource
    return _plain(resource.canonical) if resource is not None else "unmatched"


@cache
def _plain(template: str) -> str:
    return re.sub(r"\{(\w+):[^{}]*\}", r"{\1}", template)
