"""What ops of another store mean where they do not say it themselves, by what all of them say between them. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from cutlog.contract.legacy import Conventions
from cutlog.contract.legacy import Mapping as Wished

LOUDEST: Final = 2
"""Volumes up to here are factors: twice as loud is the most that editors offer."""
PERCENT: Final = 10
"""Volumes from here on are percent. Between the two nobody can tell."""
LONGEST: Final = 86_400.0
"""Seconds of the longest film where no video says how long it is."""
DEEPEST: Final = 6

_TIMES: Final = frozenset(
    ("start", "end", "starttime", "endtime", "from", "to", "in", "out", "trimstart", "trimend", "duration", "at")
)
_CLIPS: Final = frozenset(("clipid", "clip", "targetid", "target", "itemid"))
_ADDS: Final = re.compile(r"(add|insert|append|import)(clip|video)?")
_SETS_VOLUME: Final = re.compile(r"(set|change)?volume")
_KINDS: Final = frozenset(("type", "op", "operation", "action", "kind", "effect"))
_LEVELS: Final = frozenset(("volume", "level", "value"))


@dataclass
class Said:
    """What the ops of a store say between them. `adding` are the projects whose ops put videos onto the timeline."""

    names_clips: bool = False
    loudest: float = 0.0
    latest: float = 0.0
    adding: frozenset[str] = frozenset()

    def hear(self, project: str, op: Mapping[str, Any]) -> None:
        """Notes one more op."""
        said = list(_arguments(op))
        kinds = {_plain(value) for key, value in said if isinstance(value, str) and key in _KINDS}
        if any(_ADDS.fullmatch(kind) or kind == "clipadd" for kind in kinds):
            self.adding |= {project}
        sets_volume = any(_SETS_VOLUME.fullmatch(kind) for kind in kinds)
        for key, value in said:
            self.names_clips = self.names_clips or (key in _CLIPS and value is not None)
            number = _number(value)
            if number is None:
                continue
            if key == "volume" or (sets_volume and key in _LEVELS):
                self.loudest = max(self.loudest, number)
            if key in _TIMES:
                self.latest = max(self.latest, number)


def conventions(said: Said, longest: float | None, wished: Wished) -> Conventions:
    """What ops mean. `longest` is the length of the longest video in seconds, as far as rows tell."""
    volume: Literal["factor", "percent", "unsure"] = "factor"
    if said.loudest > LOUDEST:
        volume = "percent" if said.loudest >= PERCENT else "unsure"
    # In milliseconds a time of the first second is beyond most films, and a thousandth of it is in one.
    film = LONGEST if longest is None else longest
    milliseconds = said.latest > 20 * film and said.latest / 1000 <= 2 * film
    whole = not said.names_clips and not said.adding
    return Conventions(
        whole_film=whole if wished.whole_film is None else wished.whole_film,
        time=wished.time or ("milliseconds" if milliseconds else "seconds"), volume=wished.volume or volume,
        words=wished.words, ignored=wished.ignored,
    )  # fmt: skip


def _arguments(op: Mapping[str, Any], depth: int = 0) -> Iterator[tuple[str, Any]]:
    for name, value in op.items():
        if isinstance(value, Mapping) and depth < DEEPEST:
            yield from _arguments(value, depth + 1)
        else:
            yield _plain(str(name)), value


def _plain(word: str) -> str:
    return re.sub(r"[^a-z0-9]", "", word.lower())


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
