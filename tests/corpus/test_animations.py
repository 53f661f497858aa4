"""Animations show each picture for as long as browsers do."""

from __future__ import annotations

import io
from itertools import groupby
from pathlib import Path
from typing import Final

import pytest
from PIL import Image

from cutlog.contract.media import conformed_frames
from cutlog.contract.time import Fps
from tests.corpus.bench import Bench
from tests.corpus.records import ClipOf, Project
from tests.support.painting import Image as Picture
from tests.support.painting import pictures

COLORS: Final = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (220, 220, 30), (30, 200, 200), (200, 30, 200))
FPS: Final = Fps(25, 1)
FORMATS: Final = {"GIF": "gif", "PNG": "png", "WEBP": "webp"}
#: Delays as the file has them, and as they are shown, in milliseconds.
DELAYS: Final = {
    "even": ([40] * 5, [40] * 5),
    "uneven": ([100, 500, 100, 1000, 300], [100, 500, 100, 1000, 300]),
    "none": ([0, 0, 0], [100, 100, 100]),
    "ten": ([10, 20, 10, 60], [100, 20, 100, 60]),
    "no-usual-rate": ([30] * 10, [30] * 10),
    "last-holds": ([100, 100, 4000], [100, 100, 4000]),
    "one-long": ([3000, 100], [3000, 100]),
}

#: What `make test` runs too.
QUICK: Final = {("uneven", "GIF"), ("ten", "GIF"), ("one-long", "GIF"), ("none", "PNG"), ("ten", "PNG")}


def animation(delays: list[int], form: str) -> bytes:
    """Plain pictures, red, green, blue, yellow, cyan and magenta in turn."""
    shown = [Image.new("RGB", (160, 90), COLORS[k % len(COLORS)]) for k in range(len(delays))]
    out = io.BytesIO()
    shown[0].save(out, form, save_all=True, append_images=shown[1:], duration=delays, loop=0)
    return out.getvalue()


def expected(delays: list[int], fps: int) -> list[tuple[int, int]]:
    """The number of the colour and of its frames, where frame k is what is shown at k / fps."""
    ends = [sum(delays[: k + 1]) for k in range(len(delays))]
    frames = -(-ends[-1] * fps // 1000)
    shown = [next(k for k, end in enumerate(ends) if frame * 1000 < end * fps) % len(COLORS) for frame in range(frames)]
    return [(color, len(list(run))) for color, run in groupby(shown)]


def runs(file: Path) -> list[tuple[int, int]]:
    return [(color, len(list(run))) for color, run in groupby(map(_color, pictures(file)))]


def _color(picture: Picture) -> int:
    seen = [int(value) for value in picture[picture.shape[0] // 2, picture.shape[1] // 2]]
    return min(range(len(COLORS)), key=lambda k: sum(abs(a - b) for a, b in zip(COLORS[k], seen, strict=True)))


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
@pytest.mark.parametrize(
    ("name", "form"),
    [
        pytest.param(name, form, marks=() if (name, form) in QUICK else (pytest.mark.corpus,))
        for name in DELAYS
        for form in FORMATS
    ],
)
async def test_every_picture_keeps_its_delay(bench: Bench, tmp_path: Path, name: str, form: str) -> None:
    delays, shown = DELAYS[name]
    file = tmp_path / f"moving.{FORMATS[form]}"
    file.write_bytes(animation(delays, form))
    media = await bench.ingest(file)
    assert media.kind == "video"
    assert abs(float(media.facts.duration) * 1000 - sum(shown)) < 10
    length = conformed_frames(media.kind, media.facts, FPS)
    assert length is not None
    film = bench.film(media, Project(fps=(25, 1), width=160, height=90), ClipOf(start=0, end=length))
    proxy, export = runs(await bench.proxy(film)), runs(await bench.export(film))
    assert proxy == export == expected(shown, FPS.num)


@pytest.mark.few(1, reason="one more file with its proxy and export")
@pytest.mark.parametrize("form", FORMATS)
async def test_a_single_picture_with_a_delay_is_an_image(bench: Bench, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"still.{FORMATS[form]}"
    file.write_bytes(animation([5000], form))
    media = await bench.ingest(file)
    assert (media.kind, media.facts.frames) == ("image", 1)


@pytest.mark.slow(reason="one more file with its proxy and export")
@pytest.mark.corpus
@pytest.mark.parametrize("form", FORMATS)
async def test_delays_of_more_than_a_minute_are_kept(bench: Bench, tmp_path: Path, form: str) -> None:
    file = tmp_path / f"slow.{FORMATS[form]}"
    file.write_bytes(animation([70_000, 100, 90_000], form))
    media = await bench.ingest(file)
    assert abs(float(media.facts.duration) - 160.1) < 1
    assert media.renditions.proxy is not None
    assert media.renditions.proxy.frames == 3
