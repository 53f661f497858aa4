"""The credential of a request, and the answers to those who have none, or one that is not valid or not enough."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from cutlog.auth.actor import Actor
from cutlog.auth.roles import Role
from cutlog.auth.sessions import CSRF_HEADER, PREFIX, csrf_fits
from cutlog.web.problems import CSRF_TOKEN_INVALID, FORBIDDEN, UNAUTHORIZED, Problem

COOKIE: Final = web.AppKey("cookie", str)
"""Name of the cookie that holds a session."""
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
TICKET: Final = "ticket"
"""The parameter of a query that a ticket comes in, the last one."""


def presented(http: web.Request, *, in_query: bool) -> str:
    """The credential of a request: of its header, or else the session of its cookie. EventSource can't set headers, so
    one may also come `in_query` as `access_token`. Raises Problem 401, and 403 where a session does not prove that one
    of its own pages asks."""
    header = http.headers.get("Authorization")
    if header is None and (session := http.cookies.get(http.app[COOKIE], "")).startswith(PREFIX):
        if http.method not in _SAFE and not csrf_fits(session, http.headers.get(CSRF_HEADER, "")):
            raise CSRF_TOKEN_INVALID(CSRF_TOKEN_INVALID.example)
        return session
    if header is None:
        token = http.query.get("access_token", "") if in_query else ""
        if token and not token.startswith(PREFIX):
            return token
        raise unauthorized("Send `Authorization: Bearer TOKEN`, or log in.")
    scheme, _, token = header.partition(" ")
    if token.strip().startswith(PREFIX):
        raise unauthorized("A session is sent as its cookie.", "invalid_request")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized("The Authorization header must be `Bearer TOKEN`.", "invalid_request")
    return token.strip()


def ticket_of(http: web.Request) -> tuple[str, str] | None:
    """The ticket at the end of a GET's query, and the path and query before it; None without one."""
    before, found, ticket = http.raw_path.rpartition(f"{TICKET}=")
    if (
        not found
        or not before.endswith(("?", "&"))
        or http.method not in ("GET", "HEAD")
        or "Authorization" in http.headers
    ):
        return None
    return ticket, before[:-1]


def unauthorized(detail: str, error: str | None = None) -> Problem:
    """401 with the challenge of RFC 6750."""
    challenge = 'Bearer realm="cutlog"' + (f', error="{error}"' if error else "")
    return UNAUTHORIZED(detail, headers={"WWW-Authenticate": challenge})


def forbidden(actor: Actor, needed: Role) -> Problem:
    """403: the token is good, its role is not enough."""
    detail = f"This needs the role {needed.value}; the token has {actor.role.value}."
    challenge = 'Bearer realm="cutlog", error="insufficient_scope"'
    return FORBIDDEN(detail, headers={"WWW-Authenticate": challenge})


def no_access(detail: str) -> Problem:
    """403: the credential is genuine, and says of nobody who has access here."""
    return FORBIDDEN(detail)
