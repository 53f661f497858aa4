"""Which segments go into one process of ffmpeg."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from services.render.plan.segments import Digest, Encoded
from services.render.produce.encode import evenly


def film(frames: Iterable[int]) -> list[Encoded]:
    return [Encoded(digest=Digest(str(number)), frames=count, layers=()) for number, count in enumerate(frames)]


def lengths(shares: list[list[Encoded]]) -> list[int]:
    return [sum(segment.frames for segment in share) for share in shares]


def test_a_minute_for_two_lanes_is_four_shares_of_a_quarter() -> None:
    assert lengths(evenly(film([24] * 60), 480, 2)) == [360, 360, 360, 360]


def test_no_short_share_is_left_over() -> None:
    assert lengths(evenly(film([24] * 59 + [7]), 480, 2)) == [360, 360, 336, 367]


def test_what_one_run_may_hold_stays_together() -> None:
    assert lengths(evenly(film([24, 15]), 480, 2)) == [39]
    assert lengths(evenly(film([24] * 20), 480, 2)) == [480]
    assert evenly([], 480, 2) == []


@given(st.lists(st.integers(1, 60), min_size=1, max_size=200), st.integers(60, 2_000), st.integers(1, 8))
def test_shares_are_neighbours_of_even_length(frames: list[int], most: int, lanes: int) -> None:
    segments = film(frames)
    shares = evenly(segments, most, lanes)
    assert [segment for share in shares for segment in share] == segments
    if sum(frames) <= most:
        assert len(shares) == 1
    else:
        even = sum(frames) / (-(-sum(frames) // (most * lanes)) * lanes)
        assert all(abs(length - even) <= max(frames) for length in lengths(shares))
        assert max(lengths(shares)) <= most + max(frames)
