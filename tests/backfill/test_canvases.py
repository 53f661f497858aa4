"""Sizes and rates of legacy projects: every one leads to a canvas of ours, and what changes is named."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutlog.contract.timeline import Canvas
from cutlog.operate.backfill.canvases import canvas
from tests.support.chance import examples


@pytest.mark.parametrize(
    ("legacy", "made", "odd"),
    [
        ({"width": 1280, "height": 720, "fps": 25}, {"width": 1280, "height": 720, "fps": [25, 1]}, 0),
        ({"width": "640", "height": 360.0}, {"width": 640, "height": 360}, 0),
        ({"width": 853, "height": 480}, {"width": 854, "height": 480}, 1), ({}, {}, 0),
        ({"width": 10**9, "height": 5}, {}, 1), ({"width": 640}, {}, 1), ({"width": "wide", "height": 2}, {}, 1),
        ({"fps": 29.97}, {"fps": [30000, 1001]}, 0), ({"fps": 23.98}, {"fps": [24000, 1001]}, 0),
        ({"frameRate": "59.94"}, {"fps": [60000, 1001]}, 0), ({"fps": 12.5}, {"fps": [25, 2]}, 0),
        ({"fps": "30000/1001"}, {"fps": [30000, 1001]}, 0), ({"fps": "25"}, {"fps": [25, 1]}, 0),
        ({"fps": 0}, {}, 1), ({"fps": "fast"}, {}, 1), ({"fps": True}, {}, 1),
    ],
)  # fmt: skip
def test_a_size_and_a_rate_are_taken_as_far_as_there_are_such(
    legacy: dict[str, Any], made: dict[str, Any], odd: int
) -> None:
    found, told = canvas(legacy)
    assert (found, len(told)) == (made, odd)


ANYTHING = st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text(max_size=6), st.lists(st.none()))


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("width", "height", "fps", "frameRate"), ANYTHING)))
@settings(max_examples=examples(200))
def test_whatever_a_store_says_is_a_canvas(legacy: dict[str, Any]) -> None:
    msgspec.convert(canvas(legacy)[0], Canvas)
