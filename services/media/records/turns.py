"""Whose video is processed next, and who gives way: tenants that had less work lately for their weight go first."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.answers.videos import Status
from cutlog.hosting.settings import Renders
from services.media.sql import statement

SLICE: Final = 2.0
"""Seconds of work after which what there is is stored, and others may have their turn."""
MOST: Final = 30.0
"""Seconds after which others have their turn though much of it went into resuming."""

_CLAIM: Final = statement("derive_claim")
_GIVE_WAY: Final = statement("derive_give_way")
_SPENT: Final = statement("derive_spent")


class Turns:
    """`limits`: the weights of tenants; `*` is for those that are not named."""

    def __init__(self, limits: Mapping[str, Renders]) -> None:
        weights = {"*": Renders(), **limits}
        self._limits = msgspec.json.encode({tenant: {"weight": its.weight} for tenant, its in weights.items()}).decode()

    async def claim(self, connection: AsyncConnection, status: Status, lease: timedelta) -> Row[Any] | None:
        """The video that is next, claimed for so long; None when nobody waits."""
        values = {"status": status, "lease": lease, "slice": SLICE, "limits": self._limits}
        return (await connection.execute(_CLAIM, values)).one_or_none()

    async def passed(self, connection: AsyncConnection, video_id: str, ran: float) -> bool:
        """Whether somebody with a better claim waits, now that a video was worked on for so many seconds."""
        values = {"id": video_id, "ran": ran, "limits": self._limits}
        return bool((await connection.execute(_GIVE_WAY, values)).scalar_one())

    async def spent(self, connection: AsyncConnection, video_id: str, ran: float) -> None:
        """Counts the seconds of an attempt, however it ended."""
        await connection.execute(_SPENT, {"id": video_id, "ran": ran})


def quantum(resuming: float) -> float:
    """Seconds that an attempt may last while others wait, if to resume takes so many. At most a tenth of it goes into
    that, unless that makes them wait for long; then a quarter."""
    return max(SLICE, min(10 * resuming, max(MOST, 4 * resuming)))
