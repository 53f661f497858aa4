"""Reads a legacy store into an index and settles what does not fit together: the first half of every run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from cutlog.contract.legacy import Mapping
from cutlog.operate.backfill import rows
from cutlog.operate.backfill.fields import given_id
from cutlog.operate.backfill.finding import Progress, find_files, hash_files, tell_left_over
from cutlog.operate.backfill.index import Index, pack, unpack
from cutlog.operate.backfill.json_rows import rows as read
from cutlog.operate.backfill.meaning import settle
from cutlog.operate.backfill.metadata import counting, tell_fields
from cutlog.operate.backfill.numbering import drop_absurd, highest, tell_gaps, top
from cutlog.operate.backfill.oddities import Oddity
from cutlog.operate.backfill.rows import LegacyExport, LegacyOperation, LegacyProject, LegacyVideo
from cutlog.operate.backfill.source import FILES, Seen, Source


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
            try:
                _READERS[name](index, place, row)
            except RecursionError:
                index.tell(Oddity(f"data/{name}.json", f"#{place}", "a row that is nested too deeply", "left out"))
            if place % 1_000 == 999:
                progress(f"reading {name}", place + 1, 0)
        index.commit()
        copy.unlink()
    index.begin()
    _recover_projects(index)
    drop_absurd(index)
    find_files(source, index)
    settle(index, wished)
    tell_gaps(index)
    tell_fields(index)
    index.commit()
    hash_files(index, progress)
    index.begin()
    _same_content(index)
    _one_export_per_version(index)
    tell_left_over(source, index)
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


def _odd(index: Index, name: str, place: int, row: dict[str, Any]) -> Callable[[str, str], None]:
    shown = str(row.get("id", row.get("_id", "")))[:80] or f"#{place}"

    def tell(what: str, done: str) -> None:
        index.tell(Oddity(f"data/{name}.json", shown, what, done))

    return tell


def _add_project(index: Index, place: int, row: dict[str, Any]) -> None:
    odd = _odd(index, "projects", place, row)
    found = rows.project(row, odd, counting(index, "data/projects.json"))
    if found is None:
        return
    given = _given(index, "project", "p", found.id, odd)
    index.do(
        "INSERT OR REPLACE INTO project (id, place, row, given) VALUES (?, ?, ?, ?)",
        found.id,
        place,
        pack(found),
        given,
    )


def _add_video(index: Index, place: int, row: dict[str, Any]) -> None:
    odd = _odd(index, "videos", place, row)
    found = rows.video(row, odd, counting(index, "data/videos.json"))
    if found is None:
        return
    given = _given(index, "video", "v", found.id, odd)
    index.do(
        "INSERT OR REPLACE INTO video (id, place, row, given) VALUES (?, ?, ?, ?)", found.id, place, pack(found), given
    )


def _add_operation(index: Index, place: int, row: dict[str, Any]) -> None:
    odd = _odd(index, "editOperations", place, row)
    found = rows.operation(row, odd, counting(index, "data/editOperations.json"))
    if found is None:
        return
    version = found.version
    if version is None:
        version = 1 + highest(index, found.project)
    others = list(index.all("SELECT row FROM operation WHERE project = ? AND version = ?", found.project, version))
    if others:
        if any(unpack(other["row"], LegacyOperation).ops == found.ops for other in others):
            odd(f"version {version} of {found.project} occurs twice", "taken once: both say the same")
            return
        odd(f"version {version} of {found.project} occurs twice", "the ops of both are taken, in the file's order")
    index.do("INSERT INTO operation VALUES (?, ?, ?, ?)", found.project, version, place, pack(found))


def _add_export(index: Index, place: int, row: dict[str, Any]) -> None:
    odd = _odd(index, "exportVersions", place, row)
    found = rows.export(row, odd, counting(index, "data/exportVersions.json"))
    if found is None:
        return
    given = _given(index, "export", "x", found.id, odd)
    index.do(
        "INSERT OR REPLACE INTO export (id, project, version, place, row, given) VALUES (?, ?, ?, ?, ?, ?)",
        found.id, found.project, found.version, place, pack(found), given,
    )  # fmt: skip


_READERS: Final = {
    "projects": _add_project, "videos": _add_video, "editOperations": _add_operation, "exportVersions": _add_export,
}  # fmt: skip


def _given(index: Index, table: str, prefix: str, legacy: str, odd: Callable[[str, str], None]) -> str:
    """What a row of a table is called here."""
    if index.one(f"SELECT 1 FROM {table} WHERE id = ?", legacy):  # noqa: S608 - one of our tables
        odd("the id occurs twice", "the later row is used")
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
                   f"recreated as {given}, named {found.name!r}")
        )  # fmt: skip


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
            index.tell(Oddity("data/videos.json", video.id, what, f"the file's is used: {row['sha256']}"))
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
