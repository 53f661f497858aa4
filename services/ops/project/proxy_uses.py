"""Who may be playing a proxy: links to it, by how long they work, against its being folded into its recipe."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from services.ops.readmodel.sql import statement

AHEAD: Final = 300
"""Seconds that a use is noted for beyond its end, so that the next ones need no note."""
REMEMBERED: Final = 10_000

_NOTE: Final = statement("note_proxy_use")
_CLAIM: Final = statement("claim_proxy")
_RELEASE: Final = statement("release_proxy")


class ProxyUses:
    """One row for each proxy that was linked to, or is being folded. The row decides which of the two comes first."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._noted: OrderedDict[tuple[str, int], float] = OrderedDict()

    async def note(self, project_id: str, version: int, seconds: float) -> bool:
        """Keeps the proxy for so long, and ten minutes more. False if it is being folded: it must not be linked to."""
        now, proxy = time.monotonic(), (project_id, version)
        if self._noted.get(proxy, 0.0) >= now + seconds:
            return True
        async with self._engine.begin() as connection:
            noted = await connection.exec_driver_sql(_NOTE, (project_id, version, seconds + AHEAD))
            if noted.one_or_none() is None:
                return False
        self._noted[proxy] = now + seconds + AHEAD
        self._noted.move_to_end(proxy)
        if len(self._noted) > REMEMBERED:
            self._noted.popitem(last=False)
        return True

    async def claim(self, project_id: str, version: int) -> bool:
        """For whoever folds the proxy: from now on nobody is given a link. False while somebody may use one."""
        async with self._engine.begin() as connection:
            return (await connection.exec_driver_sql(_CLAIM, (project_id, version))).one_or_none() is not None

    async def release(self, project_id: str, version: int) -> None:
        """It was not folded, or is a file again."""
        async with self._engine.begin() as connection:
            await connection.exec_driver_sql(_RELEASE, (project_id, version))
