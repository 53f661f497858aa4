"""Which picture of a file is on screen at a moment, and from where it can be decoded. Pure.

One place for edit proxies, proxies, exports, single frames and thumbnails, so that they agree on every frame.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, Literal

import msgspec
from msgspec import UNSET

from cutlog.contract.media import MediaFacts, picture_rate
from cutlog.contract.time import Fps
from cutlog.ffmpeg.colors import Filter

#: Containers in which ffmpeg finds the key frame before a moment; in others it reads from the beginning.
_SEEKABLE: Final = frozenset({"mov", "mp4", "matroska", "webm"})
#: Seconds by which a picture of its own time may be late: recorders and containers round to milliseconds. No multiple
#: of a usual clock's tick, so that a rounded time never decides.
_ROUNDED: Final = Fraction(3, 4000)
#: Seconds before the wanted picture that are decoded too: fields are made into pictures with their neighbours.
_MARGIN: Final = Fraction(1, 10)
#: Lead of a source of which nobody noted it: more than any encoder needs to put its pictures in order.
_LEAD: Final = "1"


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """How the pictures of a file are timed: on the grid of a `rate`, or each at its own time where that is None.

    `start`: seconds of frame 0 on the file's own clock; None if only the file itself says. `counted`: pictures follow
    one another whatever the file says. `lead`: seconds before a picture at which its decoding may have to begin.
    """

    rate: Fps | None
    start: str | None = "0"
    counted: bool = False
    interlaced: Literal["top", "bottom"] | None = None
    lead: str = "0"


def clock_of(facts: MediaFacts) -> Clock:
    """The clock of an original with moving pictures."""
    rate, timing = picture_rate(facts), facts.timing
    if timing is UNSET:
        return Clock(rate=facts.fps, start=None, lead=_LEAD)
    return Clock(
        rate=None if rate is None else Fps.of(rate),
        start=timing.start,
        counted=timing.pictures == "counted",
        interlaced=facts.interlaced or None,
        lead=timing.lead,
    )


def clock_of_proxy(facts: MediaFacts) -> Clock:
    """The clock of its edit proxy: frame n at n / its rate, or pictures at their own times."""
    rate = picture_rate(facts)
    return Clock(rate=None if rate is None else Fps.of(rate))


def seek(clock: Clock, start: Fraction, container: str, seconds: Fraction) -> dict[str, str | int | None]:
    """Options of an input from which what is on screen `seconds` after frame 0 is decoded for certain, with -copyts.

    A key frame is not enough: pictures that are shown before it may lean on the group before, and MP4 seeks by the
    times of decoding.
    """
    moment = seconds - Fraction(clock.lead) - _MARGIN
    if moment <= 0 or clock.counted or _SEEKABLE.isdisjoint(container.split(",")):
        return {}
    return {"seek_timestamp": 1, "ss": f"{float(start + moment):.6f}", "noaccurate_seek": None}


def numbered(clock: Clock, start: Fraction, rate: Fraction) -> list[Filter]:
    """Filters after which pictures are frames at `rate`, their timestamps being their numbers. Frame k is what is on
    screen at k / rate; ranges of numbers may be missing at the ends."""
    own, wanted = clock.rate, f"{rate.numerator}/{rate.denominator}"
    filters: list[Filter] = [*_moved(start if own is not None else start + _ROUNDED, clock), *_fields(clock)]
    if own is not None:
        filters.append(("fps", {"fps": f"{own.num}/{own.den}"}))
    if own is None or own.fraction != rate:
        # The frame that is on screen at k / rate is the last one that began: its moment rounded up.
        filters.append(("fps", {"fps": wanted, "round": "up"}))
    return filters


def kept(clock: Clock, start: Fraction) -> list[Filter]:
    """Filters after which pictures have their own times, from 0."""
    return [*_moved(start, clock), *_fields(clock)]


def _moved(start: Fraction, clock: Clock) -> list[Filter]:
    if clock.counted and clock.rate is not None:
        den, num = clock.rate.den * (2 if clock.interlaced else 1), clock.rate.num
        return [("setpts", {"expr": f"round(N*{den}/{num}/TB)"})]
    return [("setpts", {"expr": f"round(PTS-({start.numerator}/{start.denominator})/TB)"})] if start else []


def _fields(clock: Clock) -> list[Filter]:
    """A picture for each field; what is flagged as whole passes."""
    if clock.interlaced is None:
        return []
    return [("bwdif", {"mode": "send_field", "parity": "auto", "deint": "interlaced"})]
