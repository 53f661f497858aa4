"""One request through one route: token, rate, path, query, body, handler, answer. Whatever is wrong raises Problem."""

from __future__ import annotations

import asyncio
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from aiohttp import web

from cutlog.auth.actor import Actor, CredentialExpired, CredentialForbidden, CredentialRefused, CredentialUnknown
from cutlog.auth.audit import Entry
from cutlog.auth.gate import Gate
from cutlog.auth.revocations import CredentialRevoked
from cutlog.auth.rings import OPERATOR
from cutlog.auth.roles import Role
from cutlog.contract.base import Strict
from cutlog.contract.ids import is_id
from cutlog.web.api import Api, Route
from cutlog.web.auth import TICKET, forbidden, no_access, presented, ticket_of, unauthorized
from cutlog.web.body import check_type, check_typed, read_body, say_continue
from cutlog.web.decode import bad_text, decode_json, decode_query
from cutlog.web.envelope import enveloped
from cutlog.web.problems import INVALID_HEADER, NOT_FOUND, Problem, not_found, unavailable
from cutlog.web.ratelimit import Rate, RateLimiter
from cutlog.web.request import Request
from cutlog.web.respond import THREAD_FROM, respond
from cutlog.web.sse import OPEN_STREAMS

MAX_INT: Final = 2**31 - 1
MAX_IDEMPOTENCY_KEY: Final = 255
MAX_AUDITED: Final = 16 * 1024

TRACE: Final = web.RequestKey("trace", str)
REQUEST_ID: Final = web.RequestKey("request_id", str)
ACTOR: Final = web.RequestKey("actor", Actor)


_NO_KEYS: Final = re.compile(rb"[ \t\r\n]*\{[ \t\r\n]*\}[ \t\r\n]*")
"""What clients send that always send JSON, where a body may be left out."""


class Nothing(Strict):
    """The body of a route that takes none: absent, or an object without keys."""


@dataclass(frozen=True)
class Dispatch:
    """A route as aiohttp calls it."""

    route: Route
    gate: Gate
    api: Api
    limiter: RateLimiter
    failures: RateLimiter
    """Of credentials that are not ours, by address. Only these are counted: whoever floods from an address keeps nobody
    out who has a valid one."""
    rates: Callable[[str], Rate]
    """Of a tenant's subjects, each for itself."""

    async def __call__(self, http: web.Request) -> web.StreamResponse:
        route = self.route
        actor = await self.authenticate(http)
        path = self.path(http)
        if actor is not None and actor.projects is not None:
            await self.within(actor, actor.projects, path)
        query = self.query(http)
        key = idempotency_key(http)
        raw, body = await self.body(http)
        request: Request[Any, Any] = Request(
            http=http,
            path=path,
            query=query,
            body=body,
            raw=raw,
            trace=http[TRACE],
            request_id=http[REQUEST_ID],
            who=actor,
            idempotency_key=key,
        )
        try:
            if route.stream and actor is not None:
                with http.app[OPEN_STREAMS].holding(actor):
                    return await respond(http, await route.handler(request))
            reply = await route.handler(request)
            if route.audit and self.api.audit is not None and actor is not None and reply.status < 400:
                target = http.path.removeprefix("/api/")
                await self.api.audit(Entry.of(actor, address(http), route.audit, target, **audited(body)))
            return await respond(http, reply)
        except CredentialRevoked as revoked:
            raise unauthorized(str(revoked), "invalid_token") from None
        except Problem as problem:
            if route.signed and problem.status == 403:
                self.failures.take(origin(http))
            raise

    async def authenticate(self, http: web.Request) -> Actor | None:
        """The actor of the credential, None on a public route that gets none or looks at none."""
        needed = self.route.role
        if needed is None:
            if not self.route.template.startswith("/internal/"):
                link = http.query.get("signature", "")[:64] if self.route.signed else ""
                self.limiter.take(f"address {origin(http)} {link}")
            if not (self.route.token_optional and "Authorization" in http.headers):
                return None
        try:
            ticket = None if needed is Role.service else ticket_of(http)
            if ticket is not None:
                actor = await self.gate.admitted(*ticket)
            else:
                actor = await self.gate.actor(presented(http, in_query=self.route.events))
        except CredentialExpired as expired:  # nobody guessed it
            raise unauthorized(str(expired), "invalid_token") from None
        except CredentialRefused as refused:
            self.failures.take(origin(http))
            raise unauthorized(str(refused), "invalid_token") from None
        except CredentialForbidden as closed:
            raise no_access(str(closed)) from None
        except CredentialUnknown as unknown:
            raise unavailable(str(unknown)) from None
        http[ACTOR] = actor
        if needed is not None and not actor.role.covers(needed):
            raise forbidden(actor, needed)
        if self.route.callers and actor.subject not in (*self.route.callers, OPERATOR):
            raise no_access(f"This is for {' and '.join(self.route.callers)}.")
        if needed is not Role.service:
            rate = self.rates(actor.tenant)
            self.limiter.take(f"subject {actor.tenant} {actor.subject}", self.route.cost, rate)
        return actor

    async def within(self, actor: Actor, projects: tuple[str, ...], path: dict[str, Any]) -> None:
        """Raises Problem 403 where a key for these projects gives no access, 404 for another project."""
        match self.route.scoped:
            case "none":
                raise no_access("This API key is for some projects only.")
            case "project" if path["project"] not in projects:
                raise not_found(f"Project {path['project']}")
            case "own" if self.api.sees is not None:
                await self.api.sees(actor, self.route.method, path)
            case _:
                pass

    def path(self, http: web.Request) -> dict[str, Any]:
        """The values of the path. One that no thing can have is answered like a thing that does not exist."""
        values: dict[str, Any] = {}
        for name, text in http.match_info.items():
            kind = self.route.path.get(name)
            if kind is int:
                fits = text.isascii() and text.isdigit() and len(text) <= 10 and int(text) <= MAX_INT
                wanted, values[name] = f"an integer from 0 to {MAX_INT}", int(text) if fits else 0
            elif kind is str:
                fits, wanted, values[name] = not bad_text(text), "text", text
            else:
                fits, wanted, values[name] = is_id(text), "an id such as p_06d8", text
            if not fits:
                raise NOT_FOUND(f"In the path, {name} is not {wanted}.")
        return values

    def query(self, http: web.Request) -> Any:
        """The query as the route's struct, None where it takes none."""
        pairs: dict[str, list[str]] = {}
        if self.route.query is None and (not http.query_string or enveloped(self.route.template)):
            return None  # old frontends add what nobody knows, such as a time against caches
        for name, text in http.query.items():
            pairs.setdefault(name, []).append(text)
        if self.route.events:
            pairs.pop("access_token", None)
        if self.route.role is not None:
            pairs.pop(TICKET, None)
        if self.route.query is None:
            decode_query(pairs, Nothing)
            return None
        return decode_query(pairs, self.route.query)

    async def body(self, http: web.Request) -> tuple[bytes, Any]:
        """The body as bytes and as the route's type."""
        route = self.route
        if route.method == "GET":
            return b"", None
        check_type(http, route.consumes)
        if route.stream:
            check_typed(http, route.consumes)
            await say_continue(http)
            return b"", None
        raw = await read_body(http, route.max_body)
        if not raw and (route.body is None or route.body_optional):
            return raw, None
        check_typed(http, route.consumes)
        if route.body is bytes:
            return raw, raw
        if route.body_optional and _NO_KEYS.fullmatch(raw):
            return raw, None
        expected = Nothing if route.body is None else route.body
        if len(raw) >= THREAD_FROM:
            body = await asyncio.to_thread(decode_json, raw, expected)
        else:
            body = decode_json(raw, expected)
        return raw, None if route.body is None else body


def audited(body: Any) -> dict[str, Any]:
    """What the audit log keeps of a body: nothing of one that is large."""
    found = msgspec.to_builtins(body)
    return found if isinstance(found, dict) and len(msgspec.json.encode(found)) <= MAX_AUDITED else {}


def address(http: web.Request) -> str:
    """Where a request comes from. The gateway, which is always nearer than the client, tells in X-Forwarded-For."""
    remote = http.remote or ""
    forwarded = http.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return forwarded[:64] if forwarded and _is_near(remote) else remote


def origin(http: web.Request) -> str:
    """Whom a request is counted for: its address, of IPv6 the network of 64 bits that one customer has."""
    text = address(http)
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return text
    match found:
        case ipaddress.IPv6Address(ipv4_mapped=None):
            return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
        case ipaddress.IPv6Address(ipv4_mapped=plain):
            return str(plain)
        case _:
            return text


def _is_near(remote: str) -> bool:
    try:
        return ipaddress.ip_address(remote).is_private
    except ValueError:
        return False


def idempotency_key(http: web.Request) -> str | None:
    """The Idempotency-Key header. Raises Problem 400 unless it is 1 to 255 printable ASCII characters."""
    key = http.headers.get("Idempotency-Key")
    if key is not None and not (0 < len(key) <= MAX_IDEMPOTENCY_KEY and key.isascii() and key.isprintable()):
        detail = f"Idempotency-Key must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters."
        raise INVALID_HEADER(detail)
    return key
