"""What happens to projects, as it happens: events from the log, progress from the renderers.

However many listeners there are, a process asks the log once per second, and at once when somebody says that it has
grown; what is new is handed to the listeners. Nothing rests on being told: what is missed is found within the second.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Final

import msgspec
import structlog
from nats.aio.msg import Msg

from cutlog.contract import subjects
from cutlog.contract.envelope import RawEvent
from cutlog.contract.jobs import JobKind, Progress
from cutlog.contract.subjects import project_stream
from cutlog.db.failures import DATABASE_ERRORS
from services.ops.log.read import LogReader

log = structlog.get_logger(__name__)

POLL: Final = 1.0
"""Seconds between two looks at the log."""
PAGE: Final = 1000
BYTES: Final = 4 << 20
"""Of events that are read at once, about."""
HELD: Final = 100
"""Events that wait for a follower at most; one that is slower reads from the log what it missed."""
HELD_BYTES: Final = 1 << 20
REMEMBERED: Final = 10_000
STALE: Final = 60.0
"""Seconds after which a renderer that says no more is taken for gone."""

_PROGRESS: Final = msgspec.json.Decoder(Progress)
_Render = tuple[str, JobKind, int, str | None]


class Follower:
    """One listener: events that it has not seen, unless it is `behind`, and the newest progress of each render."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.behind = True
        self.events: deque[RawEvent] = deque()
        self.progress: dict[_Render, Progress] = {}
        self._bytes = 0

    def offer(self, event: RawEvent) -> None:
        """It happened just now."""
        self.woken.set()
        size = len(bytes(event.data))
        if self.behind or len(self.events) >= HELD or self._bytes + size > HELD_BYTES:
            self.fall_behind()
            return
        self.events.append(event)
        self._bytes += size

    def fall_behind(self) -> None:
        """It reads what it missed from the log."""
        self.behind = True
        self.events.clear()
        self._bytes = 0
        self.woken.set()

    def take(self) -> list[RawEvent]:
        """What waits."""
        events = list(self.events)
        self.events.clear()
        self._bytes = 0
        return events


class Feed:
    """Followers of projects in this process."""

    def __init__(self, reader: LogReader, poll: float = POLL) -> None:
        self._reader, self._poll = reader, poll
        self._followers: dict[str, set[Follower]] = {}
        self._progress: OrderedDict[_Render, tuple[float, Progress]] = OrderedDict()
        self._woken = asyncio.Event()
        self._seen: int | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Looks at the log until `stop` is set, and tells followers."""
        stopping = asyncio.create_task(self._wake_at(stop))
        try:
            while not stop.is_set():
                self._woken.clear()
                try:
                    await self._look()
                except DATABASE_ERRORS as error:
                    log.warning("feed.database_unavailable", error=repr(error))
                except Exception:
                    log.exception("feed.failed")
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._woken.wait(), self._poll)
        finally:
            stopping.cancel()

    def notify(self, project_id: str) -> None:
        """Something was appended to the project's stream."""
        if project_stream(project_id) in self._followers:
            self._woken.set()

    async def heard(self, message: Msg) -> None:
        """A renderer told how far it is (`progress.<project>`)."""
        try:
            progress = _PROGRESS.decode(message.data)
        except msgspec.DecodeError as error:
            log.warning("feed.progress_malformed", subject=message.subject, error=str(error))
            return
        if message.subject != subjects.progress(progress.project_id):
            log.warning("feed.progress_foreign", subject=message.subject, project=progress.project_id)
            return
        render = (progress.project_id, progress.kind, progress.version, progress.export_id)
        self._progress[render] = (asyncio.get_running_loop().time(), progress)
        self._progress.move_to_end(render)
        if len(self._progress) > REMEMBERED:
            self._progress.popitem(last=False)
        for follower in self._followers.get(project_stream(progress.project_id), ()):
            follower.progress[render] = progress
            follower.woken.set()

    def progress(self, project_id: str, kind: JobKind, version: int, export_id: str | None = None) -> Progress | None:
        """How far a render is; None when nobody is at it."""
        told = self._progress.get((project_id, kind, version, export_id))
        if told is None or asyncio.get_running_loop().time() - told[0] > STALE:
            return None
        return told[1]

    async def follow(self, project_id: str, after_version: int) -> AsyncGenerator[RawEvent | Progress]:
        """Events of the stream after `after_version`, each once and in order, and progress in between. Endless."""
        stream = project_stream(project_id)
        with self._following(stream) as follower:
            while True:
                follower.woken.clear()
                while follower.behind:
                    follower.behind = False  # what happens from here on is offered
                    while page := await self._reader.follow(stream, after_version, PAGE, max_bytes=BYTES):
                        for event in page:
                            after_version = event.version
                            yield event
                for event in follower.take():
                    if event.version > after_version:  # others came with a page
                        after_version = event.version
                        yield event
                told, follower.progress = follower.progress, {}
                for progress in told.values():
                    yield progress
                await follower.woken.wait()

    async def _look(self) -> None:
        """One statement where nothing is new."""
        if self._seen is None:
            self._seen = await self._reader.head()
            # Nobody is told of what was appended before: who has looked already may have looked too early.
            for follower in chain.from_iterable(self._followers.values()):
                follower.fall_behind()
        more = True
        while more:
            places = await self._reader.places(self._seen, PAGE)
            followed = [position for position, stream in places if stream in self._followers]
            while followed:
                events = await self._reader.at(followed, max_bytes=BYTES)
                if not events:
                    break  # the log was restored to an earlier moment
                for event in events:
                    for follower in self._followers.get(event.stream, ()):
                        follower.offer(event)
                followed = followed[len(events) :]
            if places:
                self._seen = places[-1][0]
            more = len(places) == PAGE

    async def _wake_at(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._woken.set()

    @contextmanager
    def _following(self, stream: str) -> Iterator[Follower]:
        follower = Follower()
        self._followers.setdefault(stream, set()).add(follower)
        try:
            yield follower
        finally:
            followers = self._followers[stream]
            followers.discard(follower)
            if not followers:
                del self._followers[stream]
