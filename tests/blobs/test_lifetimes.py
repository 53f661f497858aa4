"""How long links work."""

from __future__ import annotations

from fractions import Fraction

import pytest

from cutlog.blobs import playing_seconds


@pytest.mark.parametrize(
    ("frames", "rate", "seconds"),
    [
        (0, Fraction(25), 600),
        (1, Fraction(25), 601),
        (90_000, Fraction(25), 4200),
        (107_892, Fraction(30_000, 1001), 4200),
        (5 * 3600 * 25 + 3000 * 25, Fraction(25), 21_600),
        (10_000_000, Fraction(1), 21_600),
    ],
)
def test_a_link_to_what_is_played_outlives_it_by_ten_minutes_and_ends_after_six_hours(
    frames: int, rate: Fraction, seconds: int
) -> None:
    assert playing_seconds(frames, rate) == seconds
