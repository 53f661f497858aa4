"""Times and rates of other programs as frames of a project. Exact: floats are read as the fractions that they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache
from typing import Final

from cutlog.contract.time import Fps
from services.ops.interchange.schema import RationalTime

#: Rates that SMPTE timecode (and so EDL and FCP7 XML) can count.
TIMECODE_RATES: Final = frozenset(
    {Fps(24000, 1001), Fps(24, 1), Fps(25, 1), Fps(30000, 1001), Fps(30, 1), Fps(48, 1), Fps(50, 1),
     Fps(60000, 1001), Fps(60, 1)}
)  # fmt: skip

_NTSC: Final = tuple(Fraction(nominal * 1000, 1001) for nominal in (24, 30, 48, 60, 120))
_HIGHEST: Final = 240


@lru_cache(maxsize=256)
def rate(value: float) -> Fraction:
    """The rate that is meant: 29.97 and 29.97003 are 30000/1001, 24.0000001 is 24."""
    exact = Fraction(value)
    whole = Fraction(round(exact))
    if whole and abs(exact - whole) < Fraction(1, 10_000):
        return whole
    for ntsc in _NTSC:
        if abs(exact - ntsc) < Fraction(1, 200):
            return ntsc
    return exact.limit_denominator(1_000)


def seconds(time: RationalTime) -> Fraction:
    """A time in seconds."""
    if time.value.is_integer():
        # As a rule, and for thousands of clips.
        per = rate(time.rate)
        return Fraction(int(time.value) * per.denominator, per.numerator)
    return Fraction(time.value) / rate(time.rate)


def frame(moment: Fraction, fps: Fps) -> int:
    """The frame that is nearest to a moment in seconds; of two, the later."""
    frames, parts = 2 * moment.numerator * fps.num, moment.denominator * fps.den
    return (frames + parts) // (2 * parts)


def speed(scalar: float) -> Fraction:
    """A speed as a fraction of small numbers: 0.333333 is 1/3."""
    exact = Fraction(scalar)
    for limit in (100, 1_000, 10_000):
        simple = exact.limit_denominator(limit)
        if abs(simple - exact) < Fraction(1, 100_000):
            return simple
    return exact.limit_denominator(100_000)


def project_rate(rates: Iterable[float]) -> Fps | None:
    """The rate that most things have, of two the higher; None if none can be a project's."""
    counts = Counter(
        found
        for value in rates
        if value >= 1 and 1 <= (found := rate(value)) <= _HIGHEST and found.denominator <= 10**6
    )
    best = max(counts, key=lambda found: (counts[found], found), default=None)
    return None if best is None else Fps.of(best)
