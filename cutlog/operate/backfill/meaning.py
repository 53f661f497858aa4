"""What a store means where its rows do not say it: settled once for all of it, by what all of it says."""

from __future__ import annotations

from typing import Final

from cutlog.contract.legacy import Conventions
from cutlog.contract.legacy import Mapping as Wished
from cutlog.contract.legacy_meaning import Said, conventions
from cutlog.operate.backfill.index import Index, pack, unpack
from cutlog.operate.backfill.oddities import Oddity
from cutlog.operate.backfill.rows import LegacyOperation, LegacyProject, LegacyVideo

FACT: Final = "conventions"


def settle(index: Index, wished: Wished) -> Conventions:
    """Settles it for what is in the index, and which video each project begins as."""
    said = Said()
    for row in index.all("SELECT project, row FROM operation"):
        for op in unpack(row["row"], LegacyOperation).ops:
            if isinstance(op, dict):
                said.hear(row["project"], op)
    lengths = (unpack(row["row"], LegacyVideo).seconds for row in index.all("SELECT row FROM video"))
    found = conventions(said, max((each for each in lengths if each is not None), default=None), wished)
    index.do("INSERT OR REPLACE INTO fact VALUES (?, ?)", FACT, pack(found))
    for row in list(index.all("SELECT id, row FROM project")):
        project = unpack(row["row"], LegacyProject)
        if project.film is None or project.id in said.adding:
            continue
        if index.one("SELECT 1 FROM video WHERE id = ? AND path IS NOT NULL", project.film) is None:
            what = f"its video {project.film[:80]!r} is not there"
            index.tell(Oddity("data/projects.json", project.id, what, "the project begins empty; its ops are kept"))
            continue
        index.do("UPDATE project SET film = ? WHERE id = ?", project.film, project.id)
        if not project.current_version and index.one("SELECT 1 FROM operation WHERE project = ?", project.id) is None:
            what = "a project of a video, and no version"
            index.tell(Oddity("data/projects.json", project.id, what, "version 1 shows its video"))
    return found


def settled(index: Index) -> Conventions:
    """What `settle` found."""
    row = index.one("SELECT value FROM fact WHERE name = ?", FACT)
    return Conventions() if row is None else unpack(row["value"], Conventions)
