"""Reads a legacy store into an index and settles what does not fit together: the first half of every run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from cutlog.backfill import rows
from cutlog.backfill.fields import given_id
from cutlog.backfill.index import Index, pack, unpack
from cutlog.backfill.meaning import settle
from cutlog.backfill.oddities import Oddity
from cutlog.backfill.rows import LegacyExport, LegacyOperation, LegacyProject, LegacyVideo
from cutlog.backfill.source import FILES, Seen, Source
from cutlog.backfill.source import rows as read
from cutlog.contract.legacy import Mapping
from cutlog.contract.profiles import ExportProfile

MAX_VERSION: Final = 1_000_000
"""Versions beyond are a mistake of the store: each would be an event."""
EXTENSIONS: Final[dict[str, ExportProfile]] = {
    ".mp4": "mp4", ".m4v": "mp4", ".webm": "webm", ".mov": "prores", ".gif": "gif", ".m4a": "audio",
}  # fmt: skip
BEFORE_VERSIONS: Final = "videos/{}_final.mp4"
"""Where exports of before there were versions lie, below uploads."""
_VERSION: Final = re.compile(r"(?:^|[^a-z])v(\d{1,7})(?:\D|$)")
_PROXY: Final = re.compile(r"proxy/([^/]+)/v(\d{1,7})_proxy\.mp4")

Progress = Callable[[str, int, int], None]
"""Takes what is being done, how much of it is done, and how much there is; bytes or rows."""


class Surveyed(msgspec.Struct, frozen=True):
    """What a store holds, after all that could be settled was. `contents` are videos of different bytes."""

    projects: int
    versions: int
    operations: int
    videos: int
    contents: int
    exports: int
    proxies: int
    bytes: int
    oddities: int


def survey(source: Source, index: Index, folder: Path, progress: Progress, wished: Mapping) -> dict[str, Seen | None]:
    """Fills the index; what each JSON file was when it was read."""
    seen: dict[str, Seen | None] = {}
    for name in FILES:
        copy, seen[name] = source.copy(name, folder, index.tell)
        index.begin()
        for place, row in read(copy, name, index.tell):
            _READERS[name](index, place, row)
            if place % 1_000 == 999:
                progress(f"reading {name}", place + 1, 0)
        index.commit()
        copy.unlink()
    index.begin()
    _recover_projects(index)
    _drop_absurd(index)
    _find_files(source, index)
    settle(index, wished)
    index.commit()
    _hash(index, progress)
    index.begin()
    _same_content(index)
    _one_export_per_version(index)
    _left_over(source, index)
    index.commit()
    return seen


def counted(index: Index) -> Surveyed:
    """The sums of an index."""
    size = "SELECT sum(size) FROM"
    return Surveyed(
        projects=index.number("SELECT count(*) FROM project"),
        versions=sum(top(index, row["id"]) for row in index.all("SELECT id FROM project")),
        operations=index.number("SELECT count(*) FROM operation"),
        videos=index.number("SELECT count(*) FROM video WHERE sha256 IS NOT NULL"),
        contents=index.number("SELECT count(DISTINCT sha256) FROM video"),
        exports=index.number("SELECT count(*) FROM export"),
        proxies=index.number("SELECT count(*) FROM proxy"),
        bytes=index.number(f"{size} video WHERE first = id")
        + index.number(f"{size} export")
        + index.number(f"{size} proxy"),
        oddities=index.number("SELECT count(*) FROM oddity"),
    )


def top(index: Index, project: str) -> int:
    """The version at which a project arrives: the highest that anything tells of. One that begins as a video has a
    version that shows it."""
    row = index.one("SELECT row, film FROM project WHERE id = ?", project)
    told = unpack(row["row"], LegacyProject).current_version if row is not None else None
    least = 1 if row is not None and row["film"] is not None else 0
    found = index.number(
        "SELECT max(v) FROM (SELECT max(version) AS v FROM operation WHERE project = ?1"
        " UNION ALL SELECT max(version) FROM export WHERE project = ?1"
        " UNION ALL SELECT max(version) FROM proxy WHERE project = ?1)",
        project,
    )
    return max(told or 0, found, least)


def _odd(index: Index, name: str, place: int, row: dict[str, Any]) -> Callable[[str, str], None]:
    shown = str(row.get("id", row.get("_id", "")))[:80] or f"#{place}"

    def tell(what: str, done: str) -> None:
        index.tell(Oddity(f"data/{name}.json", shown, what, done))

    return tell


def _add_project(index: Index, place: int, row: dict[str, Any]) -> None:
    odd = _odd(index, "projects", place, row)
    found = rows.project(row, odd)
    if found is None:
        return
    given = _given(index, "project", "p", found.id, odd)
    if index.one("SELECT 1 FROM project WHERE id = ?", found.id):
        odd("the id is there twice", "the later row counts")
    index.do(
        "INSERT OR REPLACE INTO project (id, place, row, given) VALUES (?, ?, ?, ?)",
        found.id,
        place,
        pack(found),
        given,
    )


def _add_video(index: Index, place: int, row: dict[str, Any]) -> None:
    odd = _odd(index, "videos", place, row)
    found = rows.video(row, odd)
    if found is None:
        return
    given = _given(index, "video", "v", found.id, odd)
    if index.one("SELECT 1 FROM video WHERE id = ?", found.id):
        odd("the id is there twice", "the later row counts")
    index.do(
        "INSERT OR REPLACE INTO video (id, place, row, given) VALUES (?, ?, ?, ?)", found.id, place, pack(found), given
    )


def _add_operation(index: Index, place: int, row: dict[str, Any]) -> None:
    odd = _odd(index, "editOperations", place, row)
    found = rows.operation(row, odd)
    if found is None:
        return
    version = found.version
    if version is None:
        version = 1 + index.number("SELECT max(version) FROM operation WHERE project = ?", found.project)
    before = index.one("SELECT row FROM operation WHERE project = ? AND version = ?", found.project, version)
    if before is not None:
        if unpack(before["row"], LegacyOperation).ops == found.ops:
            odd(f"version {version} of {found.project} is there twice", "taken once: both say the same")
            return
        odd(f"version {version} of {found.project} is there twice", "the ops of both are taken, in the file's order")
    index.do("INSERT INTO operation VALUES (?, ?, ?, ?)", found.project, version, place, pack(found))


def _add_export(index: Index, place: int, row: dict[str, Any]) -> None:
    odd = _odd(index, "exportVersions", place, row)
    found = rows.export(row, odd)
    if found is None:
        return
    given = _given(index, "export", "x", found.id, odd)
    if index.one("SELECT 1 FROM export WHERE id = ?", found.id):
        odd("the id is there twice", "the later row counts")
    index.do(
        "INSERT OR REPLACE INTO export (id, project, version, place, row, given) VALUES (?, ?, ?, ?, ?, ?)",
        found.id, found.project, found.version, place, pack(found), given,
    )  # fmt: skip


_READERS: Final = {
    "projects": _add_project, "videos": _add_video, "editOperations": _add_operation, "exportVersions": _add_export,
}  # fmt: skip


def _given(index: Index, table: str, prefix: str, legacy: str, odd: Callable[[str, str], None]) -> str:
    given = given_id(prefix, legacy)
    if given != legacy:
        odd(f"the id {legacy[:80]!r} is not one of ours", f"named {given}")
    return given


def _recover_projects(index: Index) -> None:
    """Projects that only operations or exports tell of."""
    missing = list(
        index.all(
            "SELECT DISTINCT project FROM (SELECT project FROM operation UNION SELECT project FROM export)"
            " WHERE project NOT IN (SELECT id FROM project)"
        )
    )
    for row in missing:
        found = LegacyProject(row["project"], f"recovered {row['project']}"[:200])
        given = given_id("p", found.id)
        index.do("INSERT INTO project (id, place, row, given) VALUES (?, -1, ?, ?)", found.id, pack(found), given)
        index.tell(
            Oddity("data/projects.json", found.id, "operations or exports refer to it, and it is not there",
                   f"made again as {given}, named {found.name!r}")
        )  # fmt: skip


def _drop_absurd(index: Index) -> None:
    for table, file in (("operation", "editOperations"), ("export", "exportVersions")):
        for row in list(index.all(f"SELECT project, version FROM {table} WHERE version > ?", MAX_VERSION)):  # noqa: S608
            index.do(f"DELETE FROM {table} WHERE project = ? AND version = ?", row["project"], row["version"])  # noqa: S608
            what = f"version {row['version']} is beyond {MAX_VERSION}"
            index.tell(Oddity(f"data/{file}.json", row["project"], what, "left out: every version is an event"))
    for row in list(index.all("SELECT id, row FROM project")):
        found = unpack(row["row"], LegacyProject)
        if (found.current_version or 0) > MAX_VERSION:
            kept = msgspec.structs.replace(found, current_version=None)
            index.do("UPDATE project SET row = ? WHERE id = ?", pack(kept), found.id)
            what = f"currentVersion {found.current_version} is beyond {MAX_VERSION}"
            index.tell(Oddity("data/projects.json", found.id, what, "the highest version that has operations counts"))


def _find_files(source: Source, index: Index) -> None:
    for row in list(index.all("SELECT id, row FROM video")):
        video = unpack(row["row"], LegacyVideo)
        path = _first(source, video.paths, "videos") or source.find(None, "videos", name=video.filename)
        if path is None:
            what = f"its file {(*video.paths, video.filename)[0][:200]!r} is not below uploads"
            index.tell(Oddity("data/videos.json", video.id, what, "not taken; what uses it is kept verbatim"))
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
        if path is None:
            what = f"its file {(*export.keys, usual)[0][:200]!r} is not below uploads"
            index.tell(Oddity("data/exportVersions.json", export.id, what, "taken as a deleted export"))
        profile = EXTENSIONS.get(path.suffix.lower(), "mp4") if path is not None else "mp4"
        index.do(
            "UPDATE export SET path = ?, size = ?, profile = ? WHERE id = ?",
            None if path is None else str(path), None if path is None else path.stat().st_size, profile, export.id,
        )  # fmt: skip
    _find_proxies(source, index)


def _first(source: Source, written: Sequence[str], *folders: str) -> Path | None:
    """The first file that one of these paths leads to."""
    return next((path for each in written if (path := source.find(each, *folders)) is not None), None)


def _find_proxies(source: Source, index: Index) -> None:
    known = {row["id"]: unpack(row["row"], LegacyProject) for row in index.all("SELECT id, row FROM project")}
    for relative, size in source.files():
        found = _PROXY.fullmatch(relative)
        if found and found[1] in known and 0 < int(found[2]) <= MAX_VERSION:
            values = (found[1], int(found[2]), str((source.uploads / relative).resolve()), size)
            index.do("INSERT OR IGNORE INTO proxy (project, version, path, size) VALUES (?, ?, ?, ?)", *values)
    for project in known.values():
        for key, kind in ((project.latest_proxy_key, "latestProxyKey"), (project.latest_export_key, "latestExportKey")):
            if key is None:
                continue
            if (path := source.find(key)) is None:
                what = f"{kind} {key[:200]!r} leads to no file below uploads"
                index.tell(Oddity("data/projects.json", project.id, what, "the latest that has a file counts"))
            elif kind == "latestProxyKey":
                _named_proxy(index, project, key, path)
            else:
                _named_export(index, project, key, path)


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
    return int(told[1]) if told and 0 < int(told[1]) <= MAX_VERSION else top(index, project.id)


def _hash(index: Index, progress: Progress) -> None:
    """SHA-256 of every file that will be taken: what names contents, and what proves that they arrived."""
    total = sum(index.number(f"SELECT sum(size) FROM {table}") for table in ("video", "export", "proxy"))  # noqa: S608
    done = 0
    for table in ("video", "export", "proxy"):
        for path, size in [
            (row["path"], row["size"])
            for row in index.all(f"SELECT path, size FROM {table} WHERE path IS NOT NULL AND sha256 IS NULL")  # noqa: S608
        ]:
            with Path(path).open("rb") as file:
                sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            index.do(f"UPDATE {table} SET sha256 = ? WHERE path = ?", sha256, path)  # noqa: S608
            done += size
            progress("hashing", done, total)


def _same_content(index: Index) -> None:
    """Videos of the same bytes become one: the first row's, with the uploads of all."""
    index.do(
        "UPDATE video SET first = (SELECT id FROM video AS other WHERE other.sha256 = video.sha256"
        " ORDER BY place LIMIT 1) WHERE sha256 IS NOT NULL"
    )
    for row in index.all("SELECT id, row, sha256, first, given FROM video WHERE sha256 IS NOT NULL"):
        video = unpack(row["row"], LegacyVideo)
        if video.sha256 is not None and video.sha256 != row["sha256"]:
            what = "its sha256 is not that of its file"
            index.tell(Oddity("data/videos.json", video.id, what, f"the file's counts: {row['sha256']}"))
        if row["first"] != row["id"]:
            what = f"the same bytes as video {row['first']}"
            index.tell(Oddity("data/videos.json", video.id, what, "one video with the uploads of both"))


def _one_export_per_version(index: Index) -> None:
    """Of several exports of a version in one profile the last stays where it is; the others are archived."""
    newest: dict[tuple[str, int, str], str] = {}
    for row in list(index.all("SELECT * FROM export ORDER BY project, version, place")):
        export = unpack(row["row"], LegacyExport)
        if row["path"] is None:
            index.do("UPDATE export SET status = 'deleted' WHERE id = ?", export.id)
            continue
        if export.archived:
            index.do("UPDATE export SET status = 'archived' WHERE id = ?", export.id)
            continue
        index.do("UPDATE export SET status = 'ready' WHERE id = ?", export.id)
        place = (export.project, export.version, row["profile"])
        if (other := newest.get(place)) is not None:
            index.do("UPDATE export SET status = 'archived' WHERE id = ?", other)
            what = f"another export of version {export.version}, {export.id}, follows it"
            index.tell(Oddity("data/exportVersions.json", other, what, "taken as an archived export"))
        newest[place] = export.id


def _left_over(source: Source, index: Index) -> None:
    """Files that nothing refers to."""
    for relative, size in source.files():
        if not _is_taken(index, (source.uploads / relative).resolve()):
            what = f"a file of {size} bytes that nothing refers to"
            index.tell(Oddity(f"uploads/{relative}", "", what, "left in the source"))


def _is_taken(index: Index, path: Path) -> bool:
    """Whether a row means this file."""
    tables = ("video", "export", "proxy")
    return any(index.one(f"SELECT 1 FROM {table} WHERE path = ?", str(path)) for table in tables)  # noqa: S608


def versions(index: Index, project: str, after: int) -> Iterator[tuple[int, list[LegacyOperation]]]:
    """Versions after + 1 to the last, each with the rows that tell of it; none for a version that is missing."""
    following = after + 1
    waiting: list[LegacyOperation] = []
    current = 0
    rows_of = "SELECT version, row FROM operation WHERE project = ? AND version > ? ORDER BY version, place"
    for row in index.all(rows_of, project, after):
        if row["version"] != current and waiting:
            yield current, waiting
            following, waiting = current + 1, []
        current = row["version"]
        while following < current:
            yield following, []
            following += 1
        waiting.append(unpack(row["row"], LegacyOperation))
    if waiting:
        yield current, waiting
        following = current + 1
    for version in range(following, top(index, project) + 1):
        yield version, []
