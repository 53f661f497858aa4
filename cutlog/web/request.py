"""What a handler is given: everything already authenticated, limited, decoded and validated."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Generic

import msgspec
from aiohttp import web
from typing_extensions import TypeVar

from cutlog.auth.actor import Actor
from cutlog.contract.behalf import Behalf
from cutlog.db.idempotency import Keyed

B = TypeVar("B", default=None)
Q = TypeVar("Q", default=None)


class Request(msgspec.Struct, Generic[B, Q], frozen=True):
    """One request. `Request[NewProject]` has a body of that type, `Request[None, ListQuery]` such a query."""

    http: web.Request
    """aiohttp's own, for streams."""
    path: Mapping[str, Any]
    """Values of the route's `{names}`: ids as str, or what the route's `path=` says."""
    query: Q
    body: B
    raw: bytes
    """The body as it came; empty for routes that stream it."""
    trace: str
    """W3C traceparent for everything done on behalf of this request."""
    request_id: str
    who: Actor | None = None
    """The actor, or None on a public route."""
    idempotency_key: str | None = None

    @property
    def actor(self) -> Actor:
        """Who asks. A public route has no actor: raises LookupError."""
        if self.who is None:
            raise LookupError("a public route has no actor")
        return self.who

    @property
    def behalf(self) -> Behalf:
        """On whose behalf are the commands that it leads to."""
        return Behalf(self.actor.tenant, self.actor.subject, self.trace)

    @property
    def accept(self) -> str:
        """The Accept header, `*/*` when absent."""
        return self.http.headers.get("Accept", "*/*")

    @property
    def last_event_id(self) -> str | None:
        """Where an EventSource that reconnects wants to go on."""
        return self.http.headers.get("Last-Event-ID")

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hex of method, path with query, tenant and body: the same request has the same one."""
        digest = hashlib.sha256()
        tenant = self.who.tenant if self.who else ""
        for part in (self.http.method, self.http.raw_path, tenant):
            digest.update(part.encode() + b"\0")
        digest.update(self.raw)
        return digest.hexdigest()

    @property
    def keyed(self) -> Keyed | None:
        """The request by its Idempotency-Key, if it has one."""
        if self.idempotency_key is None:
            return None
        return Keyed(self.actor.tenant, self.idempotency_key, self.fingerprint)
