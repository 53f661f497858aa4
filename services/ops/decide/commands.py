"""What can be asked of a project, by users and by renderers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.commands import CollectExport, ReportExport, ReportProxy
from cutlog.contract.events import PinMode
from cutlog.contract.imports import Written
from cutlog.contract.ops import Op
from cutlog.contract.profiles import ExportProfile
from cutlog.contract.timeline import Canvas
from services.ops.decide.importing import ImportCommand
from services.ops.edits.sequence import Sequence
from services.ops.edits.size import Budget
from services.ops.edits.sources import Earlier, Sources, nothing_earlier
from services.ops.timeline.resolve import Sha256s


class CreateProject(msgspec.Struct, frozen=True):
    name: str
    canvas: Canvas
    metadata: dict[str, Any] | UnsetType = UNSET
    media: tuple[str, ...] = ()


class ForkProject(msgspec.Struct, frozen=True):
    """A new project that starts as `sequence`, which is what version `origin_version` of the origin is."""

    name: str
    origin_project_id: str
    origin_version: int
    sequence: Sequence
    sha256s: Sha256s
    budget: Budget


class CommitOps(msgspec.Struct, frozen=True):
    """Ops as typed and as the client sent them; what is known of the media that they and the timeline use.

    `earlier` has the versions that the ops revert to; `written` is what they translate.
    `gesture` groups versions that are undone together. `size`: bytes of the ops as JSON, where they are many.
    """

    ops: tuple[Op, ...]
    sent: tuple[dict[str, Any], ...]
    sources: Sources
    sha256s: Sha256s
    expected_version: int | None = None
    message: str | None = None
    earlier: Earlier = nothing_earlier
    written: Written | UnsetType = UNSET
    gesture: str | UnsetType = UNSET
    size: int = 0


class RequestExport(msgspec.Struct, frozen=True):
    """`export_id` is for a new export; there is one per version and profile."""

    export_id: str
    version: int
    profile: ExportProfile


class CancelExport(msgspec.Struct, frozen=True):
    export_id: str


class RetryExport(msgspec.Struct, frozen=True):
    export_id: str


class SetPin(msgspec.Struct, frozen=True):
    """`pinned` None toggles. Only `by_admin` a hold becomes less than it is."""

    version: int
    now: datetime
    pinned: bool | None = None
    profile: ExportProfile | None = None
    reason: str | None = None
    expires_at: datetime | None = None
    mode: PinMode = "normal"
    by_admin: bool = False


class DeleteProject(msgspec.Struct, frozen=True):
    pass


class RestoreProject(msgspec.Struct, frozen=True):
    pass


ProjectCommand = (
    CreateProject | ForkProject | CommitOps | RequestExport | CancelExport | RetryExport | SetPin | DeleteProject
    | RestoreProject | ReportProxy | ReportExport | CollectExport | ImportCommand
)  # fmt: skip
