"""The facts of the log: each a message of the same name in `proto/cutlog/v1/events.proto`. Both only grow."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

from cutlog.contract.amounts import UsedAmount
from cutlog.contract.base import Wire
from cutlog.contract.imports import ImportedExport, ImportedProxy, ImportedVersion, Written
from cutlog.contract.media import MediaFacts, MediaKind, Renditions
from cutlog.contract.profiles import ExportProfile
from cutlog.contract.timeline import Canvas

PinMode = Literal["normal", "hold"]
PolicyLevel = Literal["system", "tenant"]

# --- projects: stream `project.<id>`


class ProjectCreated(Wire):
    """`metadata` is what a frontend of the old backend said of the project beside its name and canvas, and
    `media_added` the video that such a project is about, which counts as used before the first edit."""

    name: str
    canvas: Canvas
    metadata: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET
    media_added: tuple[str, ...] = ()


class ProjectForked(Wire):
    """A new project whose version 0 is the timeline of a version of another, the origin.

    `duration` is its length in frames, `digest` that of the timeline, `media_added` all media that it uses.
    """

    name: str
    canvas: Canvas
    origin_project_id: str
    origin_version: int
    duration: int
    digest: str
    media_added: tuple[str, ...] = ()


class VersionCommitted(Wire):
    """One edit: ops as the client sent them.

    `duration` is the new length in frames, `digest` that of the new timeline. `media_added` and `media_removed` are
    the ids whose use by the *timeline* began or ended with this version. Where a frontend of the old backend sent the
    edit, `written` has it in its words, and `ops` what they mean. `undoes` are the versions that it takes back; those
    of one `gesture` are undone together.
    """

    version: int
    ops: tuple[dict[str, Any], ...]
    duration: int
    digest: str
    message: str | None = None
    media_added: tuple[str, ...] = ()
    media_removed: tuple[str, ...] = ()
    imported: ImportedVersion | msgspec.UnsetType = msgspec.UNSET
    written: Written | msgspec.UnsetType = msgspec.UNSET
    undoes: tuple[int, ...] | msgspec.UnsetType = msgspec.UNSET
    gesture: str | msgspec.UnsetType = msgspec.UNSET


class ProxyRendered(Wire):
    """`size` in bytes; `frames` of the proxy; `encoded` of them were encoded for it, the rest were reused."""

    version: int
    digest: str
    key: str
    size: int
    sha256: str
    frames: int
    encoded: int = 0


class ProxyDeleted(Wire):
    """The file at `key` goes; the version's proxy is rendered again when asked for. With `folded`, it was folded into
    its recipe: only the file of that state goes, and not one that was rendered since."""

    version: int
    key: str
    folded: str | msgspec.UnsetType = msgspec.UNSET


class ProxyFailed(Wire):
    version: int
    digest: str
    reason: str


class ExportRequested(Wire):
    export_id: str
    version: int
    profile: ExportProfile


class ExportRendered(Wire):
    export_id: str
    version: int
    profile: ExportProfile
    key: str
    size: int
    sha256: str
    frames: int
    encoded: int = 0


class ExportFailed(Wire):
    export_id: str
    reason: str


class ExportCancelled(Wire):
    export_id: str


class ExportPinned(Wire):
    """Keeps every export of the version, present and future; only one profile's if `profile` is set.

    Who pins is the event's actor. `mode` is `normal` where it is not said; only an admin lifts a `hold`.
    """

    version: int
    profile: ExportProfile | None = None
    reason: str | None = None
    expires_at: datetime | None = None
    mode: PinMode | msgspec.UnsetType = msgspec.UNSET


class ExportUnpinned(Wire):
    version: int
    profile: ExportProfile | None = None


class ExportArchived(Wire):
    export_id: str
    key: str


class ExportRestored(Wire):
    export_id: str
    key: str


class ExportDeleted(Wire):
    export_id: str


class ProjectDeleted(Wire):
    pass


class ProjectRestored(Wire):
    pass


class ProjectImported(Wire):
    """What a run brought beside versions. `source` names the store that the project came from, `legacy_id` its id
    there. Comes once as the project begins, and again with files."""

    run: str
    source: str
    legacy_id: str
    created_at: datetime | None = None
    exports: tuple[ImportedExport, ...] = ()
    proxies: tuple[ImportedProxy, ...] = ()


class ProjectImportUndone(Wire):
    """All that runs brought of the project is gone, and so is the project, as if it had never been there. `export_ids`
    are its exports, whose files go too."""

    run: str
    export_ids: tuple[str, ...] = ()


# --- media: stream `media.<id>`


class MediaUploaded(Wire):
    """New content of a tenant: its bytes are at `key` and on disk. Its renditions follow with MediaReady. `alias` is
    another id for it, which it had in another store."""

    sha256: str
    size: int
    name: str
    key: str
    generation: int
    kind: MediaKind
    facts: MediaFacts
    ref_count: int
    alias: str | msgspec.UnsetType = msgspec.UNSET


class MediaDeduplicated(Wire):
    """The same content again. `alias` is another id for it, which it had in another store."""

    name: str
    ref_count: int
    alias: str | msgspec.UnsetType = msgspec.UNSET


class MediaReady(Wire):
    facts: MediaFacts
    renditions: Renditions


class MediaFailed(Wire):
    reason: str


class MediaReleased(Wire):
    """An upload less. `alias` is no id for it any more."""

    ref_count: int
    alias: str | msgspec.UnsetType = msgspec.UNSET


class MediaArchived(Wire):
    """Nothing may begin to use the media; its original moves to `key`, and comes back with MediaRestored."""

    key: str
    generation: int


class MediaRestored(Wire):
    """The original moves back to `key`."""

    key: str
    generation: int


class MediaDeleted(Wire):
    """The original and all that was made from it go. The same content uploaded again is a new generation."""

    generation: int


# --- garbage collection: streams `gc.<run>` and `gc.policy_<tenant>`


class PlanCalculated(Wire):
    """A frozen list of what may go: its id, hash, log position, how many objects and bytes."""

    plan_id: str
    plan_hash: str
    position: int
    candidates: int
    bytes: int


class PolicyChanged(Wire):
    """The rules of a tenant from here on; `level` is `system` for those that all tenants without rules go by."""

    level: PolicyLevel
    version: int
    policy: dict[str, Any]


# --- what tenants use: stream `usage.<tenant>`


class UsageRecorded(Wire):
    """What a tenant used in the hour that began at `hour`, as one service counted it. Of hourly budgets it is what was
    used in that hour; of what is held (bytes, files) the most that was held, where it differs from the hour before. An
    hour with very many projects comes in several events, none of which repeats an amount."""

    service: str
    hour: datetime
    used: tuple[UsedAmount, ...]


ProjectEvent = (
    ProjectCreated | ProjectForked | ProjectDeleted | ProjectRestored | VersionCommitted
    | ProxyRendered | ProxyFailed | ProxyDeleted
    | ExportRequested | ExportRendered | ExportFailed | ExportCancelled
    | ExportPinned | ExportUnpinned | ExportArchived | ExportRestored | ExportDeleted
    | ProjectImported | ProjectImportUndone
)  # fmt: skip
MediaEvent = (
    MediaUploaded | MediaDeduplicated | MediaReady | MediaFailed | MediaReleased
    | MediaArchived | MediaRestored | MediaDeleted
)  # fmt: skip
GcEvent = PlanCalculated | PolicyChanged
EventData = ProjectEvent | MediaEvent | GcEvent | UsageRecorded
Category = Literal["project", "media", "gc", "usage"]
