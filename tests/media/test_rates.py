"""How many pictures a second a stream has, told from their moments and from what the file claims."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import msgspec
import pytest

from cutlog.ffmpeg import RawStream
from cutlog.ffmpeg.probing import Ratio
from services.media.facts.rates import rate_of
from tests.media.probes import picture, rounded

MILLISECONDS, FINE = (1, 1000), (1, 90_000)


def told(stream: RawStream, **changes: Any) -> tuple[Fraction | int, str]:
    """The rate, and how pictures come, where the examiner also found those things."""
    if changes:
        assert stream.times is not None
        stream = msgspec.structs.replace(stream, times=msgspec.structs.replace(stream.times, **changes))
    return rate_of(stream)


@pytest.mark.parametrize(
    ("base", "average", "rate", "rhythm"),
    [
        ((25, 1), (25, 1), (25, 1), "regular"),
        ((25, 1), (2501, 100), (25, 1), "regular"),
        ((60, 1), (30, 1), (30, 1), "own"),
        ((30, 1), (30000, 1001), (30, 1), "regular"),
        ((90_000, 1), (25, 1), (25, 1), "regular"),
        ((240, 1), None, (240, 1), "regular"),
        ((241, 1), None, (25, 1), "regular"),
        ((1, 1), None, (1, 1), "regular"),
        ((1, 2), None, (25, 1), "regular"),
        (None, (15, 1), (15, 1), "regular"),
        ((17, 1), (17, 1), (17, 1), "regular"),
        (None, None, (25, 1), "regular"),
    ],
)
def test_without_moments_the_headers_are_believed_as_far_as_they_can_be_true(
    base: Ratio | None, average: Ratio | None, rate: Ratio, rhythm: str
) -> None:
    stream = picture(base)
    assert stream.video is not None
    video = msgspec.structs.replace(stream.video, average_rate=average)
    assert told(msgspec.structs.replace(stream, video=video)) == (Fraction(*rate), rhythm)


def test_a_single_picture_has_the_rate_that_is_claimed_and_comes_regularly() -> None:
    assert told(picture((60, 1), [0], average=(30, 1))) == (30, "regular")
    assert told(picture(None, [0])) == (25, "regular")


@pytest.mark.parametrize(
    ("claimed", "measured", "rate"),
    [
        ((30000, 1001), 30, (30000, 1001)),  # within a fiftieth: the claim decides between neighbours
        (None, 30, (30, 1)),
        ((25, 1), 30, (30, 1)),
        ((2997, 100), 30, (30000, 1001)),  # nearly a usual rate, which is meant
        (None, Fraction(2997, 100), (30000, 1001)),
        ((117, 10), Fraction(117, 10), (117, 10)),
        (None, Fraction(117, 10), (117, 10)),
        ((299, 10), Fraction(299, 10), (299, 10)),  # regular, and too far from 30 for its length
    ],
)
def test_a_regular_source_has_a_usual_rate_where_that_is_near(
    claimed: Ratio | None, measured: Fraction | int, rate: Ratio
) -> None:
    stream = picture(claimed, rounded(Fraction(measured), 300, FINE), FINE)
    found, rhythm = told(stream)
    assert rhythm == "regular"
    assert found == Fraction(*rate) or abs(found - Fraction(*rate)) < Fraction(1, 1000)


def test_of_decoded_moments_only_the_distance_counts() -> None:
    stream = picture((25, 1), [0, 40, 80, 90, 200], MILLISECONDS)
    assert told(stream)[1] == "own"
    assert told(stream, counted=True) == (25, "regular")
    assert told(picture((17, 1), [0, 58, 116], MILLISECONDS), counted=True) == (17, "regular"), "as the file says"


def test_a_gif_has_the_distance_that_it_says_though_the_header_claims_another() -> None:
    stream = picture((26, 1), [0, 4, 8, 12, 16], (1, 100))
    assert told(stream) == (25, "regular")
    odd = picture((100, 3), [3 * n for n in range(20)], (1, 100))
    assert told(odd)[0] == Fraction(100, 3)


def test_coarse_moments_are_told_by_their_mean() -> None:
    for rate in (Fraction(24000, 1001), Fraction(60000, 1001), Fraction(24), Fraction(60)):
        assert told(picture(None, rounded(rate, 600), MILLISECONDS)) == (rate, "regular")


def test_a_clock_may_tick_once_a_picture() -> None:
    assert told(picture(None, [*range(50)], (1, 30))) == (30, "regular")


def test_a_picture_may_be_late_by_a_rounded_tick() -> None:
    starts = rounded(Fraction(120), 300)
    wide = next(n for n in range(100, 200) if starts[n] - starts[n - 1] == 9)
    assert told(picture((120, 1), starts)) == (120, "regular")
    late = [*starts[:wide], starts[wide] + 1, *starts[wide + 1 :]]
    assert told(picture((120, 1), late))[1] == "own", "10 ms are more than a tick and a half too many"


def test_a_rate_that_no_standard_knows_is_the_mean() -> None:
    found, rhythm = told(picture(None, rounded(Fraction(297, 10), 900), MILLISECONDS))
    assert rhythm == "regular" and abs(found - Fraction(297, 10)) < Fraction(1, 1000) and found.denominator <= 1001


def test_one_late_picture_makes_a_source_irregular() -> None:
    starts = rounded(Fraction(25), 100, FINE)
    assert told(picture((25, 1), starts, FINE))[1] == "regular"
    slightly = [*starts[:50], starts[50] + 350, *starts[51:]]
    assert told(picture((25, 1), slightly, FINE))[1] == "regular", "a tenth of a frame is no matter"
    late = [*starts[:50], starts[50] + 400, *starts[51:]]
    assert told(picture((25, 1), late, FINE))[1] == "own"
    early = [*starts[:50], starts[50] - 400, *starts[51:]]
    assert told(picture((25, 1), early, FINE))[1] == "own"


def test_pictures_that_stay_on_a_grid_have_holes_there() -> None:
    starts = [0, 40, 80, 200, 240, 400]
    stream = picture((25, 1), starts, MILLISECONDS)
    assert told(stream, grids=((25, 1), (50, 1))) == (25, "holes")
    assert told(picture((50, 1), starts, MILLISECONDS), grids=((25, 1), (50, 1))) == (50, "holes")
    assert told(picture((30, 1), starts, MILLISECONDS), grids=((25, 1), (50, 1))) == (25, "holes")


@pytest.mark.parametrize(
    ("brisk", "claimed", "rate"),
    [
        (40, None, (25, 1)),
        (41, None, (24, 1)),  # so would 24000/1001, which is further away
        (100, None, (10, 1)),
        (33, (30, 1), (30, 1)),
        (33, (30000, 1001), (30000, 1001)),
        (33, None, (30, 1)),
        (34, None, (30000, 1001)),
        (5, None, (60, 1)),  # no usual rate is fast enough
        (900, None, (2, 1)),
        (999, None, (1, 1)),
    ],
)
def test_an_irregular_source_gets_the_slowest_rate_that_passes_over_none(
    brisk: int, claimed: Ratio | None, rate: Ratio
) -> None:
    stream = picture(claimed, [0, 40, 95, 200, 240, 1400], MILLISECONDS)
    found, rhythm = told(stream, brisk=brisk)
    assert rhythm == "own"
    assert found == Fraction(*rate), float(found)


def test_without_the_brisk_distance_the_commonest_one_counts() -> None:
    assert told(picture(None, [0, 40, 80, 120, 175, 1400], MILLISECONDS)) == (25, "own")


def test_rates_are_never_out_of_reach() -> None:
    assert told(picture(None, rounded(Fraction(1000), 50, FINE), FINE))[0] == 60
    assert told(picture(None, [0, 5000, 10_000, 15_000], MILLISECONDS)) == (1, "own")
