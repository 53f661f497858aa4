"""The facts that the rules are asked about: a project's exports and what refers to them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec

from cutlog.contract.events import PinMode
from cutlog.contract.profiles import ExportProfile

ExportStatus = Literal["queued", "ready", "failed", "cancelled", "archived", "deleted"]
MediaStatus = Literal["ready", "archived", "deleted"]

_NEVER = datetime.min.replace(tzinfo=UTC)


class Export(msgspec.Struct, frozen=True):
    """An export as the events tell it. `key`, `size` (bytes) and `finished_at` are its file's, once there is one;
    `home` is where the file belongs that lies in the archive since `archived_at`."""

    export_id: str
    version: int
    profile: ExportProfile
    status: ExportStatus
    key: str | None = None
    size: int = 0
    finished_at: datetime | None = None
    home: str | None = None
    archived_at: datetime | None = None


class Pin(msgspec.Struct, frozen=True):
    """Someone's word that a version's exports stay; those of one profile only if `profile` is set."""

    version: int
    profile: ExportProfile | None = None
    reason: str | None = None
    expires_at: datetime | None = None
    owner: str | None = None
    mode: PinMode = "normal"

    def holds(self, export: Export, at: datetime) -> bool:
        """Whether this pin keeps `export` at the moment `at`. A pin ends at the very moment it expires."""
        meant = self.version == export.version and (self.profile is None or self.profile == export.profile)
        return meant and (self.expires_at is None or at < self.expires_at)


class Proxy(msgspec.Struct, frozen=True):
    """The proxy of a version, as long as its file is there; `size` in bytes."""

    version: int
    key: str
    size: int
    rendered_at: datetime


class Project(msgspec.Struct, frozen=True):
    """One project's exports, pins and proxies, in no order. `tagged` has the messages of versions that have one."""

    project_id: str
    exports: tuple[Export, ...] = ()
    pins: tuple[Pin, ...] = ()
    deleted_at: datetime | None = None
    tagged: Mapping[int, str] = {}
    proxies: tuple[Proxy, ...] = ()


class Media(msgspec.Struct, frozen=True):
    """A media as the events tell it. `users` are the projects any version of which uses it and that hold on to it: not
    deleted, or with a pin. `left_at` is when the last project that uses it was deleted, None if none ever used it."""

    media_id: str
    name: str
    key: str
    home: str
    size: int
    derived: int
    generation: int
    ref_count: int
    status: MediaStatus
    uploaded_at: datetime
    touched_at: datetime
    archived_at: datetime | None = None
    users: tuple[str, ...] = ()
    left_at: datetime | None = None


def newest_first(exports: Iterable[Export]) -> list[Export]:
    """The ready exports by when they were finished, the last one first; the higher version wins a tie."""
    ready = (export for export in exports if export.status == "ready")
    return sorted(ready, key=lambda e: (e.finished_at or _NEVER, e.version, e.export_id), reverse=True)
