"""Projects, versions, exports and pins."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.base import Wire
from cutlog.contract.events import PinMode
from cutlog.contract.profiles import ExportProfile
from cutlog.contract.timeline import Canvas

ExportStatus = Literal["queued", "rendering", "ready", "failed", "cancelled", "archived", "deleted"]
ProxyStatus = Literal["none", "queued", "rendering", "ready", "failed", "superseded"]


class Origin(Wire):
    """What a project was forked from: its version 0 is that timeline."""

    project_id: str
    version: int


class Imported(Wire):
    """Which store a project came from, and its id there. From version `keptFrom` to the last that was imported the ops
    are as that store had them, because of `why`; the timeline stays what it was before."""

    source: str
    legacy_id: str
    kept_from: int | None = None
    why: str | None = None


class Project(Wire, kw_only=True):
    """A project. `duration` is in frames; the latest proxy and export may be of a version before `currentVersion`.
    `origin` is null unless it is a fork, `imported` unless it came from another store; `metadata` is what else that
    store said of it, as it said it."""

    id: str
    name: str
    canvas: Canvas
    current_version: int
    duration: int
    latest_proxy_key: str | None = None
    latest_proxy_version: int | None = None
    latest_export_key: str | None = None
    latest_export_version: int | None = None
    origin: Origin | None = None
    imported: Imported | None = None
    metadata: dict[str, Any] | None = None
    created_at: datetime
    updated_at: datetime


class Version(Wire):
    """One edit, with its ops as the client sent them. `legacy` holds those that came from another store and could not
    be translated; `why` says why not. `undoes` are the versions that it takes back."""

    version: int
    position: int
    at: datetime
    actor: str
    message: str | None
    ops: list[dict[str, Any]]
    legacy: list[dict[str, Any]] | UnsetType = UNSET
    why: str | UnsetType = UNSET
    undoes: tuple[int, ...] | UnsetType = UNSET
    gesture: str | UnsetType = UNSET


class Pinned(Wire):
    """Why exports are kept, until when, and who said so. `profile` is null when all of the version are. Only an admin
    lifts a `hold`."""

    profile: ExportProfile | None = None
    reason: str | None = None
    expires_at: datetime | None = None
    owner: str | None = None
    mode: PinMode = "normal"


class Export(Wire, kw_only=True):
    """An export of a version in a profile. `progress` is 0 to 1, `size` bytes; `url` is a signed link for minutes.

    While it is rendered: frames done and in all, `speed` in frames per second, seconds to go.

    `metadata` is what another store said of an export that came from it.

    `reproduced` is null unless it was rendered again: `identical` when the bytes are those of before, which the same
    build of ffmpeg gives, `equivalent` when another build gave others."""

    id: str
    project_id: str
    version: int
    profile: ExportProfile
    status: ExportStatus
    progress: float = 0.0
    frames_done: int | None = None
    frames_total: int | None = None
    speed: float | None = None
    eta_seconds: float | None = None
    key: str | None = None
    size: int | None = None
    sha256: str | None = None
    pinned: bool = False
    pin: Pinned | None = None
    archived: bool = False
    created_at: datetime
    finished_at: datetime | None = None
    error: str | None = None
    url: str | None = None
    reproduced: Literal["identical", "equivalent"] | None = None
    metadata: dict[str, Any] | None = None


class Proxy(Wire):
    """The 480p proxy of a version. `none`: it has no frames. `superseded`: a newer one was rendered instead, or the
    version came without one from another store; it is rendered when asked for. While the tenant has used up an hourly
    budget, it `waitsFor` that, and `waitsUntil` it is reset."""

    status: ProxyStatus
    progress: float = 0.0
    key: str | None = None
    url: str | None = None
    error: str | None = None
    waits_for: str | None = None
    waits_until: datetime | None = None


class VersionShown(Wire):
    """A version with what was made of it. `undoes` are the versions that it takes back."""

    version: int
    position: int
    at: datetime
    actor: str
    message: str | None
    duration: int
    digest: str
    proxy: Proxy
    exports: list[Export]
    undoes: tuple[int, ...] | UnsetType = UNSET
    gesture: str | UnsetType = UNSET


class PinShown(Wire):
    """Whether the exports of a version are kept."""

    version: int
    pinned: bool


class EventShown(Wire):
    """An event of a project. `data` is that of its type in `cutlog.contract.events`."""

    position: int
    type: str
    at: datetime
    actor: str
    data: msgspec.Raw
