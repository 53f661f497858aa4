"""What events say of versions and files that another store made: messages of `proto/cutlog/v1/imports.proto`."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import UNSET, UnsetType

from cutlog.contract.base import Wire
from cutlog.contract.profiles import ExportProfile


class ImportedVersion(Wire):
    """Where a version came from that was not made here: the run that brought it, when and by whom it was made there.

    `legacy` holds the ops as that store had them, where they could not be translated, and `why` says why not. With
    `live` these are only looks and sounds: the timeline goes on without them. `reasons` has one for each of them, empty
    for an op that is only kept with others; none at all for what was moved in before they were noted.
    """

    run: str
    at: datetime | None = None
    author: str | None = None
    legacy: tuple[dict[str, Any], ...] = ()
    why: str | None = None
    live: bool = False
    reasons: tuple[str, ...] = ()


class Written(Wire):
    """An edit in the words of the old backend, of which the version's own ops are the translation."""

    ops: tuple[dict[str, Any], ...]


class ImportedExport(Wire):
    """An export that another store made: a file that is here now, or one that was lost there (`deleted`). `at` is when
    it was made, `metadata` what else that store said of it."""

    export_id: str
    version: int
    profile: ExportProfile
    status: Literal["ready", "archived", "deleted"]
    key: str | None = None
    size: int = 0
    sha256: str | None = None
    pinned: bool = False
    at: datetime | None = None
    metadata: dict[str, Any] | UnsetType = UNSET


class ImportedProxy(Wire):
    """A proxy that another store made, now at `key`."""

    version: int
    key: str
    size: int
    sha256: str
