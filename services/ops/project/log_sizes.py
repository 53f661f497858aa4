"""How many bytes of the log a project has, and may have."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.events import ProjectEvent, VersionCommitted
from cutlog.contract.usage import LARGEST, BudgetUse, ProjectUse
from services.ops.edits.size import OverBudgetError
from services.ops.readmodel.sql import statement

_LOG_SIZES: Final = statement("log_sizes")
#: Seconds after which a size is read again: another process may have appended.
STAYS: Final = 60.0
#: Projects whose sizes are remembered.
REMEMBERED: Final = 10_000
#: Bytes of an event beside its data, at most.
_ENVELOPE: Final = 512

Limit = Callable[[str], int]
"""The bytes of the log that a project of a tenant may have."""


class LogSizes:
    """Reads sizes only where what was appended since may have exceeded the limit."""

    def __init__(self, engine: AsyncEngine, limit: Limit, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine, self._limit, self._clock = engine, limit, clock
        self._known: OrderedDict[str, tuple[float, int]] = OrderedDict()

    async def admit(self, tenant: str, project_id: str, events: Sequence[ProjectEvent]) -> None:
        """Before events are appended. Raises OverBudgetError for an edit that would exceed the limit; what makes no
        version, such as a deletion, is always admitted."""
        if not any(isinstance(event, VersionCommitted) for event in events):
            return
        more = sum(len(msgspec.json.encode(event)) + _ENVELOPE for event in events)
        limit = self._limit(tenant)
        read, known = self._known.get(project_id, (0.0, limit))
        if known + more > limit or self._clock() - read > STAYS:
            read, known = self._clock(), await self._size(tenant, project_id)
            if known + more > limit:
                raise OverBudgetError("logBytes", limit, known + more)
        self._known[project_id] = read, known + more
        self._known.move_to_end(project_id)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    async def usage(self, tenant: str) -> list[BudgetUse]:
        """What the tenant's projects have. The limit is of one project, and so is `now`: of the one with the most."""
        sizes = [(row.project, int(row.bytes)) for row in await self._read(tenant, None)]
        most = sizes[0][1] if sizes else 0
        projects = [ProjectUse(project_id=each, hour=size, day=size, month=size) for each, size in sizes[:LARGEST]]
        use = BudgetUse(
            budget="logBytes", held=True, limit=self._limit(tenant), now=most, hour=most, day=most, month=most,
            reset=None, projects=projects,
        )  # fmt: skip
        return [use]

    async def _size(self, tenant: str, project_id: str) -> int:
        rows = await self._read(tenant, project_id)
        return int(rows[0].bytes) if rows else 0

    async def _read(self, tenant: str, project_id: str | None) -> Sequence[Row[Any]]:
        async with self._engine.begin() as connection:
            return (await connection.exec_driver_sql(_LOG_SIZES, (tenant, project_id))).all()
