"""What happens to projects, as it happens: events from the log, progress from the renderers."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager, suppress
from typing import Final

import msgspec
import structlog
from nats.aio.msg import Msg

from cutlog.contract.envelope import RawEvent
from cutlog.contract.jobs import JobKind, Progress
from cutlog.contract.subjects import project_stream
from services.ops.log.read import LogReader

log = structlog.get_logger(__name__)

POLL: Final = 1.0
"""Seconds after which a follower looks for what another process appended."""
PAGE: Final = 500
REMEMBERED: Final = 10_000
STALE: Final = 60.0
"""Seconds after which a renderer that says no more is taken for gone."""

_PROGRESS: Final = msgspec.json.Decoder(Progress)
_Render = tuple[str, JobKind, int, str | None]


class Follower:
    """One listener's wake-up and the progress it has not seen, the newest of each render."""

    def __init__(self) -> None:
        self.woken = asyncio.Event()
        self.progress: dict[_Render, Progress] = {}


class Feed:
    """Followers of projects in this process."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader
        self._followers: dict[str, set[Follower]] = {}
        self._progress: OrderedDict[_Render, tuple[float, Progress]] = OrderedDict()

    def notify(self, project_id: str) -> None:
        """Something was appended to the project's stream."""
        for follower in self._followers.get(project_id, ()):
            follower.woken.set()

    async def heard(self, message: Msg) -> None:
        """A renderer told how far it is (`progress.<project>`)."""
        try:
            progress = _PROGRESS.decode(message.data)
        except msgspec.DecodeError as error:
            log.warning("progress that can't be read", subject=message.subject, error=str(error))
            return
        render = (progress.project_id, progress.kind, progress.version, progress.export_id)
        self._progress[render] = (asyncio.get_running_loop().time(), progress)
        self._progress.move_to_end(render)
        if len(self._progress) > REMEMBERED:
            self._progress.popitem(last=False)
        for follower in self._followers.get(progress.project_id, ()):
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
        with self._following(project_id) as follower:
            while True:
                follower.woken.clear()
                for event in await self._reader.stream(project_stream(project_id), after_version, limit=PAGE):
                    after_version = event.version
                    yield event
                    follower.woken.set()  # there may be more
                told, follower.progress = follower.progress, {}
                for progress in told.values():
                    yield progress
                with suppress(TimeoutError):
                    await asyncio.wait_for(follower.woken.wait(), POLL)

    @contextmanager
    def _following(self, project_id: str) -> Iterator[Follower]:
        follower = Follower()
        self._followers.setdefault(project_id, set()).add(follower)
        try:
            yield follower
        finally:
            followers = self._followers[project_id]
            followers.discard(follower)
            if not followers:
                del self._followers[project_id]
