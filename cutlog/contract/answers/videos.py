"""Videos, and how far their examination is."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from cutlog.contract.base import Wire
from cutlog.contract.media import MediaFacts, MediaKind

Status = Literal["processing", "ready", "failed"]


class Brought(Wire):
    """A row of another store that a video came from: the id, the name and the date that it had there, and what else
    that store said of it. `alias` is the id under which the video is found here as well, where it has another."""

    legacy_id: str
    alias: str | None = None
    name: str | None = None
    created_at: datetime | None = None
    metadata: dict[str, Any] | None = None


class Video(Wire):
    """A video as the API shows it. `size` in bytes; `uses` counts projects with any version that uses it; `progress`:
    the share of its edit proxy that is made; `archived`: its original is in the archive; `imported`: the rows of other
    stores that it came from, absent where there are none."""

    id: str
    sha256: str
    size: int
    name: str
    ref_count: int
    uses: int
    status: Status
    kind: MediaKind
    facts: MediaFacts
    created_at: datetime
    duplicate: bool = False
    error: str | None = None
    progress: float = 0.0
    archived: bool = False
    imported: tuple[Brought, ...] | UnsetType = UNSET


class NotExamined(Wire):
    """A video that stays as it was, and why."""

    id: str
    reason: str


class Examination(Wire):
    """`begun`: videos that wait now and did not before; `waiting`: all that wait or are under way; `outdated`: those
    that an earlier release examined; `failed`: some of those whose last examination came to nothing."""

    begun: int
    waiting: int
    outdated: int
    failed: tuple[NotExamined, ...] = ()
