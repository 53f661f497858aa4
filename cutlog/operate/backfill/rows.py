"""Rows of the legacy store, typed. Each reader takes any JSON object and says what was odd about it. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import msgspec

from cutlog.operate.backfill import fields
from cutlog.operate.backfill.fields import Row
from cutlog.operate.backfill.metadata import Count, rest

_NAMES: Final = ("originalName", "originalFilename", "title", "name")
"""What its owner calls a video, as rows have it."""
_CARRIED: Final = ("id", "_id", "__v")
_OWNERS: Final = ("projectId", "project_id", "project")
_FILM: Final = ("videoId", "sourceVideoId", "video", "sourceId")
_PLACES: Final = ("path", "filePath", "s3Key", "key", "url")
_DATES: Final = ("createdAt", "created_at", "timestamp", "date")
_OF_ROWS: Final = frozenset(
    ("_id", "id", "__v", "projectId", "project_id", "project", "version", "v", "createdAt", "created_at", "updatedAt",
     "timestamp", "date", "author", "user", "userId", "actor", "createdBy", "message")
)  # fmt: skip

MOST_REFS: Final = 1_000_000
"""Uploads of one content, at most."""

_BATCHES: Final = frozenset(("ops", "operations", "operation"))

Odd = Callable[[str, str], None]
"""Takes what is odd about a row, and what is done about it."""


class LegacyProject(msgspec.Struct, frozen=True):
    """`current_version` is None where the row does not tell; `canvas` as the row has it; `film` is the video that it
    begins as."""

    id: str
    name: str
    current_version: int | None = None
    latest_proxy_key: str | None = None
    latest_export_key: str | None = None
    canvas: dict[str, Any] = msgspec.field(default_factory=dict)
    created_at: datetime | None = None
    film: str | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


class LegacyVideo(msgspec.Struct, frozen=True):
    """`paths` and `filename` as written; one of them is there. `name` is what its owner calls it, `seconds` how long it
    is said to be. `refs` counts uploads, 1 where the row does not tell."""

    id: str
    filename: str
    name: str
    paths: tuple[str, ...] = ()
    seconds: float | None = None
    sha256: str | None = None
    refs: int = 1
    created_at: datetime | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


class LegacyOperation(msgspec.Struct, frozen=True):
    """One version of a project; `ops` as written."""

    project: str
    version: int | None
    ops: list[Any]
    created_at: datetime | None = None
    author: str | None = None
    message: str | None = None


class LegacyExport(msgspec.Struct, frozen=True):
    """A file that was exported, or was asked for when there are no `keys`: the likeliest first."""

    id: str
    project: str
    version: int
    keys: tuple[str, ...] = ()
    pinned: bool = False
    archived: bool = False
    created_at: datetime | None = None
    metadata: dict[str, Any] = msgspec.field(default_factory=dict)


def project(row: Row, odd: Odd, count: Count) -> LegacyProject | None:
    """Reads a row of projects.json."""
    found = fields.identity(row, "id", "_id")
    if found is None:
        odd("a project without an id", "left out: nothing can refer to it")
        return None
    called = "name" if "name" in row else "title"
    name = fields.text(row.get(called), 200)
    if name is None:
        odd("a project without a name", f"named {found}")
    version = fields.version(row.get("currentVersion", row.get("version")))
    if version is None:
        odd("a project without a readable currentVersion", "the highest version of its operations and exports is used")
    canvas = _canvas(row)
    return LegacyProject(
        id=found, name=name or found, current_version=version,
        latest_proxy_key=fields.text(row.get("latestProxyKey"), 1_000),
        latest_export_key=fields.text(row.get("latestExportKey"), 1_000),
        canvas=canvas, created_at=_moment(row, odd), film=fields.identity(row, *_FILM),
        metadata=rest(row, {*_CARRIED, *_FILM, called, _dated(row), "currentVersion", "version", "latestProxyKey",
                            "latestExportKey", "width", "height", "fps", "frameRate"}, count),
    )  # fmt: skip


def _canvas(row: Row) -> dict[str, Any]:
    """The size and the rate that a project says it has: in the row, or in an object of settings there."""
    found: dict[str, Any] = {}
    for part in (row.get("settings"), row.get("canvas"), row.get("resolution"), row):
        if isinstance(part, dict):
            found |= {key: part[key] for key in ("width", "height", "fps", "frameRate") if part.get(key) is not None}
            part = part.get("resolution")
        if isinstance(part, str) and (size := re.fullmatch(r"\s*(\d{2,5})\s*[x×X:*]\s*(\d{2,5})\s*", part)):
            found |= {"width": int(size[1]), "height": int(size[2])}
    return found


def video(row: Row, odd: Odd, count: Count) -> LegacyVideo | None:
    """Reads a row of videos.json."""
    found = fields.identity(row, "id", "_id")
    paths = _paths(row, *_PLACES)
    called = next((key for key in _NAMES if fields.text(row.get(key), 255) is not None), "")
    own = fields.text(row.get(called), 255)
    name = fields.text(row.get("filename"), 255) or own
    if name is None and paths:
        name = fields.text(paths[0].replace("\\", "/").rpartition("/")[2], 255)
    if found is None:
        odd("a video without an id", "left out: nothing can refer to it; its file is reported with the uploads")
        return None
    if name is None:
        odd("a video that names no file", "left out; operations that use it are kept as they are written")
        return None
    sha256 = fields.digest(row.get("sha256", row.get("hash")))
    if sha256 is None and row.get("sha256") is not None:
        odd("an invalid sha256", "computed from the file")
    refs = fields.count(row.get("refCount", 1))
    if not refs or refs > MOST_REFS:
        odd(f"a refCount of {str(row.get('refCount'))[:60]}", "counted as 1: the file is there to be used")
        refs = 1
    meta = row.get("metadata")
    lasts = row.get("duration", meta.get("duration") if isinstance(meta, dict) else None)
    return LegacyVideo(
        id=found, filename=name, name=own or name, paths=paths, seconds=fields.seconds(lasts), sha256=sha256,
        refs=refs, created_at=_moment(row, odd),
        metadata=rest(row, {*_CARRIED, *_PLACES, called, _dated(row), "filename", "sha256", "hash", "refCount", "size",
                            "fileSize", "duration"}, count),
    )  # fmt: skip


def operation(row: Row, odd: Odd, count: Count) -> LegacyOperation | None:
    """Reads a row of editOperations.json."""
    owner = fields.identity(row, *_OWNERS)
    if owner is None:
        odd("an operation without a projectId", "left out: its project is unknown")
        return None
    version = fields.version(row.get("version", row.get("v")))
    if not version:
        odd("an operation without a readable version", "follows the ones before it in the file")
    ops = row.get("ops", row.get("operations", row.get("operation")))
    if isinstance(ops, str) or (ops is None and isinstance(row.get("type"), str)):
        # The row is the operation itself, with what the store notes of every row.
        ops = [{key: value for key, value in row.items() if key not in _OF_ROWS}]
    else:
        for name in row.keys() - _OF_ROWS - _BATCHES:
            if row[name] is not None:
                count(name, False)
        if isinstance(ops, dict):
            ops = [ops]
        elif not isinstance(ops, list):
            odd("an operation without a list of ops", "a version that changes nothing")
            ops = []
    at = _moment(row, odd, "the time of the version before it is used")
    return LegacyOperation(owner, version or None, ops, at, _author(row), fields.text(row.get("message"), 2_000))


def export(row: Row, odd: Odd, count: Count) -> LegacyExport | None:
    """Reads a row of exportVersions.json."""
    owner = fields.identity(row, *_OWNERS)
    version = fields.version(row.get("version", row.get("v")))
    if owner is None or version is None:
        odd("an export without a projectId or version", "left out; its file is reported with the uploads")
        return None
    found = fields.identity(row, "id", "_id")
    if found is None:
        found = f"{owner}-v{version}"
        odd("an export without an id", f"named {found}")
    keys = _paths(row, "filePath", *_PLACES)
    if not keys:
        odd("an export without a key", "its file is searched for under the usual name")
    archived = (
        fields.truth(row.get("archived")) or row.get("status") == "archived"
        or any(re.match(r"/*(.*/)?archive/", key.replace("\\", "/")) for key in keys)
    )  # fmt: skip
    carried = {*_CARRIED, *_OWNERS, *_PLACES, _dated(row), "version", "v", "pinned", "archived", "status", "size"}
    return LegacyExport(
        found, owner, version, keys, fields.truth(row.get("pinned")), archived, _moment(row, odd),
        rest(row, carried, count),
    )  # fmt: skip


def _paths(row: Row, *names: str) -> tuple[str, ...]:
    """What the row says of where its file is, each once."""
    found = (fields.text(row.get(name), 1_000) for name in names)
    return tuple(dict.fromkeys(path for path in found if path is not None))


def _dated(row: Row) -> str:
    """The field that says when what a row is about was made; nothing, where none does."""
    return next((name for name in _DATES if name in row), "")


def _moment(row: Row, odd: Odd, instead: str = "the time of the run is used") -> datetime | None:
    if not (name := _dated(row)):
        return None
    found = fields.moment(row[name])
    if found is None:
        odd(f"{name} is {str(row[name])[:60]!r}, which is no date", instead)
    return found


def _author(row: Row) -> str | None:
    for name in ("author", "user", "userId", "actor", "createdBy"):
        value = row.get(name)
        if isinstance(value, dict):
            value = value.get("name", value.get("email", value.get("id")))
        if found := fields.text(value, 255):
            return found
    return None
