"""Times, formats, speeds and colours of FCPXML."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import Final, NamedTuple

from . import xml
from .xml import Element

_NAMED: Final = re.compile(r"FFVideoFormat(\d{3,4})[a-z]?(?:p|i)(\d{2,4})")
_RATES: Final = {"2398": Fraction(24000, 1001), "2997": Fraction(30000, 1001), "5994": Fraction(60000, 1001)}
_WIDTHS: Final = {"720": "1280", "1080": "1920", "2160": "3840"}


class Format(NamedTuple):
    """Frames a second, and the size as it is written; empty if it is not told."""

    rate: Fraction
    width: str
    height: str

    @classmethod
    def of(cls, element: Element) -> Format | None:
        """What a format, or the name of a usual one, says; None without a rate."""
        length = seconds(element.get("frameDuration"))
        named = _NAMED.fullmatch(element.get("name", ""))
        rate = 1 / length if length and length > 0 else None
        if rate is None and named is not None:
            rate = _RATES.get(named[2], Fraction(int(named[2])))
        height = element.get("height") or (named[1] if named is not None else "")
        return None if rate is None else cls(rate, element.get("width") or _WIDTHS.get(height, ""), height)


class Retimed(NamedTuple):
    """The speed of a clip where it begins, the first second that it shows, and whether the speed changes."""

    speed: Fraction
    first: Fraction
    changes: bool


def retimed(clip: Element, begin: Fraction, frames: Fraction, rate: Fraction) -> Retimed | None:
    """What the time map of a clip says that begins at a second of its own time and is so many frames long."""
    points = [
        (time, value)
        for each in clip.iterfind("timeMap/timept")
        if (time := seconds(each.get("time"))) is not None and (value := seconds(each.get("value"))) is not None
    ]
    pieces = [(a, (b[1] - a[1]) / (b[0] - a[0])) for a, b in pairwise(points) if b[0] > a[0]]
    if not pieces:
        return None
    at, speed = max(
        (piece for piece in pieces if piece[0][0] <= begin), key=lambda piece: piece[0][0], default=pieces[0]
    )
    first = at[1] + (begin - at[0]) * speed
    if speed < 0:
        # What it begins with is the end of its part of the media.
        first -= Fraction(((frames - 1) * -speed).__floor__() + 1) / rate
    return Retimed(speed, first, len({each for _, each in pieces}) > 1)


def order(kind: str, lane: int) -> tuple[bool, int]:
    """Pictures from the bottom; then sound from what is nearest to them."""
    return (True, -lane) if kind == "Audio" else (False, lane)


def lane_of(item: Element) -> int:
    lane = xml.number(item.get("lane"))
    return int(lane) if lane is not None and abs(lane) < 1_000 else 0


def nearest(frames: Fraction) -> Fraction:
    return Fraction((frames + Fraction(1, 2)).__floor__())


def seconds(text: str | None) -> Fraction | None:
    """A time such as `1001/30000s`, `5s` or `0s`."""
    return xml.number((text or "").strip().removesuffix("s"))


def color_of(text: str) -> str:
    """`1 0.5 0 1` as #ff8000; empty if it is no colour."""
    parts = [xml.number(part) for part in text.split()[:3]]
    if len(parts) < 3 or any(part is None or not 0 <= part <= 1 for part in parts):
        return ""
    return "#" + "".join(f"{round(part * 255):02x}" for part in parts if part is not None)
