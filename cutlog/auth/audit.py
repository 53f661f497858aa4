"""What the audit log keeps: other services send it to ops through their outboxes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import field

from cutlog.auth.actor import Actor
from cutlog.contract.base import Wire


class Entry(Wire):
    """Who did what to what, from where, by which credential. Without `at`, it is done now."""

    tenant: str
    subject: str
    credential: str
    address: str
    action: str
    """`THING.DONE`, such as `key.created`."""
    target: str
    detail: dict[str, Any] = field(default_factory=dict)
    at: datetime | None = None

    @classmethod
    def of(
        cls, actor: Actor, address: str, action: str, target: str, *, in_tenant: str | None = None, **detail: Any
    ) -> Entry:
        """Of a request. What an operator does is noted in the tenant that it is about."""
        return cls(
            tenant=in_tenant or actor.tenant, subject=actor.subject, credential=f"{actor.credential} {actor.id}",
            address=address, action=action, target=target, detail=detail,
        )  # fmt: skip
