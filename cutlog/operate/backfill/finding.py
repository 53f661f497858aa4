"""The files that rows of a legacy store mean, wherever they lie below its uploads; and which no row means."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from cutlog.contract.profiles import ExportProfile
from cutlog.operate.backfill.fields import given_id
from cutlog.operate.backfill.index import Index, pack, unpack
from cutlog.operate.backfill.numbering import limit, top
from cutlog.operate.backfill.oddities import Oddity
from cutlog.operate.backfill.rows import LegacyExport, LegacyProject, LegacyVideo
from cutlog.operate.backfill.source import Source

EXTENSIONS: Final[dict[str, ExportProfile]] = {
    ".mp4": "mp4", ".m4v": "mp4", ".webm": "webm", ".mov": "prores", ".gif": "gif", ".m4a": "audio",
}  # fmt: skip
BEFORE_VERSIONS: Final = "videos/{}_final.mp4"
"""Where exports of before there were versions lie, below uploads."""
NOT_TAKEN: Final = "not taken; what uses it is kept verbatim"
DELETED: Final = "taken as a deleted export"
NO_PROXY: Final = "not taken; the proxy is rendered again when it is requested"
_VERSION: Final = re.compile(r"(?:^|[^a-z])v(\d{1,7})(?:\D|$)")
_PROXY: Final = re.compile(r"proxy/([^/]+)/v(\d{1,7})_proxy\.mp4")

Progress = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is; bytes or rows."""


def find_files(source: Source, index: Index) -> None:
    """Notes the file of every video and export, and every proxy."""
    for row in list(index.all("SELECT id, row FROM video")):
        video = unpack(row["row"], LegacyVideo)
        path = _first(source, video.paths, "videos") or source.find(None, "videos", name=video.filename)
        why = _missing(index, path, (*video.paths, video.filename)[0])
        if path is None or why:
            index.tell(Oddity("data/videos.json", video.id, why, NOT_TAKEN))
            continue
        index.do("UPDATE video SET path = ?, size = ? WHERE id = ?", str(path), path.stat().st_size, video.id)
    for row in list(index.all("SELECT id, row FROM export")):
        export = unpack(row["row"], LegacyExport)
        usual = f"v{export.version}_final.mp4"
        folders = (f"export/{export.project}", "export", "archive")
        archive, place = f"archive/{export.id}_{usual}", f"export/{export.project}/{usual}"
        path = _first(source, export.keys, *folders) or source.find(archive if export.archived else place)
        if path is None and not export.keys:
            path = source.find(BEFORE_VERSIONS.format(export.project))
        if why := _missing(index, path, (*export.keys, usual)[0]):
            index.tell(Oddity("data/exportVersions.json", export.id, why, DELETED))
            path = None
        profile = EXTENSIONS.get(path.suffix.lower(), "mp4") if path is not None else "mp4"
        index.do(
            "UPDATE export SET path = ?, size = ?, profile = ? WHERE id = ?",
            None if path is None else str(path), None if path is None else path.stat().st_size, profile, export.id,
        )  # fmt: skip
    _find_proxies(source, index)


def _missing(index: Index, path: Path | None, written: str) -> str:
    """Why there is no file to take; nothing where there is one."""
    if path is None:
        return f"its file {written[:200]!r} is not below uploads"
    try:
        path.open("rb").close()
    except OSError as error:
        index.do("INSERT OR IGNORE INTO unreadable VALUES (?)", str(path))
        return f"its file {written[:200]!r} can't be read: {error.strerror}"
    return ""


def _first(source: Source, written: Sequence[str], *folders: str) -> Path | None:
    """The first file that one of these paths leads to."""
    return next((path for each in written if (path := source.find(each, *folders)) is not None), None)


def _find_proxies(source: Source, index: Index) -> None:
    known = {row["id"]: unpack(row["row"], LegacyProject) for row in index.all("SELECT id, row FROM project")}
    for relative, size in source.files():
        found = _PROXY.fullmatch(relative)
        if found and found[1] in known and 0 < int(found[2]) <= limit(index, found[1]):
            path = (source.uploads / relative).resolve()
            if why := _missing(index, path, relative):
                index.tell(Oddity(f"uploads/{relative}", found[1], why, NO_PROXY))
                continue
            values = found[1], int(found[2]), str(path), size
            index.do("INSERT OR IGNORE INTO proxy (project, version, path, size) VALUES (?, ?, ?, ?)", *values)
    for project in known.values():
        for key, kind in ((project.latest_proxy_key, "latestProxyKey"), (project.latest_export_key, "latestExportKey")):
            if key is None:
                continue
            named = source.find(key)
            if named is None or _missing(index, named, key):
                what = f"{kind} {key[:200]!r} leads to no file below uploads that can be read"
                index.tell(Oddity("data/projects.json", project.id, what, "the latest one that has a file is used"))
            elif kind == "latestProxyKey":
                _named_proxy(index, project, key, named)
            else:
                _named_export(index, project, key, named)


def _named_proxy(index: Index, project: LegacyProject, key: str, path: Path) -> None:
    """A proxy that its project names, wherever it lies."""
    if (version := _version_of(index, project, key)) and not _is_taken(index, path):
        values = project.id, version, str(path), path.stat().st_size
        index.do("INSERT OR IGNORE INTO proxy (project, version, path, size) VALUES (?, ?, ?, ?)", *values)


def _named_export(index: Index, project: LegacyProject, key: str, path: Path) -> None:
    """An export that only its project tells of."""
    version = _version_of(index, project, key)
    if not version or _is_taken(index, path):
        return
    found = LegacyExport(f"{project.id}-latest", project.id, version, (key,), pinned=True)
    profile = EXTENSIONS.get(path.suffix.lower(), "mp4")
    index.do(
        "INSERT OR IGNORE INTO export (id, project, version, place, row, given, path, size, profile)"
        " VALUES (?, ?, ?, -1, ?, ?, ?, ?, ?)",
        found.id, project.id, version, pack(found), given_id("x", found.id), str(path), path.stat().st_size, profile,
    )  # fmt: skip
    what = f"latestExportKey {key[:200]!r} is in no row of data/exportVersions.json"
    index.tell(Oddity("data/projects.json", project.id, what, f"taken as an export of version {version}, and pinned"))


def _version_of(index: Index, project: LegacyProject, key: str) -> int:
    """The version that a key tells of, else that of the project."""
    told = _VERSION.search(key.lower())
    return int(told[1]) if told and 0 < int(told[1]) <= limit(index, project.id) else top(index, project.id)


def hash_files(index: Index, progress: Progress) -> None:
    """SHA-256 of every file that will be taken: what names contents, and what proves that they arrived."""
    total = sum(index.number(f"SELECT sum(size) FROM {table}") for table in ("video", "export", "proxy"))  # noqa: S608
    done = 0
    for table in ("video", "export", "proxy"):
        for path, size in [
            (row["path"], row["size"])
            for row in index.all(f"SELECT path, size FROM {table} WHERE path IS NOT NULL AND sha256 IS NULL")  # noqa: S608
        ]:
            try:
                with Path(path).open("rb") as file:
                    sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                _lose(index, table, path, error)
            else:
                index.do(f"UPDATE {table} SET sha256 = ? WHERE path = ?", sha256, path)  # noqa: S608
            done += size
            progress("hashing", done, total)


def _lose(index: Index, table: str, path: str, error: OSError) -> None:
    """A file that turned out to be unreadable in the middle: as if it were not there."""
    why = f"its file {path[-200:]!r} can't be read: {error.strerror}"
    index.do("INSERT OR IGNORE INTO unreadable VALUES (?)", path)
    if table == "proxy":
        for row in list(index.all("SELECT project FROM proxy WHERE path = ?", path)):
            index.tell(Oddity("uploads", row["project"], why, NO_PROXY))
        index.do("DELETE FROM proxy WHERE path = ?", path)
        return
    file, done = ("videos", NOT_TAKEN) if table == "video" else ("exportVersions", DELETED)
    for row in list(index.all(f"SELECT id FROM {table} WHERE path = ?", path)):  # noqa: S608
        index.tell(Oddity(f"data/{file}.json", row["id"], why, done))
    index.do(f"UPDATE {table} SET path = NULL, size = NULL WHERE path = ?", path)  # noqa: S608


def tell_left_over(source: Source, index: Index) -> None:
    """Files that nothing refers to."""
    for relative, size in source.files():
        if not _is_taken(index, (source.uploads / relative).resolve()):
            what = f"a file of {size} bytes that nothing refers to"
            index.tell(Oddity(f"uploads/{relative}", "", what, "left in the source"))


def _is_taken(index: Index, path: Path) -> bool:
    """Whether a row means this file."""
    tables = ("video", "export", "proxy", "unreadable")
    return any(index.one(f"SELECT 1 FROM {table} WHERE path = ?", str(path)) for table in tables)  # noqa: S608
