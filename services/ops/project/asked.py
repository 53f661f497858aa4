"""What can be asked of a project, as data: whoever asks says what is wanted, and what it means is found out on the
state that it is decided on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.answers.edits import Loss
from cutlog.contract.legacy import Conventions
from cutlog.contract.ops import Op
from cutlog.contract.profiles import ExportProfile
from cutlog.contract.timeline import Canvas
from services.ops.captions.reading import CaptionFormat
from services.ops.decide.commands import ProjectCommand
from services.ops.decide.importing import LegacyVersion
from services.ops.edits.sources import Material
from services.ops.interchange.batch import Mode
from services.ops.interchange.captions import CaptionFile
from services.ops.interchange.matching import Library
from services.ops.interchange.schema import Timeline as Otio

LONG: Final = 32 << 10
"""Bytes of JSON that are read in a few milliseconds."""


class Batch(msgspec.Struct, frozen=True):
    """Ops as typed and as the client sent them, and how they are meant. `files`: what files of captions among them
    say, by the index of their op. `size`: bytes of the ops as JSON."""

    ops: tuple[Op, ...]
    sent: tuple[dict[str, Any], ...]
    expected_version: int | None = None
    on_conflict: Literal["fail", "rebase"] = "fail"
    message: str | None = None
    files: Mapping[int, CaptionFile] = {}
    gesture: str | UnsetType = UNSET
    size: int = 0

    @property
    def heavy(self) -> bool:
        """Whether to read through the ops takes long."""
        return self.size >= LONG


class Undo(msgspec.Struct, frozen=True):
    """What one version did, taken back: `version`, or the newest that `actor` made and nobody has undone yet, with
    those of the same gesture. To `redo` is to take the actor's newest undo back."""

    actor: str
    version: int | None = None
    redo: bool = False
    expected_version: int | None = None
    message: str | None = None


class TimelineFile(msgspec.Struct, frozen=True):
    """A timeline of another editor, instead of what is there or behind it. `library` has the media that it may mean,
    `losses` are those of reading it; `message` without a name of its own gets that of the timeline."""

    timeline: Otio
    library: Library
    losses: tuple[Loss, ...]
    mode: Mode
    missing: Literal["refuse", "skip", "color"]
    format: str
    expected_version: int | None = None
    message: str | None = None


class CaptionsFile(msgspec.Struct, frozen=True):
    """A file of captions, for a track that may be a new one."""

    format: CaptionFormat
    track: str
    file: CaptionFile
    expected_version: int | None = None
    message: str | None = None


class Export(msgspec.Struct, frozen=True):
    """An export of a version, or of the newest one. With `retry`, one that failed or was cancelled is rendered
    again."""

    version: int | None
    profile: ExportProfile
    retry: bool = False


class OldBatch(msgspec.Struct, frozen=True):
    """Ops in the words of the old backend. `film` is the video, by the id that they use, as all of which the project
    begins."""

    sent: tuple[dict[str, Any], ...]
    film: str | None


class OldVersions(msgspec.Struct, frozen=True):
    """The next versions of a project of another store; `rehearsed` has media that are not here yet. The rest is as in
    `ImportVersions`."""

    run: str
    source: str
    legacy_id: str
    name: str
    canvas: Canvas
    created_at: datetime | None
    versions: tuple[LegacyVersion, ...]
    videos: Mapping[str, str]
    rehearsed: Mapping[str, Material]
    conventions: Conventions
    film: str | None
    seconds: float | None
    metadata: dict[str, Any] | UnsetType = UNSET


Asked = ProjectCommand | Batch | Undo | TimelineFile | CaptionsFile | Export | OldBatch | OldVersions
"""Commands that depend on no state are asked for as they are."""
