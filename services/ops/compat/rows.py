"""Rows as the old backend had them, and what its frontends send."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from cutlog.contract.base import Wire
from cutlog.contract.limits import MAX_OPS, NO_NUL
from cutlog.web.envelope import PageQuery, Pagination

TAG: Final = "Old frontends"

Text = Annotated[str, msgspec.Meta(max_length=10_000, pattern=NO_NUL)]
Title = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=NO_NUL)]
Searched = Annotated[str, msgspec.Meta(max_length=200, pattern=NO_NUL)]


class ProjectRow(Wire, kw_only=True):
    """A project. What else its frontend said of it stands beside these members. `videoId` is its one source, `userId`
    who made it; null where that is not known."""

    old_id: str = msgspec.field(name="_id")
    id: str
    name: str
    title: str
    user_id: str | None
    video_id: str | None
    description: str
    settings: dict[str, Any]
    status: str
    current_version: int
    latest_proxy_key: str | None
    latest_export_key: str | None
    created_at: datetime
    updated_at: datetime


class Projects(Wire):
    projects: list[ProjectRow]
    pagination: Pagination


class ProjectsQuery(PageQuery):
    """Which projects: those whose name or description contains `search`, or of a `status`."""

    search: Searched | None = None
    status: Searched | None = None


class CompatProject(Wire):
    """A project to be, which shows all of a video. Other members are kept with it."""

    title: Title | None = None
    name: Title | None = None
    video_id: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    description: Text | None = None
    settings: dict[str, Any] | None = None


class NewOps(Wire):
    """The ops of one version."""

    ops: Annotated[
        tuple[dict[str, Any], ...],
        msgspec.Meta(
            min_length=1,
            max_length=MAX_OPS,
            examples=[[{"type": "effect", "effect": "trim", "parameters": {"start": 0, "end": 1}}]],
        ),
    ]


class Edited(Wire):
    """The version that ops made. Its proxy is rendered: the project's `latestProxyKey` names it then."""

    project_id: str
    version: int
    operation_id: str
    job_id: str
    ops: tuple[dict[str, Any], ...]


class OperationsQuery(Wire):
    """Up to which version."""

    version: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None


class Operation(Wire):
    """A version."""

    id: str
    version: int
    ops: list[dict[str, Any]]
    created_at: datetime


class Operations(Wire):
    project_id: str
    current_version: int
    operations: list[Operation]


class CompatExport(Wire):
    """The newest version, as an MP4 of the project's size, unless something else is said."""

    version: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None
    resolution: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    format: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class Pending(Wire):
    """An export that is being made."""

    project_id: str
    version: int
    job_id: str
    status: str


class Existing(Wire):
    """An export that is there."""

    project_id: str
    version: int
    export_id: str
    file_path: str
    existing: bool


class ExportRow(Wire, kw_only=True):
    """An export: `size` in bytes, `duration` in seconds. `gcCandidate` is null while nobody can tell. `url` is a signed
    link for minutes, which needs no token."""

    id: str
    version: int
    file_path: str
    size: int
    resolution: str
    duration: float
    format: str
    pinned: bool
    gc_candidate: bool | None
    created_at: datetime
    url: str


class Exports(Wire):
    project_id: str
    latest_export_key: str | None
    exports: list[ExportRow]


class CompatPinned(Wire):
    project_id: str
    version: int
    pinned: bool
