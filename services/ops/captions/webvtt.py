"""WebVTT, by the rules of its parser: https://www.w3.org/TR/webvtt1/#file-parsing.

It differs in what it forgives: a missing header, digits that are missing in a time, a comma in place of its full stop.
"""

from __future__ import annotations

import re
from typing import Final

from .found import Found
from .markup import plain

_TIME: Final = r"(?:(\d{1,6}):)?([0-5]?\d):([0-5]?\d)(?:[.,](\d{1,3}))?"
_TIMING: Final = re.compile(rf"[ \t\f]*{_TIME}[ \t\f]*-->[ \t\f]*{_TIME}((?:[ \t\f].*)?)")
_PLACED: Final = re.compile(r"\b(?:position|line|align|size|vertical|region):")
_LONGEST: Final = 1_000


def read(lines: list[str], found: Found) -> None:
    """Adds what the file holds."""
    at = 0
    if re.match(r"WEBVTT(?:[ \t]|$)", lines[0]):
        at = 1
        # The header goes on to the first empty line, or to a caption that follows at once.
        while at < len(lines) and lines[at].strip() and "-->" not in lines[at]:
            at += 1
    else:
        found.lose("header")
    while at < len(lines):
        if not lines[at].strip():
            at += 1
            continue
        at = _block(lines, at, found)


def _block(lines: list[str], begin: int, found: Found) -> int:
    """Adds what is in the lines from one that is not empty to an empty one, or to the next line of times; where that
    is."""
    end = begin
    timing: int | None = None
    while end < len(lines) and lines[end].strip():
        if "-->" in lines[end]:
            if timing is not None or end > begin + 1:
                break
            timing = end
        end += 1
    if timing is None:
        _other(lines[begin], begin + 1, found)
        return end
    match = _TIMING.fullmatch(lines[timing]) if len(lines[timing]) <= _LONGEST else None
    if match is None:
        found.drop(timing + 1, "the time of a caption can't be read; it should be like 00:01.000 --> 00:02.500")
        return end
    words = plain(lines[timing + 1 : end], found, _PLACED.search(match[9]) is not None, strict=False)
    found.add(_milliseconds(*match.groups()[:4]), _milliseconds(*match.groups()[4:8]), words, timing + 1)
    return end


def _other(line: str, number: int, found: Found) -> None:
    """A block that is no caption."""
    if re.match(r"STYLE[ \t]*$", line):
        found.lose("stylesheet")
    elif re.match(r"REGION[ \t]*$", line):
        found.lose("region")
    elif not re.match(r"NOTE(?:[ \t]|$)", line):
        found.drop(number, "there is no time of a caption with these words")


def _milliseconds(hours: str | None, minutes: str, seconds: str, thousandths: str | None) -> int:
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int((thousandths or "").ljust(3, "0"))
