"""What the store holds, as far as it can be read. What cannot be read ends the question; it is never passed over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from typing import Final

import structlog
from prometheus_client import Gauge

from cutlog.blobs import BlobHead, BlobStore
from cutlog.contract.keys import ObjectKey, UnknownKeyError, parse_key
from services.gc.errors import GcError

log = structlog.get_logger(__name__)

AT_ONCE: Final = 16
"""Objects that are looked up side by side."""


class ObjectUnreadableError(GcError):
    """An object can't be read, so it is unknown what is in use, and nothing is offered for deletion."""

    def __init__(self, key: str, why: str) -> None:
        super().__init__(key, why)
        self.key, self.why = key, why

    def __str__(self) -> str:
        return (
            f"{self.key} cannot be read: {self.why}. Until it can be, no plan is made of what it may refer to, and "
            "nothing of that kind is deleted. `cutlog fsck` names every such object; docs/GC.md says what to do."
        )


class Blocked:
    """Tenants for whom an unreadable object stops plans, as far as this process has noticed."""

    def __init__(self) -> None:
        help_ = "1 while an unreadable object blocks plans"
        self.gauge = Gauge("cutlog_gc_plans_blocked", help_, ["tenant"], registry=None)
        self._tenants: set[str] = set()

    def by(self, tenant: str, error: ObjectUnreadableError) -> None:
        """An object was met that cannot be read."""
        log.error("gc.plan_blocked", tenant=tenant, key=error.key, why=error.why)
        self._tenants.add(tenant)
        self.gauge.labels(tenant).set(1)

    def no_more(self, tenant: str) -> None:
        """Everything of the tenant could be read."""
        self._tenants.discard(tenant)
        self.gauge.labels(tenant).set(0)

    async def alarms(self) -> list[str]:
        """The names of what somebody should look into, for `/readyz` and `/api/health`."""
        return ["unreadable-object"] if self._tenants else []


def readable(text: str) -> ObjectKey:
    """The key that a text is. Raises ObjectUnreadableError."""
    try:
        return parse_key(text)
    except UnknownKeyError as error:
        raise ObjectUnreadableError(text, str(error)) from error


async def listed(blobs: BlobStore, prefix: str) -> AsyncIterator[tuple[ObjectKey, BlobHead]]:
    """All objects below a prefix. Raises ObjectUnreadableError for one whose key this build does not know."""
    async for head in blobs.list(prefix):
        yield readable(head.key), head


async def named(blobs: BlobStore, texts: Collection[str]) -> AsyncIterator[tuple[ObjectKey, BlobHead]]:
    """Those of some objects that are there. Raises ObjectUnreadableError."""
    keys = [readable(text) for text in texts]
    for start in range(0, len(keys), AT_ONCE):
        some = keys[start : start + AT_ONCE]
        heads = await asyncio.gather(*(blobs.head(str(key)) for key in some))
        for key, head in zip(some, heads, strict=True):
            if head is not None:
                yield key, head
