"""How many pictures a second a stream has, and how they come. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Final, Literal

from cutlog.ffmpeg.probing import Ratio, RawStream, RawTimes
from cutlog.ffmpeg.timestamps import GRIDS

MAX_RATE: Final = Fraction(240)
MIN_RATE: Final = Fraction(1)

#: Rates that exist; a measured one this near (as a fraction) is meant to be one of them.
RATES: Final = tuple(
    Fraction(rate)
    for rate in (
        "10", "12", "12.5", "15", "24000/1001", "24", "25", "30000/1001", "30", "48000/1001", "48", "50", "60000/1001",
        "60", "90", "100", "120000/1001", "120", "240",
    )
)  # fmt: skip
NEAR: Final = Fraction(1, 50)
#: Recorders round to milliseconds.
ROUNDED: Final = Fraction(1, 1000)

Rhythm = Literal["regular", "holes", "own"]
"""Pictures come one by one at a rate; on its grid, but not in every frame; or as they like."""


def rate_of(picture: RawStream) -> tuple[Fraction, Rhythm]:
    """The nominal rate, and how pictures come."""
    assert picture.video is not None
    claimed = _sane(picture.video.base_rate, picture.video.average_rate)
    times = picture.times
    if times is None or times.typical <= 0:
        # One picture, or only headers to go by: where both claims differ, the rate varies.
        rate = _snapped(claimed[-1], claimed) if claimed else Fraction(25)
        differ = times is None and len(set(claimed)) > 1 and not _near(claimed[0], claimed[-1])
        return rate, "own" if differ else "regular"
    measured = 1 / picture.seconds(times.typical)
    if times.counted:
        return _snapped(measured, claimed), "regular"
    mean = _mean_rate(picture, times)
    # Coarse ticks blur the typical distance; of a regular source the mean is sharp.
    if _near(mean, measured, Fraction(1, 20)):
        measured = mean
    # Where all are equally far apart, as in GIF, the distance is no rounded one.
    rate = _snapped(measured, claimed, own=times.shortest < times.longest)
    if _irregular(picture, times, rate):
        # Rates such as 29.7 exist too.
        rate = max(MIN_RATE, min(MAX_RATE, mean.limit_denominator(1001)))
    if not _irregular(picture, times, rate):
        return rate, "regular"
    if times.grids:
        return _claimed([Fraction(*grid) for grid in times.grids], claimed), "holes"
    return _brisk(picture, times, claimed), "own"


def _brisk(picture: RawStream, times: RawTimes, claimed: Sequence[Fraction]) -> Fraction:
    """The slowest usual rate, up to a limit, at which no picture of an irregular source is passed over, but for one in
    fifty."""
    shortest = picture.seconds(times.brisk or times.typical)
    usual = [Fraction(*rate) for rate in GRIDS]
    enough = [rate for rate in usual if 1 / rate <= shortest + ROUNDED] or [usual[-1]]
    near = [rate for rate in enough if _near(rate, enough[0], Fraction(1, 500))]
    return _claimed(sorted(near, key=lambda rate: abs(1 / rate - shortest)), claimed)


def _claimed(rates: Sequence[Fraction], claimed: Sequence[Fraction]) -> Fraction:
    """The first of some rates, or the one that the file claims."""
    return next((rate for rate in rates if any(_near(rate, c, Fraction(1, 5000)) for c in claimed)), rates[0])


def _sane(*ratios: Ratio | None) -> list[Fraction]:
    """Those rates that can be true."""
    rates = [Fraction(*ratio) for ratio in ratios if ratio is not None]
    return [rate for rate in rates if MIN_RATE <= rate <= MAX_RATE]


def _mean_rate(picture: RawStream, times: RawTimes) -> Fraction:
    return (times.packets - 1) / picture.seconds(times.last - times.first)


def _near(one: Fraction, other: Fraction, tolerance: Fraction = NEAR) -> bool:
    return abs(one - other) <= other * tolerance


def _snapped(measured: Fraction, claimed: Sequence[Fraction], *, own: bool = True) -> Fraction:
    """The rate that a measured one is meant to be: what the file claims, a usual rate, or the measured one itself.
    Claims of rates that are not usual count where they may be the file's `own`.

    Two rates such as 30 and 30000/1001 are told apart by the claim if there is one, else by which is nearer.
    """
    for rate in claimed:
        usual = min(RATES, key=lambda other: abs(other - rate))
        if _near(rate, measured) and (rate == usual or _near(usual, rate, Fraction(1, 5000))):
            return usual
    usual = min(RATES, key=lambda other: abs(other - measured))
    if _near(measured, usual, Fraction(1, 100)):
        return usual
    meant = next((rate for rate in claimed if own and _near(rate, measured)), measured)
    return max(MIN_RATE, min(MAX_RATE, meant)).limit_denominator(1001)


def _irregular(picture: RawStream, times: RawTimes, rate: Fraction) -> bool:
    """Whether a distance is off by more than a rounded tick and a tenth of a frame, or all together by half a frame."""
    frame, tick = 1 / rate, picture.seconds(1)
    allowed = max(tick * Fraction(3, 2), frame / 10)
    drift = picture.seconds(times.last - times.first) - (times.packets - 1) * frame
    if abs(drift) > max(tick * Fraction(3, 2), frame / 2):
        return True
    return any(abs(picture.seconds(gap) - frame) > allowed for gap in (times.shortest, times.longest))
