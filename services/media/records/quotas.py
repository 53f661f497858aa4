"""What a tenant may hold: distinct files and their bytes, and what resumable uploads have reserved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.media.errors import MediaError
from services.media.tables import resumable, video


class Quota(Protocol):
    """At most so many bytes and files; None: no limit."""

    @property
    def bytes(self) -> int | None: ...
    @property
    def files(self) -> int | None: ...


class QuotaError(MediaError):
    """The tenant's quota is exhausted."""

    def __init__(self, what: str, limit: int, used: int) -> None:
        super().__init__(f"The tenant may hold {limit} {what} and holds {used}; delete videos that are not needed.")
        self.limit, self.used = limit, used


class Quotas:
    """The quotas by tenant; `*` is for those that are not named."""

    def __init__(self, quotas: Mapping[str, Quota]) -> None:
        self._quotas = quotas

    async def admit(self, connection: AsyncConnection, tenant: str, size: int, *, under_way: bool = False) -> None:
        """Before a file of that size is added: raises QuotaError when it is too much. Until the transaction ends no
        other file of the tenant is added. With `under_way`, uploads that are going on count as well."""
        quota = self._quotas.get(tenant, self._quotas.get("*"))
        if quota is None:
            return
        lock = func.pg_advisory_xact_lock(func.hashtextextended(f"quota/{tenant}", 0))
        await connection.execute(select(lock))
        held = select(func.count(), func.coalesce(func.sum(video.c.size), 0))
        held = held.where(video.c.tenant == tenant, video.c.stored != "deleted")
        files, used = (await connection.execute(held)).one()
        if under_way:
            going = select(func.count(), func.coalesce(func.sum(resumable.c.size), 0)).where(
                resumable.c.tenant == tenant, resumable.c.video_id.is_(None), resumable.c.problem.is_(None),
                resumable.c.lost.is_(False),
            )  # fmt: skip
            more, reserved = (await connection.execute(going)).one()
            files, used = files + more, used + reserved
        if quota.files is not None and files + 1 > quota.files:
            raise QuotaError("files", quota.files, int(files))
        if quota.bytes is not None and used + size > quota.bytes:
            raise QuotaError("bytes", quota.bytes, int(used))
