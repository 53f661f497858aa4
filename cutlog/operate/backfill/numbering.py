"""Which versions a project has: those that rows tell of, what is missing between them, and numbers beyond any sense."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import Final, NamedTuple

import msgspec

from cutlog.operate.backfill.index import Index, pack, unpack
from cutlog.operate.backfill.oddities import Oddity
from cutlog.operate.backfill.rows import LegacyOperation, LegacyProject

MAX_VERSION: Final = 1_000_000
"""Versions beyond are a mistake of the store: each would be an event."""
SENSIBLE: Final = 100_000
"""Up to here a version may be missing its operations, and so may nine of ten beyond."""
SHOWN: Final = 10
"""Ranges of missing versions that a line of the report names."""

Rows = list[LegacyOperation]


class Dated(NamedTuple):
    """A version with the rows that tell of it, none where it is missing, and when it was made."""

    version: int
    rows: Rows
    at: datetime | None


def top(index: Index, project: str) -> int:
    """The version at which a project arrives: the highest that anything tells of. One that begins as a video has a
    version that shows it."""
    row = index.one("SELECT row, film FROM project WHERE id = ?", project)
    told = unpack(row["row"], LegacyProject).current_version if row is not None else None
    least = 1 if row is not None and row["film"] is not None else 0
    return max(told or 0, _found(index, project), least)


def _found(index: Index, project: str) -> int:
    return index.number(
        "SELECT max(v) FROM (SELECT max(version) AS v FROM operation WHERE project = ?1"
        " UNION ALL SELECT max(version) FROM export WHERE project = ?1"
        " UNION ALL SELECT max(version) FROM proxy WHERE project = ?1)",
        project,
    )


def limit(index: Index, project: str) -> int:
    """The highest version that makes sense for a project: every one below is an event."""
    rows = index.number("SELECT count(*) FROM operation WHERE project = ? AND version <= ?", project, MAX_VERSION)
    return min(MAX_VERSION, max(SENSIBLE, 10 * rows))


def highest(index: Index, project: str) -> int:
    """The highest version that makes sense of those that operations tell of so far."""
    below = "SELECT max(version) FROM operation WHERE project = ? AND version <= ?"
    found = index.number(below, project, MAX_VERSION)
    return found if found <= SENSIBLE else index.number(below, project, limit(index, project))


def drop_absurd(index: Index) -> None:
    """Leaves out what tells of versions beyond any sense, before anything counts up to them."""
    for row in list(index.all("SELECT id, row FROM project")):
        found = unpack(row["row"], LegacyProject)
        most = limit(index, found.id)
        for table, file in (("operation", "editOperations"), ("export", "exportVersions")):
            beyond = f"FROM {table} WHERE project = ? AND version > ?"
            counted = f"SELECT version, count(*) {beyond} GROUP BY version"
            for version, count in [tuple(each) for each in index.all(counted, found.id, most)]:
                what = f"version {version} of {found.id} is out of range (at most {most}), in {count} rows"
                index.tell(Oddity(f"data/{file}.json", found.id, what, "left out: every version is an event"))
            index.do(f"DELETE {beyond}", found.id, most)
        if (found.current_version or 0) > most:
            kept = msgspec.structs.replace(found, current_version=None)
            index.do("UPDATE project SET row = ? WHERE id = ?", pack(kept), found.id)
            what = f"currentVersion {found.current_version} is out of range (at most {most})"
            index.tell(Oddity("data/projects.json", found.id, what, "the highest version that has operations is used"))


def tell_gaps(index: Index) -> None:
    """Reports versions that nothing tells of, and projects whose currentVersion is not their last."""
    for row in list(index.all("SELECT id, row FROM project")):
        project = unpack(row["row"], LegacyProject)
        last, found = top(index, project.id), _found(index, project.id)
        if project.current_version is not None and project.current_version < found:
            what = f"currentVersion is {project.current_version}, and there are rows or files of version {found}"
            index.tell(Oddity("data/projects.json", project.id, what, f"raised to {found}"))
        there = [
            each["version"]
            for each in index.all("SELECT DISTINCT version FROM operation WHERE project = ?", project.id)
        ]
        if not there and last == 1 and not (project.current_version or found):  # it shows the video, and says so
            continue
        if gaps := list(_gaps(sorted(there), last)):
            missing = sum(end - start + 1 for start, end in gaps)
            named = ", ".join(f"{start}" if start == end else f"{start}-{end}" for start, end in gaps[:SHOWN])
            more = f" and {len(gaps) - SHOWN} more ranges" if len(gaps) > SHOWN else ""
            some = "1 version" if missing == 1 else f"{missing} versions"
            what = f"{some} of {project.id} without operations: {named}{more}"
            done = "versions that change nothing, so that numbers stay"
            index.tell(Oddity("data/editOperations.json", project.id, what, done))


def _gaps(there: Iterable[int], last: int) -> Iterator[tuple[int, int]]:
    before = 0
    for version in chain(there, (last + 1,)):
        if version > before + 1:
            yield before + 1, version - 1
        before = version


def versions(index: Index, project: str, after: int) -> Iterator[tuple[int, Rows]]:
    """Versions after + 1 to the last, each with the rows that tell of it; none for a version that is missing."""
    following = after + 1
    waiting: Rows = []
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


def dated(every: Iterable[tuple[int, Rows]], begun: datetime | None) -> Iterator[Dated]:
    """Versions with their times. One that tells none has that of the version before it, so that time does not run
    backwards; the first ones have that of the project, which was `begun` before them."""
    waiting: list[tuple[int, Rows]] = []
    last: datetime | None = None
    for version, rows in every:
        told = [row.created_at for row in rows if row.created_at is not None]
        if last is None and not told:
            waiting.append((version, rows))
            continue
        if last is None:
            first = told[-1] if begun is None else min(begun, told[-1])
            yield from (Dated(*each, first) for each in waiting)
            waiting = []
        last = told[-1] if told else last
        yield Dated(version, rows, last)
    yield from (Dated(*each, begun) for each in waiting)
