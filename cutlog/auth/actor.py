"""Who asks, and by which credential."""

from __future__ import annotations

from typing import Literal

import msgspec

from cutlog.auth.roles import Role
from cutlog.contract.ids import is_id

DEFAULT_TENANT = "default"
MAX_SUBJECT = 255

CredentialKind = Literal["token", "service", "key", "session", "oidc", "ticket"]


class Actor(msgspec.Struct, frozen=True):
    """Who asks: `subject` as the credential names it, the tenant whose things they see, and their role.

    With `projects`, only these, the videos they use and the actor's own uploads are visible. `credential` is the kind
    of what was presented, `id` what it is revoked by. It was `issued` and `expires` at these times, in seconds since
    the epoch; None: it does not expire.
    """

    subject: str
    tenant: str
    role: Role
    projects: tuple[str, ...] | None = None
    credential: CredentialKind = "token"
    id: str = ""
    issued: float = 0.0
    expires: float | None = None


class CredentialRefused(Exception):
    """The credential is not valid."""


class CredentialExpired(CredentialRefused):
    """The credential was valid, and has expired."""


class CredentialForbidden(Exception):
    """The credential is valid, but gives no access here."""


class CredentialUnknown(Exception):
    """Whether the credential is valid can't be said now."""


def check_names(subject: object, tenant: object) -> None:
    """Raises ValueError unless these can be the names of an actor."""
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not subject.isprintable():
        raise ValueError(f"subject must be 1 to {MAX_SUBJECT} printable characters")
    if not isinstance(tenant, str) or not is_id(tenant):
        raise ValueError("tenant must be an id")
