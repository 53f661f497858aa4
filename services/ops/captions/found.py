"""What a file of captions holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

#: Cues of a file at most: as many as a track holds.
MAX_CUES: Final = 20_000
#: Characters of a cue.
MAX_TEXT: Final = 2_000
#: Dropped cues that are listed one by one.
MAX_DROPPED: Final = 200


class UnreadableError(Exception):
    """The file is not of its format at all. The message says why."""


class Cue(NamedTuple):
    """Words from `start` to `end`, in milliseconds."""

    start: int
    end: int
    text: str


class Dropped(NamedTuple):
    """What stands at a line of the file, counted from 1, and is in no cue."""

    line: int
    detail: str


class Found:
    """Collects what a reader finds. `lost` counts the cues whose style or position is not kept."""

    def __init__(self) -> None:
        self.cues: list[Cue] = []
        self.dropped: list[Dropped] = []
        self.more_dropped = 0
        self.lost: dict[str, int] = {}

    def drop(self, line: int, detail: str) -> None:
        """Notes what is not kept."""
        if len(self.dropped) < MAX_DROPPED:
            self.dropped.append(Dropped(line, detail))
        else:
            self.more_dropped += 1

    def lose(self, what: str, count: int = 1) -> None:
        """Notes what is not kept of cues that are."""
        if count:
            self.lost[what] = self.lost.get(what, 0) + count

    def add(self, start: int, end: int, text: str, line: int) -> None:
        """Keeps a cue, in milliseconds, unless it can't be shown."""
        if end <= start:
            self.drop(line, "the caption has no length" if end == start else "the caption ends before it starts")
        elif end <= 0:
            self.drop(line, "the caption ends before the film begins")
        elif len(text) > MAX_TEXT:
            self.drop(line, f"the caption has {len(text)} characters; at most {MAX_TEXT} are allowed")
        elif len(self.cues) >= MAX_CUES:
            self.drop(line, f"a track has at most {MAX_CUES} captions")
        elif not text:
            self.drop(line, "the caption has no text")
        else:
            if start < 0:
                self.lose("time")
            self.cues.append(Cue(max(0, start), end, text))


def tidy(lines: Iterable[str]) -> str:
    """The words of a cue: lines without blanks around them, empty lines and control characters."""
    kept = ("".join(char for char in line if char >= " " and char != "\x7f").strip() for line in lines)
    return "\n".join(line for line in kept if line)
