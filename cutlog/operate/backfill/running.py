"""A whole run: survey, move, compare; and what is said of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from cutlog.contract.ids import new_id
from cutlog.contract.keys import ProxyKey, imports_of
from cutlog.contract.legacy import NOTHING_SAID, Conventions, Mapping
from cutlog.operate.backfill.comparing import differences
from cutlog.operate.backfill.coverage import Coverage, covered
from cutlog.operate.backfill.finding import Progress
from cutlog.operate.backfill.index import Index, unpack
from cutlog.operate.backfill.meaning import settle, settled
from cutlog.operate.backfill.moving import Mover
from cutlog.operate.backfill.numbering import top
from cutlog.operate.backfill.oddities import Oddity
from cutlog.operate.backfill.rows import LegacyExport, LegacyProject, LegacyVideo
from cutlog.operate.backfill.runs import REHEARSAL, Run, Runs, discard, source_id
from cutlog.operate.backfill.services import Services
from cutlog.operate.backfill.source import Seen, Source
from cutlog.operate.backfill.survey import Surveyed, counted, survey
from cutlog.operate.backfill.undoing import undo

SEEN = "seen"


class NotEqual(Exception):
    """What was imported differs from what was sent; everything was rolled back."""

    def __init__(self, sentences: list[str]) -> None:
        super().__init__("; ".join(sentences[:20]))
        self.sentences = sentences


class Report(msgspec.Struct, frozen=True, rename="camel"):
    """What a run found and did, or what a dry run says that it would: the same, but for `run`, `dryRun`, `resumed` and
    `seconds`. `kept` counts versions with ops that could not be translated; `seconds` is how long it took, or for a dry
    run how long the run itself may take."""

    run: str
    source: str
    dry_run: bool
    resumed: bool
    found: Surveyed
    conventions: Conventions
    coverage: Coverage
    kept: int
    seconds: float


async def backfill(
    source: Source,
    data: Path,
    progress: Progress,
    *,
    tenant: str,
    dry_run: bool,
    pin: bool,
    link: bool,
    wished: Mapping = NOTHING_SAID,
    begun: Callable[[str, bool], None] = lambda run, resumed: None,
) -> tuple[Report, list[dict[str, Any]]]:
    """Moves a store in, or says what that would do: the report, and a line for each thing.

    `wished` is what its owner says of the store. `begun` is told the run before anything is done, and whether it goes
    on where an earlier attempt was interrupted.

    Raises AnotherRun, NotEqual, NotRunning, Refused, Unreachable, OSError.
    """
    began = time.monotonic()
    runs = Runs(data)
    with runs.alone(), _run(runs, source, tenant, dry_run=dry_run) as (run, resumed, index, folder):
        begun(run.id, resumed)
        async with Services.of(data, tenant) as services:
            await _clear(runs, services, folder)
            seen = _seen(index) if resumed else None
            if seen is None:
                seen = survey(source, index, folder, progress, wished)
                index.do("INSERT OR REPLACE INTO fact VALUES (?, ?)", SEEN, msgspec.msgpack.encode(seen))
            elif wished != NOTHING_SAID:
                settle(index, wished)
            surveyed = time.monotonic()
            mover = Mover(run, index, services, progress, pin=pin, link=link, dry_run=dry_run)
            await mover.move()
            for name, was in seen.items():
                if source.changed(name, was):
                    what = "it changed during the run"
                    index.tell(Oddity(f"data/{name}.json", "", what, "run again to import what is new"))
            if not dry_run:
                if found := await differences(index, services, progress, pin=pin):
                    index.close()
                    await undo(runs, runs.save(run), services)
                    raise NotEqual(found)
                runs.end(run, "moved")
        found_all = counted(index)
        seconds = time.monotonic() - began
        if dry_run:  # what was read once is read, written and compared once more
            seconds += 2 * (surveyed - began)
        kept = index.number("SELECT count(*) FROM kept")
        report = Report(
            run.id, run.source, dry_run, resumed, found_all, settled(index), covered(index), kept, round(seconds, 1)
        )
        return report, list(items(index, pin=pin))


def items(index: Index, *, pin: bool) -> Iterator[dict[str, Any]]:
    """One line for each video, project, version that is kept, export and proxy, and for each oddity."""
    for row in index.all("SELECT * FROM video ORDER BY place"):
        video = unpack(row["row"], LegacyVideo)
        ours = row["taken"] or (row["given"] if row["sha256"] else None)
        yield {
            "item": "video", "id": ours, "legacyId": video.id, "name": video.name, "sha256": row["sha256"],
            "size": row["size"], "refs": video.refs, "sameAs": row["first"] if row["first"] != video.id else None,
        }  # fmt: skip
    for row in index.all("SELECT * FROM project ORDER BY place, id"):
        project = unpack(row["row"], LegacyProject)
        kept = index.number("SELECT min(version) FROM kept WHERE project = ? AND NOT live", project.id)
        yield {
            "item": "project", "id": row["given"], "legacyId": project.id, "name": project.name,
            "versions": top(index, project.id), "keptFrom": kept or None, "passed": bool(row["passed"]),
        }  # fmt: skip
        for version in index.all("SELECT version, why, live FROM kept WHERE project = ? ORDER BY version", project.id):
            yield {
                "item": "kept", "project": row["given"], "version": version["version"], "why": version["why"],
                "live": bool(version["live"]),
            }  # fmt: skip
        for each in index.all("SELECT * FROM export WHERE project = ? ORDER BY version, place", project.id):
            export = unpack(each["row"], LegacyExport)
            yield {
                "item": "export", "id": each["given"], "legacyId": export.id, "project": row["given"],
                "version": export.version, "profile": each["profile"], "status": each["status"], "size": each["size"],
                "pinned": each["status"] != "deleted" and (pin or export.pinned),
            }  # fmt: skip
        for each in index.all("SELECT * FROM proxy WHERE project = ? ORDER BY version", project.id):
            key = str(ProxyKey(row["given"], each["version"]))
            yield {
                "item": "proxy",
                "project": row["given"],
                "version": each["version"],
                "key": key,
                "size": each["size"],
            }
    for oddity in index.oddities():
        yield {"item": "oddity"} | msgspec.structs.asdict(oddity)


async def _clear(runs: Runs, services: Services, folder: Path) -> None:
    """Removes what dry runs left that were killed."""
    for left in runs.rehearsals():
        if left != folder:
            async for blob in services.blobs.list(imports_of(left.name.removeprefix(REHEARSAL))):
                await services.blobs.delete(blob.key)
            discard(left)


@contextmanager
def _run(runs: Runs, source: Source, tenant: str, *, dry_run: bool) -> Iterator[tuple[Run, bool, Index, Path]]:
    """The run, whether it goes on where one was interrupted, its index, and a folder for copies. Of a dry run nothing
    stays."""
    if dry_run:
        run = Run(new_id("b"), str(source.root), source_id(source.root), tenant, "moving", datetime.now(UTC))
        folder = runs.rehearsal(run)
        try:
            with Index(folder / "index.sqlite") as index:
                yield run, False, index, folder
        finally:
            discard(folder)
        return
    run, resumed = runs.begin(source.root, tenant)
    if resumed:
        with runs.index(run) as index:
            complete = index.current and _seen(index) is not None
        if not complete:
            runs.read_again(run)
    with runs.index(run) as index:
        yield run, resumed, index, runs.path(run)


def _seen(index: Index) -> dict[str, Seen | None] | None:
    row = index.one("SELECT value FROM fact WHERE name = ?", SEEN)
    return None if row is None else msgspec.msgpack.decode(row["value"], type=dict[str, Seen | None])
