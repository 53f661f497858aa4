"""Logging browsers in at an OpenID Connect issuer."""

from __future__ import annotations

from html import escape
from typing import Any, Final

import msgspec

from cutlog.auth.actor import CredentialForbidden, CredentialRefused, CredentialUnknown
from cutlog.auth.code_flow import STATE_SECONDS
from cutlog.auth.sessions import cookie, cookie_name, secure
from cutlog.contract.base import Strict
from cutlog.web import Api, Content, Reply, Request
from cutlog.web.auth import no_access, unauthorized
from cutlog.web.dispatch import address
from cutlog.web.problems import FORBIDDEN, NOT_FOUND, UNAUTHORIZED, unavailable
from services.ops.api.context import Ops
from services.ops.api.sessions import SITE, check_next

START: Final = f"{SITE}/oidc"
CALLBACK: Final = f"{START}/callback"
PAGE: Final = """<!doctype html><meta charset="utf-8"><title>Logged in</title>
<meta http-equiv="refresh" content="0;url={0}"><p>Logged in. <a href="{0}">Continue</a></p>
"""
"""A browser sends a strict cookie only where this site led it, which a redirect from the issuer does not."""


class Starting(Strict):
    """At which issuer to log in, where there are several, and where to go on."""

    issuer: str | None = None
    next: str = "/"


class Answer(msgspec.Struct, frozen=True):
    """What an issuer sends a browser back with. It may add what we do not know."""

    state: str = ""
    code: str | None = None
    iss: str | None = None
    error: str | None = None
    error_description: str | None = None


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""
    public = ops.links.public_url
    name = f"{cookie_name(public).removeprefix('__Host-')}_login"

    @api.get(
        START,
        role=None,
        query=Starting,
        returns={303: None},
        problems=(FORBIDDEN, NOT_FOUND),
        summary="Logs a browser in at an OpenID Connect issuer",
        tag="Access",
    )
    async def start(req: Request[None, Starting]) -> Reply:
        """Redirects to the issuer, which sends the browser back within ten minutes; then a session begins, and `next`,
        a path of this site, is opened."""
        check_next(req.query.next, "?next")
        if ops.code_flow is None:
            raise NOT_FOUND("No issuer is configured (CUTLOG_OIDC).")
        try:
            where, kept = await ops.code_flow.begin(req.query.issuer, req.query.next)
        except CredentialUnknown as unknown:
            raise unavailable(str(unknown)) from None
        except CredentialRefused as refused:
            raise no_access(str(refused)) from None
        attributes = f"Max-Age={STATE_SECONDS}; Path={START}; HttpOnly; SameSite=Lax{_secure(public)}"
        headers = {"Set-Cookie": f"{name}={kept}; {attributes}", "Cache-Control": "no-store"}
        return Reply.redirect(where, 303, headers)

    @api.get(
        CALLBACK,
        role=None,
        query=Answer,
        returns={200: Content("text/html")},
        problems=(UNAUTHORIZED, FORBIDDEN, NOT_FOUND),
        summary="Ends a login at an OpenID Connect issuer",
        tag="Access",
    )
    async def back(req: Request[None, Answer]) -> Reply:
        """To which the issuer sends the browser back."""
        if ops.code_flow is None:
            raise NOT_FOUND("No issuer is configured (CUTLOG_OIDC).")
        said: dict[str, Any] = msgspec.structs.asdict(req.query)
        try:
            actor, path = await ops.code_flow.end(req.http.cookies.get(name, ""), said)
        except CredentialUnknown as unknown:
            raise unavailable(str(unknown)) from None
        except CredentialForbidden as closed:
            raise no_access(str(closed)) from None
        except CredentialRefused as refused:
            raise unauthorized(str(refused)) from None
        begun = await ops.logins.begin(actor, address(req.http))
        headers = {"Set-Cookie": cookie(public, begun.secret), "Cache-Control": "no-store"}
        return Reply.raw(200, PAGE.format(escape(path)).encode(), "text/html; charset=utf-8", headers)


def _secure(public: str) -> str:
    return "; Secure" if secure(public) else ""
