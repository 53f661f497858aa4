"""Brings what a survey found: videos first, then versions, then the files that were made of them. Each step can be made
again, so a run that was interrupted simply goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import msgspec

from cutlog.client.errors import Conflict
from cutlog.contract.answers.internal import Kept, Landed
from cutlog.operate.backfill.canvases import canvas
from cutlog.operate.backfill.coverage import note
from cutlog.operate.backfill.fields import other_id
from cutlog.operate.backfill.finding import Progress
from cutlog.operate.backfill.index import Index, unpack
from cutlog.operate.backfill.meaning import settled
from cutlog.operate.backfill.numbering import Dated, dated, top, versions
from cutlog.operate.backfill.oddities import Oddity
from cutlog.operate.backfill.originals import Originals
from cutlog.operate.backfill.rendered import Rendered
from cutlog.operate.backfill.rows import LegacyProject, LegacyVideo
from cutlog.operate.backfill.runs import Run
from cutlog.operate.backfill.services import Origin, Services

PAGE_VERSIONS: Final = 500
PAGE_BYTES: Final = 1 << 20
DEEPEST: Final = 20


class Mover:
    """One run at work. `pin` keeps every export from garbage collection; `link` gives files a second name where that
    is possible, instead of copying them."""

    def __init__(
        self, run: Run, index: Index, services: Services, progress: Progress, *, pin: bool, link: bool, dry_run: bool
    ) -> None:
        self._run, self._index, self._services, self._progress = run, index, services, progress
        self._pin, self._link, self._dry_run = pin, link, dry_run
        self._conventions = settled(index)

    async def move(self) -> None:
        """Brings everything that is not there yet. Raises Refused, Unreachable, OSError."""
        of = self._run, self._index, self._services, self._progress
        await Originals(*of, link=self._link, dry_run=self._dry_run).move()
        await self._projects()
        await Rendered(*of, pin=self._pin, link=self._link, dry_run=self._dry_run).move()

    def _media(self, ops: list[Any]) -> tuple[dict[str, str], dict[str, Any]]:
        """The videos that ops may name: our ids by theirs. And what a dry run knows of those that are not here."""
        found: dict[str, str] = {}
        rehearsed: dict[str, Any] = {}
        for word in set(_words(ops)):
            row = self._index.one("SELECT taken, rehearsed FROM video WHERE id = ?", word)
            if row is None or not row["taken"]:
                continue
            found[word] = row["taken"]
            if row["rehearsed"] is not None:
                rehearsed[row["taken"]] = msgspec.json.decode(row["rehearsed"])
        return found, rehearsed

    def _metadata(self, project: LegacyProject, film: str | None) -> dict[str, Any]:
        """What the row said beside what is carried; its video, too, where the project does not begin as that."""
        if project.film is None or film is not None:
            return project.metadata
        row = self._index.one("SELECT taken FROM video WHERE id = ?", project.film)
        known = row["taken"] if row is not None and row["taken"] else project.film
        return project.metadata | {"videoId": known}

    def _seconds(self, film: str | None) -> float | None:
        """How long a video is said to be."""
        row = None if film is None else self._index.one("SELECT row FROM video WHERE id = ?", film)
        return None if row is None else unpack(row["row"], LegacyVideo).seconds

    # --- projects and their versions

    async def _projects(self) -> None:
        index = self._index
        total = sum(top(index, row["id"]) for row in index.all("SELECT id FROM project"))
        done = 0
        for row in list(index.all("SELECT * FROM project ORDER BY place, id")):
            project = unpack(row["row"], LegacyProject)
            try:
                await self._project(project, row["given"], row["film"])
            except Conflict as conflict:
                if conflict.type == "edited-since":
                    self._pass_over(project, row["given"], str(conflict))
                elif conflict.type in ("id-unavailable", "not-imported"):
                    await self._under_another_id(project, row["given"], row["film"])
                else:
                    raise
            done += top(index, project.id)
            self._progress("versions", done, total)

    def _pass_over(self, project: LegacyProject, given: str, why: str) -> None:
        self._index.do("UPDATE project SET passed = 1 WHERE id = ?", project.id)
        what = f"{given} was edited here since it was moved in, and in the store as well: {why}"
        self._index.tell(Oddity("data/projects.json", project.id, what, "skipped: it stays as it is here"))

    async def _under_another_id(self, project: LegacyProject, given: str, film: str | None) -> None:
        """Moves in a project whose id somebody else has."""
        other = other_id("p", project.id, self._run.tenant, self._run.source_id)
        self._index.do("UPDATE project SET given = ? WHERE id = ?", other, project.id)
        what = f"the id {given} is not available"
        self._index.tell(Oddity("data/projects.json", project.id, what, f"named {other}"))
        try:
            await self._project(project, other, film)
        except Conflict as conflict:
            if conflict.type != "edited-since":
                raise
            self._pass_over(project, other, str(conflict))

    async def _project(self, project: LegacyProject, given: str, film: str | None) -> None:
        index = self._index
        async for landed in self._pages(project, given, film):
            index.begin()
            index.do(
                "UPDATE project SET began = ?, touched = ?, landed = ? WHERE id = ?",
                landed.began, landed.touched, landed.version, project.id,
            )  # fmt: skip
            for kept in landed.kept:
                note(index, project.id, kept)
                if self._is_first(project.id, kept):
                    index.tell(_kept(project, kept))
            index.commit()

    def _is_first(self, project: str, kept: Kept) -> bool:
        """Whether no earlier version of a project was kept in the same way."""
        earlier = "SELECT count(*) FROM kept WHERE project = ? AND version < ? AND live = ?"
        return self._index.number(earlier, project, kept.version, kept.live) == 0

    async def _pages(self, project: LegacyProject, given: str, film: str | None) -> AsyncIterator[Landed]:
        """Sends a project page by page; after each where it has landed."""
        origin, sent = Origin.of(self._run, project.id), False
        made, odd = canvas(project.canvas)
        for what in odd:
            self._index.tell(Oddity("data/projects.json", project.id, what, "its content is fitted into that size"))
        for page in _paged(dated(versions(self._index, project.id, 0), project.created_at)):
            named = [*(op for version in page for op in version["ops"]), film]
            videos, rehearsed = self._media(named)
            metadata = self._metadata(project, film)
            begun = project.created_at or page[0]["at"]
            landed = await self._services.versions(
                self._run.id, given, origin, name=project.name, canvas=made,
                created_at=begun, versions=page, videos=videos, film=film if film in videos else None,
                seconds=self._seconds(film), conventions=self._conventions, dry_run=self._dry_run, first=not sent,
                rehearsed=rehearsed, metadata=metadata,
            )  # fmt: skip
            yield landed
            sent = True
        if not sent:
            landed = await self._services.versions(
                self._run.id, given, origin, name=project.name, canvas=made,
                created_at=project.created_at, versions=(), videos={}, film=None, seconds=None,
                conventions=self._conventions, dry_run=self._dry_run, first=True, rehearsed={},
                metadata=self._metadata(project, film),
            )  # fmt: skip
            yield landed


def _kept(project: LegacyProject, kept: Kept) -> Oddity:
    if kept.live:
        what = f"ops of version {kept.version} could not be translated: {kept.why}"
        done = "kept verbatim and left out of the timeline, as are later ones of that kind"
    else:
        what = f"version {kept.version} could not be translated: {kept.why}"
        done = f"from there on, ops are kept verbatim; the timeline stays that of version {kept.version - 1}"
    return Oddity("data/editOperations.json", project.id, what, done)


def _paged(every: Iterator[Dated]) -> Iterator[list[dict[str, Any]]]:
    page: list[dict[str, Any]] = []
    size = 0
    for each in every:
        said = _version(each)
        size += len(msgspec.json.encode(said))
        page.append(said)
        if len(page) == PAGE_VERSIONS or size > PAGE_BYTES:
            yield page
            page, size = [], 0
    if page:
        yield page


def _version(each: Dated) -> dict[str, Any]:
    last = each.rows[-1] if each.rows else None
    return {
        "version": each.version,
        "at": each.at,
        "author": last.author if last else None,
        "message": last.message if last else None,
        "ops": [op for row in each.rows for op in row.ops],
    }


def _words(value: Any, depth: int = 0) -> Iterator[str]:
    """Everything in ops that could be an id."""
    if depth > DEEPEST:
        return
    match value:
        case str() if len(value) <= 255:
            yield value
        case bool():
            return
        case int():
            yield str(value)
        case dict():
            for each in value.values():
                yield from _words(each, depth + 1)
        case list():
            for each in value:
                yield from _words(each, depth + 1)
        case _:
            return
