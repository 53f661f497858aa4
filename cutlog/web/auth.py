"""Answers to those whose token is missing, not valid, or not enough."""

from __future__ import annotations

from cutlog.auth.roles import Role
from cutlog.auth.tokens import Actor
from cutlog.web.problems import Problem


def unauthorized(detail: str, error: str | None = None) -> Problem:
    """401 with the challenge of RFC 6750."""
    challenge = 'Bearer realm="cutlog"' + (f', error="{error}"' if error else "")
    return Problem(401, "unauthorized", "A valid token is required", detail, headers={"WWW-Authenticate": challenge})


def forbidden(actor: Actor, needed: Role) -> Problem:
    """403: the token is good, its role is not enough."""
    detail = f"This needs the role {needed.value}; the token has {actor.role.value}."
    challenge = 'Bearer realm="cutlog", error="insufficient_scope"'
    return Problem(403, "forbidden", "The role is insufficient", detail, headers={"WWW-Authenticate": challenge})
