"""Tickets: a link that opens one path once it is asked for in time, for whoever cannot send a header."""

from __future__ import annotations

import time
from typing import Any, Final

from cutlog.auth.actor import Actor, CredentialExpired, CredentialRefused
from cutlog.auth.rings import KeyRing, PublicKeys
from cutlog.auth.roles import Role
from cutlog.auth.tokens import LEEWAY_SECONDS, opened, sign

AUDIENCE: Final = "cutlog:ticket"
"""So that a ticket is no token, and a token no ticket."""
LONGEST: Final = 600
"""Seconds within which a ticket can be used, at most."""
_REQUIRED: Final = ("aud", "exp", "path", "sub", "tenant", "role", "jti", "iat")


class TicketRefused(CredentialRefused):
    """The ticket is not valid."""


class TicketExpired(TicketRefused, CredentialExpired):
    """The ticket was ours, and has expired."""


def issue(ring: KeyRing, actor: Actor, path: str, until: float) -> str:
    """A ticket with which the actor's credential opens `path`, a path with its query, until a time in seconds since the
    epoch. It carries what the credential is revoked by, and when that expires."""
    claims: dict[str, Any] = {
        "aud": AUDIENCE, "exp": until, "path": path, "sub": actor.subject, "tenant": actor.tenant,
        "role": actor.role.value, "jti": actor.id, "iat": actor.issued, "ends": actor.expires,
        "projects": actor.projects,
    }  # fmt: skip
    return sign(ring, {name: value for name, value in claims.items() if value is not None})


def redeem(keys: PublicKeys, ticket: str, path: str) -> Actor:
    """Whose ticket it is: the actor of the credential with which it was made. Raises TicketRefused, TicketExpired, and
    of tokens TokenRefused, KeyUnknown."""
    key, claims = opened(keys, ticket, AUDIENCE, _REQUIRED)
    if key.service:
        raise TicketRefused("The ticket was not made by the service that makes tickets.")
    if claims["path"] != path:
        raise TicketRefused("The ticket is for another path or query.")
    if claims["exp"] <= time.time() - LEEWAY_SECONDS:
        raise TicketExpired("The ticket has expired.")
    projects = claims.get("projects")
    return Actor(
        subject=claims["sub"],
        tenant=claims["tenant"],
        role=Role(claims["role"]),
        projects=None if projects is None else tuple(projects),
        credential="ticket",
        id=claims["jti"],
        issued=claims["iat"],
        expires=claims.get("ends"),
    )
