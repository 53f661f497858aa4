"""Rows of the legacy store, typed. Each reader takes any JSON object and says what was odd about it. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from cutlog.backfill import fields
from cutlog.backfill.fields import Row

Odd = Callable[[str, str], None]
"""Takes what is odd about a row, and what is done about it."""


class LegacyProject(msgspec.Struct, frozen=True):
    """`current_version` is None where the row does not tell; `canvas` as the row has it."""

    id: str
    name: str
    current_version: int | None = None
    latest_proxy_key: str | None = None
    latest_export_key: str | None = None
    canvas: dict[str, Any] = msgspec.field(default_factory=dict)
    created_at: datetime | None = None
    author: str | None = None


class LegacyVideo(msgspec.Struct, frozen=True):
    """`path` and `filename` as written; one of them is there. `refs` counts uploads, 1 where the row does not tell."""

    id: str
    filename: str
    path: str | None = None
    sha256: str | None = None
    refs: int = 1
    created_at: datetime | None = None


class LegacyOperation(msgspec.Struct, frozen=True):
    """One version of a project; `ops` as written."""

    project: str
    version: int | None
    ops: list[Any]
    created_at: datetime | None = None
    author: str | None = None
    message: str | None = None


class LegacyExport(msgspec.Struct, frozen=True):
    """A file that was exported, or was asked for when `key` is None."""

    id: str
    project: str
    version: int
    key: str | None = None
    pinned: bool = False
    archived: bool = False
    created_at: datetime | None = None


def project(row: Row, odd: Odd) -> LegacyProject | None:
    """Reads a row of projects.json."""
    found = fields.identity(row, "id", "_id")
    if found is None:
        odd("a project without an id", "left out: nothing can refer to it")
        return None
    name = fields.text(row.get("name", row.get("title")), 200)
    if name is None:
        odd("a project without a name", f"named {found}")
    version = fields.count(row.get("currentVersion", row.get("version")))
    if version is None:
        odd("a project without a readable currentVersion", "the highest version of its operations and exports counts")
    size = row.get("canvas", row.get("resolution"))
    canvas = size if isinstance(size, dict) else {key: row[key] for key in ("width", "height", "fps") if key in row}
    return LegacyProject(
        id=found, name=name or found, current_version=version,
        latest_proxy_key=fields.text(row.get("latestProxyKey"), 1_000),
        latest_export_key=fields.text(row.get("latestExportKey"), 1_000),
        canvas=canvas, created_at=_moment(row, odd), author=_author(row),
    )  # fmt: skip


def video(row: Row, odd: Odd) -> LegacyVideo | None:
    """Reads a row of videos.json."""
    found = fields.identity(row, "id", "_id")
    path = row.get("path") if isinstance(row.get("path"), str) else None
    name = fields.text(row.get("filename", row.get("originalName", row.get("name"))), 255)
    if name is None and path:
        name = fields.text(path.replace("\\", "/").rpartition("/")[2], 255)
    if found is None:
        odd("a video without an id", "left out: nothing can refer to it; its file is reported with the uploads")
        return None
    if name is None:
        odd("a video that names no file", "left out; operations that use it are kept as they are written")
        return None
    sha256 = fields.digest(row.get("sha256", row.get("hash")))
    if sha256 is None and row.get("sha256") is not None:
        odd("a sha256 that is none", "computed from the file")
    refs = fields.count(row.get("refCount", 1))
    if not refs:
        odd(f"a refCount of {row.get('refCount')!r}", "counted as 1: the file is there to be used")
    return LegacyVideo(found, name, path, sha256, refs or 1, _moment(row, odd))


def operation(row: Row, odd: Odd) -> LegacyOperation | None:
    """Reads a row of editOperations.json."""
    owner = fields.identity(row, "projectId", "project_id", "project")
    if owner is None:
        odd("an operation without a projectId", "left out: it cannot be told whose it is")
        return None
    version = fields.count(row.get("version", row.get("v")))
    if not version:
        odd("an operation without a readable version", "follows the ones before it in the file")
    ops = row.get("ops", row.get("operations", row.get("operation")))
    if isinstance(ops, dict):
        ops = [ops]
    elif not isinstance(ops, list):
        odd("an operation without a list of ops", "a version that changes nothing")
        ops = []
    return LegacyOperation(
        owner, version or None, ops, _moment(row, odd), _author(row), fields.text(row.get("message"), 2_000)
    )


def export(row: Row, odd: Odd) -> LegacyExport | None:
    """Reads a row of exportVersions.json."""
    owner = fields.identity(row, "projectId", "project_id", "project")
    version = fields.count(row.get("version", row.get("v")))
    if owner is None or version is None:
        odd("an export without a projectId or version", "left out; its file is reported with the uploads")
        return None
    found = fields.identity(row, "id", "_id")
    if found is None:
        found = f"{owner}-v{version}"
        odd("an export without an id", f"named {found}")
    key = fields.text(row.get("key", row.get("path")), 1_000)
    if key is None:
        odd("an export without a key", "its file is looked for under the usual name")
    archived = fields.truth(row.get("archived")) or (key or "").replace("\\", "/").lstrip("/").startswith("archive/")
    return LegacyExport(found, owner, version, key, fields.truth(row.get("pinned")), archived, _moment(row, odd))


def _moment(row: Row, odd: Odd) -> datetime | None:
    for name in ("createdAt", "created_at", "timestamp", "date"):
        if name in row:
            found = fields.moment(row[name])
            if found is None:
                odd(f"{name} is {str(row[name])[:60]!r}, which is no date", "the time of the run counts")
            return found
    return None


def _author(row: Row) -> str | None:
    for name in ("author", "user", "userId", "actor", "createdBy"):
        value = row.get(name)
        if isinstance(value, dict):
            value = value.get("name", value.get("email", value.get("id")))
        if found := fields.text(value, 255):
            return found
    return None
