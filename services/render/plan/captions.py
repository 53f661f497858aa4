"""Captions: which words stand when, and how they look where they are burned into the picture. Pure."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

import msgspec

from cutlog.contract.fonts import DEFAULT
from cutlog.contract.timeline import Stroke, TextStyle, Track

#: The lower edge of captions, as a fraction of the canvas height.
FOOT: Final = 0.94
#: Height of the letters, as a fraction of the canvas height.
_SIZE: Final = 0.05
#: Longest line, as a fraction of the canvas width.
_BREADTH: Final = 0.9

_TAG: Final = re.compile(r"<[^>\n]{1,100}>|\{\\[^}\n]{0,100}\}")


class Line(msgspec.Struct, frozen=True):
    """Words on frames [start, end)."""

    start: int
    end: int
    text: str


def lines_of(track: Track) -> list[Line]:
    """What a track's captions say, in order of time without overlap: captions that overlap stand below each other."""
    edges = sorted({edge for caption in track.captions for edge in (caption.start, caption.end)})
    lines: list[Line] = []
    waiting = sorted(track.captions, key=lambda caption: caption.start)
    active: list[tuple[int, str]] = []
    taken = 0
    for start, end in pairwise(edges):
        while taken < len(waiting) and waiting[taken].start <= start:
            active.append((waiting[taken].end, plain(waiting[taken].text)))
            taken += 1
        active = [(until, text) for until, text in active if until > start]
        if text := "\n".join(text for _, text in active if text):
            lines.append(Line(start, end, text))
    return lines


def plain(text: str) -> str:
    """Words without the tags that subtitle files put into them."""
    return _TAG.sub("", text).strip()


def caption_style(text: str, font: str = DEFAULT) -> TextStyle:
    """White with a dark line around it, at the foot of the picture, in lines that the canvas has room for."""
    return TextStyle(
        text=text, font=font, size=_SIZE, y=FOOT, stroke=Stroke(width=0.004), fit="wrap", max_width=_BREADTH
    )
