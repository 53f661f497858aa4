"""What a tenant may hold and have processed: distinct files and their bytes, what resumable uploads have reserved, all
that was derived, and seconds of ingest per hour."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.usage import BudgetUse
from cutlog.db import usage
from services.media.errors import MediaError
from services.media.sql import statement

_LOCK: Final = statement("quota_lock")
_HELD: Final = statement("quota_held")
_RESERVED: Final = statement("quota_reserved")
_WAITING: Final = statement("quota_waiting")


class Limits(Protocol):
    """What a tenant may use."""

    @property
    def original_bytes(self) -> int: ...
    @property
    def files(self) -> int: ...
    @property
    def derived_bytes(self) -> int: ...
    @property
    def ingest_seconds_per_hour(self) -> int: ...


class _Unlimited:
    """No limit."""

    original_bytes = files = derived_bytes = ingest_seconds_per_hour = 2**63 - 1


UNLIMITED: Final[Limits] = _Unlimited()

Held = Callable[[str], Awaitable[list[BudgetUse] | None]]
"""What the collector says that a tenant holds; None when it does not answer."""


async def unknown(_: str) -> None:
    """Nobody knows."""


class QuotaError(MediaError):
    """The tenant's budget is used up. `reset`: until then; None: waiting does not help."""

    def __init__(self, budget: str, limit: int, used: int, detail: str, reset: datetime | None = None) -> None:
        super().__init__(detail)
        self.budget, self.limit, self.used, self.reset = budget, limit, used, reset


class Quotas:
    """`limits` are by tenant. `held` is asked for what was derived, which several services make."""

    def __init__(self, limits: Callable[[str], Limits], held: Held = unknown) -> None:
        self._limits, self._held = limits, held

    async def begin(self, connection: AsyncConnection, tenant: str) -> None:
        """Before bytes of an upload are taken in. Raises QuotaError when nothing is left of what it will need."""
        await self._ingest(connection, tenant, 1)
        limit = self._limits(tenant).derived_bytes
        for use in await self._held(tenant) or []:
            if use.budget == "derivedBytes" and use.now >= limit:
                detail = (
                    f"Renditions, proxies, exports and segments of the tenant have {use.now} bytes; they may have "
                    f"{limit}. Delete exports and videos that are not needed, or have the garbage collected."
                )
                raise QuotaError("derivedBytes", limit, use.now, detail)

    async def admit(
        self, connection: AsyncConnection, tenant: str, size: int, *, seconds: int = 0, under_way: bool = False
    ) -> None:
        """Before a file of that size is added: raises QuotaError when it is too much. Until the transaction ends no
        other file of the tenant is added. With `under_way`, uploads that are going on count as well."""
        limits = self._limits(tenant)
        await connection.execute(_LOCK, {"tenant": tenant})
        files, used = (await connection.execute(_HELD, {"tenant": tenant})).one()
        if under_way:
            more, reserved = (await connection.execute(_RESERVED, {"tenant": tenant})).one()
            files, used = files + more, used + reserved
        for budget, what, limit, now, then in (
            ("files", "files", limits.files, files, files + 1),
            ("originalBytes", "bytes of originals", limits.original_bytes, used, used + size),
        ):
            if then > limit:
                detail = (
                    f"The tenant holds {now} {what} and would hold {then}; it may hold {limit}. Delete videos that are "
                    "not needed."
                )
                raise QuotaError(budget, limit, now, detail)
        if seconds:
            await self._ingest(connection, tenant, seconds)

    async def _ingest(self, connection: AsyncConnection, tenant: str, seconds: int) -> None:
        """Raises QuotaError when so many seconds more are too many for this hour, in which those that wait count."""
        limit = self._limits(tenant).ingest_seconds_per_hour
        done = (await usage.this_hour(connection, tenant)).get("ingestSecondsPerHour", 0)
        used = done + int((await connection.execute(_WAITING, {"tenant": tenant})).scalar_one())
        if used + seconds > limit:
            reset = usage.next_hour(await usage.clock(connection))
            detail = (
                f"{used} seconds of video and audio were processed this hour or wait; {limit} may be "
                f"(ingestSecondsPerHour), and this needs {seconds} more. Try again at {reset:%Y-%m-%d %H:%M} UTC."
            )
            raise QuotaError("ingestSecondsPerHour", limit, used, detail, reset)
