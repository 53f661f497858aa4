"""Many services as one: the health of all, one OpenAPI document, and the page that shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from importlib import resources
from typing import Any, Final, Literal

import aiohttp
import msgspec
import structlog

from cutlog.auth.roles import Role
from cutlog.web.api import Api, Content
from cutlog.web.health import HEALTH, HealthReport
from cutlog.web.openapi import document, merge
from cutlog.web.reply import Reply
from cutlog.web.request import Request

log = structlog.get_logger("cutlog.web")

PEER_SECONDS: Final = 2.0
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE: Final = {
    "": ("index.html", "text/html; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
}


class HealthOfAll(msgspec.Struct, frozen=True):
    """The health of each service and of all together."""

    status: Literal["ok", "degraded"]
    services: dict[str, HealthReport]


def federate(api: Api, peers: Mapping[str, str], seconds: float = PEER_SECONDS) -> None:
    """Adds /api/health, /api/openapi.json and /api/docs to `api`, for itself and for its peers (name → base URL).

    A peer that does not answer within so many `seconds` is down.
    """
    others = {name: url.rstrip("/") for name, url in peers.items() if name != api.name}
    known: dict[str, dict[str, Any]] = {}

    @api.get(
        "/api/health",
        role=None,
        token_optional=True,
        returns={200: HealthOfAll, 503: HealthOfAll},
        summary="Health of each service and of all",
        tag="System",
    )
    async def health(req: Request) -> Reply:
        """Names skipped rows to admins (`skipped:gc.schedule:acme`), and shows all others their number
        (`skipped:gc.schedule:+1`)."""
        own, *theirs = await asyncio.gather(
            req.http.app[HEALTH].report(), *(_health(name, url, seconds) for name, url in others.items())
        )
        named = req.who is not None and req.who.role.covers(Role.admin)
        services = {each.service: each if named else each.without_names() for each in (own, *theirs)}
        ready = all(report.ready for report in services.values())
        return Reply(200 if ready else 503, HealthOfAll("ok" if ready else "degraded", services))

    @api.get("/api/openapi.json", role=None, returns={200: dict[str, Any]}, summary="This document", tag="System")
    async def openapi(req: Request) -> Reply:
        """OpenAPI 3.1. A service that does not answer is shown as it was when it last did."""
        answers = await asyncio.gather(*(_openapi(name, url, seconds) for name, url in others.items()))
        known.update({name: found for name, found in zip(others, answers, strict=True) if found})
        return Reply(200, merge([document(api), *(known[name] for name in others if name in known)]))

    for suffix, (name, kind) in _PAGE.items():
        _page(api, suffix, name, kind)


def _page(api: Api, suffix: str, name: str, kind: str) -> None:
    content = resources.files("cutlog.web.docs").joinpath(name).read_bytes()
    headers = {"Content-Security-Policy": PAGE_POLICY, "Cache-Control": "no-cache"}

    @api.get(f"/api/docs{suffix}", role=None, returns={200: Content(kind)}, summary="This API as a page", hidden=True)
    async def docs(_: Request) -> Reply:
        return Reply.raw(200, content, kind, headers)


async def _health(name: str, url: str, seconds: float) -> HealthReport:
    body = await _fetch(f"{url}/readyz", seconds)
    try:
        report = msgspec.json.decode(body or b"", type=HealthReport)
    except msgspec.MsgspecError:
        return HealthReport(name, "down", {"reachable": "down"})
    return msgspec.structs.replace(report, service=name)


async def _openapi(name: str, url: str, seconds: float) -> dict[str, Any] | None:
    body = await _fetch(f"{url}/internal/openapi.json", seconds)
    try:
        return msgspec.json.decode(body or b"", type=dict[str, Any])
    except msgspec.MsgspecError:
        return None


async def _fetch(url: str, seconds: float) -> bytes | None:
    """The body at `url`, of any status, or None when nobody answers in time."""
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=seconds)) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            return await response.read() if response.status in (200, 503) else None
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        log.warning("peer.unavailable", url=url, error=repr(error))
        return None
