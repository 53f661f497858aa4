"""Plans of versions, each with what an earlier version of its project has of it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final, Generic, TypeVar

from cutlog.contract.timeline import Timeline
from services.render.audio import score as audio
from services.render.audio.score import Score, score, scored
from services.render.plan import segments
from services.render.plan.profiles import Profile
from services.render.plan.segments import Plan, planned
from services.render.produce import aac

#: Projects that are remembered, and spans or chunks of all of them together; the newest one is in any case.
_PROJECTS: Final = 32
_PARTS: Final = 60_000

T = TypeVar("T")


class Plans:
    """What is made of timelines. `engine` is what draws, `filters` the identity of ffmpeg's build.

    They are equal to plans made from nothing, in any process. What was planned last of a project says only what need
    not be looked at again.
    """

    def __init__(self, engine: str, filters: str) -> None:
        self._engine, self._filters = engine, filters
        self._pictures: _Memory[segments.Known] = _Memory()
        self._sound: _Memory[audio.Known] = _Memory()

    def pictures(self, timeline: Timeline, profile: Profile, encode: frozenset[str] = frozenset()) -> Plan:
        """Nothing is copied from edit proxies whose SHA-256 is in `encode`. Raises MediaNotReadyError."""
        about = f"{timeline.tenant} {timeline.project_id} {profile.name}"
        plan, known = planned(timeline, profile, self._engine, encode, self._pictures.get(about))
        self._pictures.put(about, known, len(known.spans))
        return plan

    def sound(self, timeline: Timeline, profile: Profile) -> Score:
        """Raises MediaNotReadyError."""
        if not profile.snap:
            return score(timeline, profile.bitrate, aac.ENCODER, self._filters)
        about = f"{timeline.tenant} {timeline.project_id} {profile.name}"
        found, known = scored(timeline, profile.bitrate, aac.ENCODER, self._filters, self._sound.get(about))
        self._sound.put(about, known, len(known.chunks))
        return found


class _Memory(Generic[T]):
    """The newest of each project, of the projects that were used last. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[T, int]] = OrderedDict()
        self._parts = 0

    def get(self, about: str) -> T | None:
        with self._lock:
            found = self._kept.get(about)
            return None if found is None else found[0]

    def put(self, about: str, known: T, parts: int) -> None:
        with self._lock:
            self._parts += parts - self._kept.pop(about, (None, 0))[1]
            self._kept[about] = known, parts
            while len(self._kept) > 1 and (len(self._kept) > _PROJECTS or self._parts > _PARTS):
                self._parts -= self._kept.popitem(last=False)[1][1]
