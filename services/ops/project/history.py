"""Projects at their newest version or at any: from memory, or folded from the nearest snapshot."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence as Several
from functools import partial
from typing import Final, cast

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.envelope import RawEvent
from cutlog.contract.events import ProjectEvent
from cutlog.contract.subjects import project_stream
from services.ops.decide.project_state import NO_PAST, Past, ProjectState, evolve
from services.ops.decide.refusals import NotFoundError
from services.ops.edits.sequence import Sequence
from services.ops.log.read import LogReader
from services.ops.project import snapshot
from services.ops.project.apart import apart, apart_if
from services.ops.project.asked import LONG
from services.ops.readmodel.sql import statement

log = structlog.get_logger(__name__)

PAGE: Final = 500
MAX_CLIPS: Final = 2_000_000
"""Clips of all cached projects together: about a kilobyte each."""
MAX_PROJECTS: Final = 10_000

_ADD: Final = statement("add_snapshot")
_FIND: Final = statement("find_snapshot")
_GOES_BACK: Final = statement("goes_back")
_BEGINS: Final = statement("begins")

Place = tuple[str, int | None]
"""A project and a version of it; None is the newest."""


class Head(msgspec.Struct, frozen=True):
    """A project's state and the version of its stream that led to it."""

    state: ProjectState
    stream_version: int

    @staticmethod
    def folded(head: Head | None, events: Several[ProjectEvent], tenant: str, past: Past = NO_PAST) -> Head:
        """The head after events that follow; None is before the first. `past` has what they go back to."""
        state, version = (None, 0) if head is None else (head.state, head.stream_version)
        for event in events:
            state = evolve(state, event, tenant, past)
        assert state is not None
        return Head(state, version + len(events))


class History:
    """Folds and remembers. States are immutable, so they are handed out as they are."""

    def __init__(self, engine: AsyncEngine, reader: LogReader) -> None:
        self._engine, self._reader = engine, reader
        self._heads: OrderedDict[str, Head] = OrderedDict()
        self._doubted: set[str] = set()
        self._clips = 0
        self._writing: set[asyncio.Task[None]] = set()

    async def head(self, project_id: str) -> Head | None:
        """The project as this process knows it last, or as the log has it; None, if there is none.

        Another process may have appended since: the log refuses what was decided on an old state, then `doubt`.
        """
        head = self._heads.get(project_id)
        if head is not None and project_id not in self._doubted:
            self._heads.move_to_end(project_id)
            return head
        self._doubted.discard(project_id)
        caught_up = head is not None
        head = await self._fold(project_id, None)
        if head is not None and caught_up:
            self._know(project_id, head)
        elif head is not None:
            self.remember(project_id, head)
        return head

    async def at(self, project_id: str, version: int) -> Sequence:
        """The sequence of a version. Raises NotFoundError."""
        head = await self.head(project_id)
        if head is not None and head.state.version < version:
            self.doubt(project_id)
            head = await self.head(project_id)
        if head is None or version > head.state.version:
            newest = "" if head is None else f"; the newest is {head.state.version}"
            raise NotFoundError(f"There is no version {version}{newest}.")
        if version == head.state.version:
            return head.state.sequence
        past = await self._fold(project_id, version)
        assert past is not None
        assert past.state.version == version
        return past.state.sequence

    async def span(self, project_id: str, first: int, last: int) -> list[Sequence]:
        """The sequences of versions `first` to `last`, both included, which must exist."""
        start = await self._fold(project_id, first)
        known: dict[Place, Sequence] = {}
        back = await self._goes_back(project_id, start, last)
        for project, version in back:
            if version is not None and (project != project_id or version < first):
                known[project, version] = await self.at(project, version)
        wanted: list[Place] = [*back, *((project_id, version) for version in range(first, last + 1))]
        await self._forward(project_id, start, last, wanted, known)
        return [known[project_id, version] for version in range(first, last + 1)]

    def remember(self, project_id: str, head: Head) -> None:
        """This is what the project is now. Every hundredth version is kept as a snapshot, and where a fork starts."""
        before = self._heads.get(project_id)
        if not self._know(project_id, head):
            return
        if before is None:
            if head.stream_version == 1 and head.state.sequence.tracks:
                self._snapshot(project_id, head)
        elif before.state.version // snapshot.EVERY < head.state.version // snapshot.EVERY:
            self._snapshot(project_id, head)

    def _know(self, project_id: str, head: Head) -> bool:
        """Has this in memory, unless what is there is newer; what nobody asked for the longest goes where room ends."""
        before = self._heads.get(project_id)
        if before is not None and before.stream_version > head.stream_version:
            return False
        self._heads[project_id] = head
        self._heads.move_to_end(project_id)
        self._clips += head.state.sequence.clip_count - (before.state.sequence.clip_count if before else 0)
        while len(self._heads) > 1 and (self._clips > MAX_CLIPS or len(self._heads) > MAX_PROJECTS):
            name, evicted = self._heads.popitem(last=False)
            self._doubted.discard(name)
            self._clips -= evicted.state.sequence.clip_count
        return True

    def doubt(self, project_id: str) -> None:
        """What is known may not be the newest any more: what followed is read from the log when it is asked for."""
        if project_id in self._heads:
            self._doubted.add(project_id)

    def heard(self, project_id: str, stream_version: int) -> None:
        """Another process brought the project's stream to that version."""
        head = self._heads.get(project_id)
        if head is not None and head.stream_version < stream_version:
            self._doubted.add(project_id)

    async def settle(self) -> None:
        """Waits for snapshots that are being written."""
        while self._writing:
            await asyncio.wait(self._writing)

    async def _fold(self, project_id: str, version: int | None) -> Head | None:
        """From the nearest snapshot, or what is known, to the end of the stream, or to the event that made `version`.

        What a revert or a fork goes back to is folded first, and so on: each place once, however they are nested.
        """
        known: dict[Place, Sequence] = {}
        goals: list[Place] = [(project_id, version)]
        while True:
            project, until = goals[-1]
            start = self._heads.get(project) if until is None else None
            caught_up = start is not None  # whoever appended what followed has kept snapshots of it
            start = start or await self._snapshotted(project, until)
            before = 0 if start is None else start.state.version
            back = await self._goes_back(project, start, until)
            missing = [
                place
                for place in back
                if place not in known and not (place[0] == project and place[1] is not None and place[1] >= before)
            ]
            if missing:
                goals += missing
                continue
            head = await self._forward(project, start, until, back, known)
            goals.pop()
            if not goals:
                break
            assert head is not None, "what the log goes back to is in it"
            known[project, until] = head.state.sequence
        if head is not None and version is None and not caught_up and head.state.version - before >= snapshot.EVERY:
            self._snapshot(project_id, head)
        return head

    async def _forward(
        self, project: str, head: Head | None, until: int | None, back: Several[Place], known: dict[Place, Sequence]
    ) -> Head | None:
        """`head` and what followed. Notes in `known` those versions that it will come back to."""
        wanted = {version for name, version in back if name == project}
        origin = next((known[place] for place in back if place[0] != project), None)
        past = Past(origin, lambda version: known.get((project, version)))
        if head is not None and head.state.version in wanted:
            known[project, head.state.version] = head.state.sequence
        begins = await self._begins(project) if head is None else 0
        while head is None or until is None or head.state.undone or head.state.version < until:
            seen = begins if head is None else head.stream_version
            events = await self._reader.stream(project_stream(project), seen, limit=PAGE)
            if not events:
                break
            for raw in events:
                # What goes back compares whole timelines, however short it is.
                heavy = len(raw.data) >= LONG or b'"history.' in bytes(raw.data)
                head = await apart_if(heavy, partial(_after, head, raw, past))
                if head.state.undone:
                    continue
                if head.state.version in wanted:
                    known.setdefault((project, head.state.version), head.state.sequence)
                if until is not None and head.state.version >= until:
                    break
                await asyncio.sleep(0)  # other tasks get their turn
        return head

    async def _goes_back(self, project: str, start: Head | None, until: int | None) -> list[Place]:
        """Where events after `start` go back to: versions of the project, and the origin of a fork."""
        seen = 0 if start is None else start.stream_version
        async with self._engine.connect() as connection:
            rows = await connection.exec_driver_sql(_GOES_BACK, (project, seen, until))
            return [(row.project, row.version) for row in rows]

    async def _begins(self, project: str) -> int:
        """After which version of its stream a project begins; an import that was taken back is not told again."""
        async with self._engine.connect() as connection:
            row = (await connection.exec_driver_sql(_BEGINS, (project_stream(project),))).one()
            return int(row.begins)

    async def from_zero(self, project_id: str, version: int, stream_version: int) -> Head | None:
        """The state of a version and of what happened to it until `stream_version`, folded without any snapshot: what
        snapshots are proven by."""
        head = await _FromZero(self._engine, self._reader)._fold(project_id, version)
        while head is not None and head.stream_version < stream_version:
            later = stream_version - head.stream_version
            events = await self._reader.stream(project_stream(project_id), head.stream_version, limit=min(PAGE, later))
            if not events:
                break
            for raw in events:
                head = _after(head, raw, NO_PAST)  # none of them makes a version
        return head

    async def _snapshotted(self, project_id: str, version: int | None) -> Head | None:
        upto = 2**31 - 1 if version is None else version
        async with self._engine.connect() as connection:
            row = (await connection.exec_driver_sql(_FIND, (project_id, snapshot.FORMAT, upto))).one_or_none()
        if row is None:
            return None
        return Head(await apart_if(len(row.state) >= LONG, partial(snapshot.load, row.state)), row.stream_version)

    def _snapshot(self, project_id: str, head: Head) -> None:
        task = asyncio.create_task(self._write(project_id, head), name=f"snapshot {project_id}")
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, project_id: str, head: Head) -> None:
        try:
            dumped = await apart(head.state.sequence.size, partial(snapshot.dump, head.state))
            row = (project_id, head.state.version, head.stream_version, snapshot.FORMAT, dumped)
            async with self._engine.begin() as connection:
                await connection.exec_driver_sql(_ADD, row)
        except Exception:
            # A fold may be longer without it, and nothing else.
            log.exception("snapshot.failed", project=project_id, version=head.state.version)


class _FromZero(History):
    """History as if there were no snapshots."""

    async def _snapshotted(self, project_id: str, version: int | None) -> Head | None:
        return None

    def _snapshot(self, project_id: str, head: Head) -> None:
        """Nothing that is folded here is kept."""


def _after(head: Head | None, raw: RawEvent, past: Past) -> Head:
    event = raw.decode()
    state = evolve(None if head is None else head.state, cast(ProjectEvent, event.data), event.tenant, past)
    return Head(state, event.version)
