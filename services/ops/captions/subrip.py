"""SubRip, and YouTube's SBV: lines of times, each followed by words until the next one.

Neither has a standard. Like players, this looks for lines of times and takes all between two of them for the words of
the first, so that an empty line in a caption, or none between two, does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from .found import Found
from .markup import plain

_TIME: Final = r"(-?)(?:(\d{1,6})[ ]?:[ ]?)?(\d{1,3})[ ]?:[ ]?(\d{1,2})(?:[ ]?[.,:;][ ]?(\d{1,9}))?"
_TIMINGS: Final = {
    "srt": re.compile(rf"{_TIME}[ ]?-{{1,3}}[ ]?>[ ]?{_TIME}(?:[ ](.*))?"),
    "sbv": re.compile(rf"{_TIME}[ ]?,[ ]?{_TIME}"),
}
#: Lines that were meant to be times: what is wrong with them is told, and their words are of no other caption.
_MEANT: Final = {"srt": re.compile(r".*-->.*"), "sbv": re.compile(r"\d{1,3}:\d\d?\S{0,20},\S{0,20}\d:\d\d\S{0,20}")}
_NUMBER: Final = re.compile(r"\d{1,9}")
#: Longer lines are words: looking for times in them costs nothing.
_LONGEST: Final = 300


class _Timing(NamedTuple):
    """A line of times, in milliseconds; None if they can't be read. `rest` is what follows them."""

    at: int
    times: tuple[int, int] | None
    rest: str


def read(lines: list[str], kind: Literal["srt", "sbv"], found: Found) -> None:
    """Adds what the file holds."""
    timings = list(_timings(lines, kind))
    numbers = kind == "srt"
    first = _before(lines, 0, timings[0].at, None, numbers) if timings else (len(lines), None)
    for index in range(first[0]):
        if lines[index].strip():
            found.drop(index + 1, "there is no time of a caption before these words")
            break
    number = first[1]
    counted = number is not None
    for position, timing in enumerate(timings):
        begin, end = timing.at + 1, len(lines)
        if position + 1 < len(timings):
            end, number = _before(lines, begin, timings[position + 1].at, number, numbers and counted)
        if timing.times is None:
            found.drop(timing.at + 1, f"the time of a caption can't be read; it should be like {_EXAMPLES[kind]}")
            continue
        words = plain(lines[begin:end], found, bool(timing.rest.strip()))
        found.add(*timing.times, words, timing.at + 1)


_EXAMPLES: Final = {"srt": "00:00:01,000 --> 00:00:02,500", "sbv": "0:00:01.000,0:00:02.500"}


def _timings(lines: list[str], kind: Literal["srt", "sbv"]) -> Iterator[_Timing]:
    pattern, meant = _TIMINGS[kind], _MEANT[kind]
    for index, line in enumerate(lines):
        if len(line) > _LONGEST or not (kind == "sbv" or ">" in line):
            continue
        line = " ".join(line.split())
        if (match := pattern.fullmatch(line)) is not None:
            times = (_milliseconds(*match.groups()[:5]), _milliseconds(*match.groups()[5:10]))
            yield _Timing(index, times, (match[11] if kind == "srt" else None) or "")
        elif meant.fullmatch(line) is not None:
            yield _Timing(index, None, "")


def _before(lines: list[str], begin: int, timing: int, last: int | None, numbers: bool) -> tuple[int, int | None]:
    """Where what belongs to a line of times begins, no earlier than `begin`, and the number that the caption has.

    The number is on the line before; or, with empty lines between, if it is the one after the `last`."""
    at = timing - 1
    if not numbers or at < begin:
        return timing, last
    apart = not lines[at].strip()
    while at > begin and not lines[at].strip():
        at -= 1
    line = lines[at].strip()
    if _NUMBER.fullmatch(line) is None or (apart and last is not None and int(line) != last + 1):
        return timing, last
    return at, int(line)


def _milliseconds(sign: str, hours: str | None, minutes: str, seconds: str, fraction: str | None) -> int:
    whole = ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000
    thousandths = int((fraction or "")[:3].ljust(3, "0"))
    return -(whole + thousandths) if sign else whole + thousandths
