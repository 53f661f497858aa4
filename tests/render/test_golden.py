"""No picture changes under the name that its segment had, and no name without its picture."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.render.golden import LOOKS, PICTURES, Golden, seen
from tests.render.screening import psnr
from tests.render.studio import Studio


@pytest.mark.slow(reason="renders a film of every feature")
async def test_a_name_of_a_segment_stands_for_the_same_pixels_as_ever(studio: Studio, tmp_path: Path) -> None:
    golden = msgspec.json.decode(LOOKS.read_bytes(), type=Golden)
    now, images = await seen(studio, tmp_path)
    assert now.looks.keys() == golden.looks.keys(), "make golden"
    if (now.ffmpeg, now.processor) == (golden.ffmpeg, golden.processor):
        pairs = {name: (look, golden.looks[name]) for name, look in now.looks.items()}
        assert [name for name, (new, old) in pairs.items() if new.segments == old.segments and new != old] == [], (
            "raise the REVISION of services/render/plan/segments.py: pictures changed under the names that they had"
        )
        assert [name for name, (new, old) in pairs.items() if new.pixels == old.pixels and new != old] == [], (
            "segments have other names and the same pictures: all that is cached would be rendered again in vain"
        )
        assert now.looks == golden.looks, "make golden, if both were meant to change"
    with np.load(PICTURES) as kept:
        off = {name: round(psnr(image, kept[name]), 1) for name, image in images.items()}
    assert {name: found for name, found in off.items() if found < 45} == {}
