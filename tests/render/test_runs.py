"""How much of a film one process of ffmpeg makes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from services.render.encode import evenly


def test_two_lanes_end_together() -> None:
    assert evenly(60 * 24, 20 * 24, 2) == 15 * 24
    assert evenly(80 * 24, 20 * 24, 2) == 20 * 24


def test_what_fits_into_one_run_is_one() -> None:
    assert evenly(39, 480, 2) == 480
    assert evenly(480, 480, 2) == 480


@given(st.integers(1, 100_000), st.integers(1, 2_000), st.integers(1, 8))
def test_no_run_is_longer_and_there_are_no_more_than_fill_the_lanes(frames: int, most: int, lanes: int) -> None:
    length = evenly(frames, most, lanes)
    assert 0 < length <= most
    assert -(-frames // length) <= -(-frames // (most * lanes)) * lanes
