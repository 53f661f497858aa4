"""Where pictures come to lie."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from cutlog.contract.timeline import Canvas, Fit
from services.render.plan.geometry import Box, Placement, place

HD = Canvas(width=1920, height=1080)
sides = st.integers(16, 4000).map(lambda side: side // 2 * 2)
fits: st.SearchStrategy[Fit] = st.sampled_from(["contain", "cover", "stretch", "none"])


def at(width: int, height: int, fit: Fit, output: tuple[int, int] = (1920, 1080)) -> Placement:
    return place((Fraction(width), Fraction(height)), fit, HD, output)


def test_contain_leaves_bars_at_the_sides() -> None:
    assert at(1080, 1080, "contain") == Placement((1080, 1080), Box(0, 0, 1080, 1080), 420, 0, (1080, 1080))


def test_cover_loses_what_sticks_out() -> None:
    assert at(1080, 1080, "cover") == Placement((1920, 1920), Box(0, 420, 1920, 1080), 0, 0, (1080, 1080))


def test_stretch_fills_the_canvas() -> None:
    assert at(400, 900, "stretch") == Placement((1920, 1080), Box(0, 0, 1920, 1080), 0, 0, (400, 900))


def test_none_keeps_the_pixels_in_the_middle() -> None:
    assert at(640, 360, "none") == Placement((640, 360), Box(0, 0, 640, 360), 640, 360, (640, 360))
    assert at(4000, 360, "none") == Placement((4000, 360), Box(1040, 0, 1920, 360), 0, 360, (4000, 360))


def test_a_proxy_shows_the_same_at_its_size() -> None:
    assert at(960, 540, "none", (854, 480)) == Placement((428, 240), Box(0, 0, 428, 240), 212, 120, (960, 540))


@given(sides, sides, sides, sides, fits)
def test_everything_is_even_and_inside(width: int, height: int, across: int, down: int, fit: Fit) -> None:
    placed = place((Fraction(width), Fraction(height)), fit, Canvas(width=across, height=down), (across, down))
    crop = placed.crop
    numbers = [*placed.scaled, crop.x, crop.y, crop.width, crop.height, placed.x, placed.y]
    assert all(number % 2 == 0 for number in numbers)
    assert min(crop.width, crop.height) > 0
    assert crop.x + crop.width <= placed.scaled[0]
    assert crop.y + crop.height <= placed.scaled[1]
    assert placed.x + crop.width <= across
    assert placed.y + crop.height <= down
