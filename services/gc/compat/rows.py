"""What frontends of the old backend send and read about garbage collection."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

import msgspec

from cutlog.contract.answers.collection import Count, Days
from cutlog.contract.base import Wire

TAG: Final = "Old frontends"

Ids = Annotated[
    tuple[Annotated[str, msgspec.Meta(min_length=1, max_length=512)], ...],
    msgspec.Meta(min_length=1, max_length=10_000),
]


class CompatCalculate(Wire):
    """Which exports to mark: those older than `ttlDays` and not among their project's `keepLatestN` newest; what is not
    said is the tenant's policy."""

    ttl_days: Days | None = None
    keep_latest_n: Count | None = None


class CandidatesQuery(Wire):
    """Only those that have been marked for so many days."""

    older_than_days: Days = 0


class Selected(Wire):
    """Exports by their ids."""

    export_ids: Ids


class CompatDelete(Selected):
    """Exports of the archive. Without `confirm`, the hash of a plan that names them, the plan counts by which they were
    archived."""

    confirmed: bool = False
    confirm: str | None = None


class CandidateRow(Wire):
    """An export that is marked, or in the archive. `size` in bytes."""

    project_id: str
    project_name: str
    version: int
    export_id: str
    file_path: str
    size: int
    created_at: datetime
    gc_marked_at: datetime


class Calculated(Wire):
    """What a calculation came to. Of all exports with a file outside of the archive, `candidatesMarked` were marked now
    and `candidatesAlreadyMarked` before; `exportsPinned` are pinned, and `exportsKept` the others."""

    total_projects: int
    projects_processed: int
    candidates_marked: int
    candidates_already_marked: int
    exports_pinned: int
    exports_kept: int
    errors: tuple[str, ...]
    candidates: tuple[CandidateRow, ...]


class CompatCandidates(Wire):
    """What is marked, or in the archive, and not pinned."""

    count: int
    total_size: int
    total_size_mb: float = msgspec.field(name="totalSizeMB")
    candidates: tuple[CandidateRow, ...]


class ErrorRow(Wire):
    """An export that stays as it was, and why."""

    export_id: str
    error: str


class ArchivedRow(Wire):
    """An export that was archived, and where its file is now."""

    export_id: str
    project_id: str
    version: int
    file_path: str
    size: int


class CompatArchived(Wire):
    """What was archived."""

    total_requested: int
    archived: int
    failed: int
    errors: tuple[ErrorRow, ...]
    archived_exports: tuple[ArchivedRow, ...]


class CompatDeleted(Wire):
    """What was deleted. `spaceSaved` in bytes that were seen to be gone."""

    total_requested: int
    deleted: int
    failed: int
    space_saved: int
    errors: tuple[ErrorRow, ...]


class UnusedVideoRow(Wire):
    """A video that no project uses. `size` in bytes."""

    video_id: str
    title: str
    file_path: str
    size: int
    ref_count: int
    created_at: datetime


class UnusedVideos(Wire):
    count: int
    total_size: int
    total_size_mb: float = msgspec.field(name="totalSizeMB")
    videos: tuple[UnusedVideoRow, ...]


def megabytes(size: int) -> float:
    """Bytes in MiB, which the old backend called MB."""
    return round(size / (1 << 20), 2)
