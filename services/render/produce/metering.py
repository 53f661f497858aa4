"""What is counted of the making of segments and frames."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

from cutlog.db.usage import Slice


class Metering(Protocol):
    """Counts slices: `cutlog.db.usage.Meter` says how."""

    async def now(self) -> datetime: ...

    async def begin(self, tenant: str, project_id: str, slices: Sequence[Slice], since: datetime) -> None: ...

    async def end(self, tenant: str, keys: Sequence[str]) -> None: ...


class _Unmetered:
    """Counts nothing, where there is no tenant to count for."""

    async def now(self) -> datetime:
        return datetime.min.replace(tzinfo=UTC)

    async def begin(self, tenant: str, project_id: str, slices: Sequence[Slice], since: datetime) -> None:
        pass

    async def end(self, tenant: str, keys: Sequence[str]) -> None:
        pass


UNMETERED: Final[Metering] = _Unmetered()


def drawn(key: str, frames: int, size: tuple[int, int]) -> Slice:
    """The slice of so many frames of that size, stored as `key`."""
    return Slice(key, {"framesPerHour": frames, "pixelsPerHour": frames * size[0] * size[1]})
