"""Sessions of browsers over HTTP: the login link, and what a page asks of its own session."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, Final, Literal
from urllib.parse import quote

from cutlog.auth.audit import Entry
from cutlog.auth.rings import OPERATOR
from cutlog.auth.roles import Role
from cutlog.auth.sessions import cookie, cookie_name, csrf_of, no_cookie
from cutlog.contract.base import Strict, Wire
from cutlog.web import Api, ProblemError, Reply, Request
from cutlog.web.dispatch import address
from cutlog.web.problems import IDEMPOTENCY_KEY_USED, METHOD_NOT_ALLOWED, NOT_FOUND, invalid, not_found
from services.ops.api.context import Ops
from services.ops.api.once import once_only
from services.ops.api.problem_types import LOGIN_LINK_INVALID, SESSION_NEEDS_TOKEN

SITE: Final = "/api/session"
_NEXT: Final = re.compile(r"/(?![/\\])[!-\[\]-~]*")
"""A path of this site: with a second slash, or a backslash for one, it would name another host."""


class SessionShown(Wire):
    """A session. Send `csrf` as `X-CSRF-Token` with every request that is not a GET."""

    subject: str
    tenant: str
    role: Literal["viewer", "editor", "operator", "admin"]
    csrf: str
    expires_at: datetime


class Login(Strict):
    """What a login link holds: the code, and where to go on."""

    code: str = ""
    next: str = "/"


class NewCode(Strict):
    """Whom a login link is for."""

    subject: str
    tenant: str
    role: Literal["viewer", "editor", "operator", "admin"]
    next: str = "/"


class CodeMade(Wire):
    """A link that logs a browser in once, until it expires."""

    url: str
    expires_at: datetime


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""
    public = ops.links.public_url

    def session_of(req: Request[Any, Any]) -> str:
        """The secret in the cookie of the session that makes the request. Raises Problem 404."""
        secret = req.http.cookies.get(cookie_name(public))
        if req.actor.credential != "session" or secret is None:
            raise not_found("A session of this request")
        return secret

    @api.get(
        "/login",
        role=None,
        signed=True,
        query=Login,
        returns={303: None},
        problems=(LOGIN_LINK_INVALID,),
        summary="Logs a browser in",
        tag="Access",
    )
    async def login(req: Request[None, Login]) -> Reply:
        """The link that `cutlog up` and `cutlog login` print. It works once, within ten minutes: it begins a session
        and redirects to `next`, a path of this site."""
        if req.http.method == "HEAD":  # whoever looks at links before people follow them
            raise METHOD_NOT_ALLOWED("A login link takes GET.", headers={"Allow": "GET"})
        check_next(req.query.next, "?next")
        begun = await ops.logins.login(req.query.code, address(req.http))
        return Reply.redirect(req.query.next, 303, {"Set-Cookie": cookie(public, begun.secret)})

    @api.post(
        SITE,
        role=Role.viewer,
        returns={200: SessionShown},
        problems=(SESSION_NEEDS_TOKEN, IDEMPOTENCY_KEY_USED),
        summary="Begins a session",
        tag="Access",
    )
    async def begin(req: Request) -> Reply:
        """For a browser whose page was given a token: sets a cookie that its scripts cannot read, with the rights of
        the token. The session ends 12 hours after its last use, 7 days after login, or when the token is revoked."""
        if req.actor.credential not in ("token", "oidc"):
            raise SESSION_NEEDS_TOKEN(SESSION_NEEDS_TOKEN.example)

        async def begun() -> Reply:
            made = await ops.logins.begin(req.actor, address(req.http))
            shown = SessionShown(
                subject=made.subject, tenant=made.tenant, role=_shown(made.role), csrf=csrf_of(made.secret),
                expires_at=made.expires_at,
            )  # fmt: skip
            return Reply(200, shown, {"Set-Cookie": cookie(public, made.secret)})

        return await once_only(ops, req, begun)

    @api.get(
        SITE,
        role=Role.viewer,
        returns={200: SessionShown},
        problems=(NOT_FOUND,),
        summary="Shows the session",
        tag="Access",
    )
    async def show(req: Request) -> Reply:
        """What a page needs to know once it is loaded. 404 for a request without a session."""
        secret = session_of(req)
        assert req.actor.expires is not None
        return Reply(
            200,
            SessionShown(
                subject=req.actor.subject, tenant=req.actor.tenant, role=_shown(req.actor.role),
                csrf=csrf_of(secret),
                expires_at=datetime.fromtimestamp(req.actor.expires, UTC),
            ),
        )  # fmt: skip

    @api.delete(
        SITE, role=Role.viewer, returns={204: None}, problems=(NOT_FOUND,), summary="Ends the session", tag="Access"
    )
    async def end(req: Request) -> Reply:
        """Logs out: what the session opened ends within 10 seconds."""
        session_of(req)
        await ops.logins.end(req.actor, address(req.http))
        return Reply.empty(204, {"Set-Cookie": no_cookie(public)})

    @api.post(
        "/internal/login-codes",
        role=Role.service,
        callers=(OPERATOR,),
        body=NewCode,
        returns={201: CodeMade},
        summary="Makes a login link",
    )
    async def code(req: Request[NewCode]) -> Reply:
        asked = req.body
        check_next(asked.next, "/next")
        where, whose = address(req.http), asked.tenant
        by = Entry.of(req.actor, where, "login.offered", asked.subject, in_tenant=whose, role=asked.role)
        try:
            made, until = await ops.logins.new_code(by, asked.subject, Role(asked.role))
        except ValueError as error:
            raise invalid(ProblemError("/subject", str(error))) from None
        path = f"/login?code={made}" + (f"&next={quote(asked.next, safe='/')}" if asked.next != "/" else "")
        return Reply(201, CodeMade(url=ops.links.absolute(path), expires_at=until))


def check_next(path: str, pointer: str) -> None:
    """Raises Problem 422 for what does not lead to this site."""
    if not _NEXT.fullmatch(path):
        raise invalid(ProblemError(pointer, "This must be a path of this site, such as /api/docs."))


def _shown(role: Role) -> Any:
    return role.value
