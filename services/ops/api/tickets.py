"""Tickets: links with which a browser opens a path of the API without sending a header."""

from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

from cutlog.auth.tickets import LONGEST, issue
from cutlog.contract.base import Strict, Wire
from cutlog.web import Api, Reply, Request, Role
from cutlog.web.auth import TICKET
from cutlog.web.problems import IDEMPOTENCY_KEY_USED
from services.ops.api.context import Ops
from services.ops.api.once import once_only

USUAL: Final = 60
"""Seconds within which a ticket can be used, unless the request says otherwise."""
PATH: Final = r"^/api/[!-\"$-~]*$(?!\n)"


class NewTicket(Strict):
    """The path to open, with its query. `ttl`: seconds within which it can be opened."""

    path: Annotated[str, msgspec.Meta(pattern=PATH, max_length=1024, examples=["/api/projects/p_1/events"])]
    ttl: Annotated[int, msgspec.Meta(ge=1, le=LONGEST)] = USUAL


class Ticket(Wire):
    """A URL that needs no token until it expires."""

    url: str
    expires_at: datetime


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.post(
        "/api/tickets",
        role=Role.viewer,
        scope="own",
        body=NewTicket,
        returns={201: Ticket},
        problems=(IDEMPOTENCY_KEY_USED,),
        summary="Makes a link that opens one path without a token",
        tag="Access",
    )
    async def ticket(req: Request[NewTicket]) -> Reply:
        """For `EventSource`, `<img>` and `<video>` on pages that have no session. The link is good for GET of exactly
        this path and query, with the rights of the credential that made it. It can be opened until it expires; an event
        stream that it opened lives as long as that credential."""

        async def made() -> Reply:
            path, until = req.body.path, int(min(time.time() + req.body.ttl, req.actor.expires or math.inf))
            with_ticket = f"{path}{'&' if '?' in path else '?'}{TICKET}={issue(ops.signing(), req.actor, path, until)}"
            return Reply(
                201, Ticket(url=ops.links.absolute(with_ticket), expires_at=datetime.fromtimestamp(until, UTC))
            )

        return await once_only(ops, req, made)
