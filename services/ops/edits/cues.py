"""Reads SubRip and WebVTT as the first versions of captions did. What it reads never changes: histories fold by it.

Files that come now are read by `services.ops.captions`, and versions hold what was read. Strict, line by line, in time
linear in the length. WebVTT: https://www.w3.org/TR/webvtt1/ without its styles, regions and positions. SubRip has no
standard; this is what players agree on, with a full stop before the milliseconds allowed too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

from services.ops.errors import OpsError

CueFormat = Literal["srt", "vtt"]

MAX_TEXT: Final = 2_000

_TIME: Final = r"(?:(\d{1,4}):)?([0-5]\d):([0-5]\d)[.,](\d{3})"
_TIMING: Final = re.compile(rf"[ \t]*{_TIME}[ \t]+-->[ \t]+{_TIME}(?:[ \t].*)?")
_NUMBER: Final = re.compile(r"[ \t]*\d{1,9}[ \t]*")
#: What players take for markup. Other angle brackets, as in `a < b` and `<3`, are text.
_TAG: Final = re.compile(
    r"</?(?:b|i|u|s|c|v|font|lang|ruby|rt)(?:[ .\t][^<>]{0,500})?>|<\d[\d:.]{0,20}>|\{\\[^{}]{0,100}\}", re.I
)
_ENTITY: Final = re.compile(r"&(amp|lt|gt|nbsp|lrm|rlm);")
_ENTITIES: Final = {"amp": "&", "lt": "<", "gt": ">", "nbsp": "\u00a0", "lrm": "\u200e", "rlm": "\u200f"}


class Cue(NamedTuple):
    """Words from `start` to `end`, in milliseconds; `line` is where its timing stands in the file, from 1."""

    start: int
    end: int
    text: str
    line: int


class CueError(OpsError):
    """A file of captions is not what it should be at `line`, counted from 1."""

    def __init__(self, line: int, detail: str) -> None:
        super().__init__(f"line {line}: {detail}")


def read(content: str, kind: CueFormat) -> Iterator[Cue]:
    """The cues of a file, in its order, without tags; those without words are left out. Raises CueError."""
    lines = content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    blocks = _blocks(lines)
    if kind == "vtt":
        if not re.match(r"WEBVTT(?:[ \t]|$)", lines[0]):
            raise CueError(1, "a WebVTT file begins with the line WEBVTT")
        # The header goes on to the first empty line.
        next(blocks)
    for first, block in blocks:
        if kind == "vtt" and re.match(r"(?:NOTE|STYLE|REGION)(?:[ \t]|$)", block[0]):
            continue
        cue = _cue(first, block, kind)
        if cue.text:
            yield cue


def _blocks(lines: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Runs of lines that are not empty, each with the number of its first."""
    block: list[str] = []
    for number, line in enumerate([*lines, ""], 1):
        if line.strip():
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []


def _cue(first: int, block: list[str], kind: CueFormat) -> Cue:
    named = "-->" not in block[0] and (kind == "vtt" or _NUMBER.fullmatch(block[0]) is not None)
    at = 1 if named and len(block) > 1 else 0
    line = first + at
    match = _TIMING.fullmatch(block[at])
    if match is None or (kind == "srt" and (match[1] is None or match[5] is None)):
        example = "00:00:01,000 --> 00:00:02,500" if kind == "srt" else "00:01.000 --> 00:02.500"
        raise CueError(line, f"here should be the time of a caption, such as {example}")
    start, end = _milliseconds(*match.groups()[:4]), _milliseconds(*match.groups()[4:])
    if end <= start:
        raise CueError(line, "the caption ends before it starts")
    text = _TAG.sub("", "\n".join(part.strip() for part in block[at + 1 :])).strip()
    if kind == "vtt":
        text = _ENTITY.sub(lambda entity: _ENTITIES[entity[1]], text)
    if len(text) > MAX_TEXT:
        raise CueError(line, f"the caption has {len(text)} characters; at most {MAX_TEXT} are allowed")
    return Cue(start, end, text, line)


def _milliseconds(hours: str | None, minutes: str, seconds: str, thousandths: str) -> int:
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(thousandths)
