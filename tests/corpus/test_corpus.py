"""Every file of the corpus gives what its record says, and the same in its proxy, its export and single frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import pytest

from tests.corpus.bench import Bench, public
from tests.corpus.listening import pulses, tone
from tests.corpus.records import FILES, ClipOf, ColorAt, Record, Sound, records
from tests.support.blocks import read_blocks
from tests.support.painting import Image, Samples, pictures, samples

ALL = records()
STILLS = 10
"""Single frames that are drawn of a clip, beside those that its record names."""
ROW = 16
"""Single frames in a row, where a clip is too long for all of them."""
ALIKE = 12.0
"""Mean difference, of 255, between a proxy and an export of the same frame, both seen from afar."""
NEAR = 0.03
"""Seconds within which a pulse is right."""

Told = Callable[[str, object], None]


def test_every_file_has_a_record_and_every_record_a_file() -> None:
    assert {record.file for record in ALL} == {path.name for path in FILES.iterdir()}


def test_there_are_many_files_and_many_of_other_programs() -> None:
    others = [record for record in ALL if record.made.startswith(("PyPI ", "CPython ", "github.com/", "golang.org/"))]
    assert len({record.file for record in ALL}) >= 200 and len(others) >= 60


@pytest.mark.few(2, reason="one more file with its proxy and export")
@pytest.mark.parametrize(
    "record",
    [pytest.param(r, id=r.name, marks=() if r.quick else (pytest.mark.corpus,)) for r in ALL],
)
async def test_a_file_gives_what_its_record_says(bench: Bench, record: Record, record_property: Told) -> None:
    record_property("corpus", record.name)
    media = await bench.ingest(record.path)
    found = public(media)
    assert {name: found.get(name) for name in record.facts} == record.facts
    drawn = 0
    for number, clip in enumerate(record.clips):
        assert record.project is not None, "clips need a project"
        film = bench.film(media, record.project, clip)
        proxy, export = await bench.proxy(film), await bench.export(film)
        small, large = list(pictures(proxy)), list(pictures(export))
        stills = sorted({*_spread(clip.end - clip.start), *(frame - clip.start for frame in clip.stills)})
        singles = {frame: await bench.still(film, frame) for frame in stills}
        drawn += len(singles)
        _agree(record, clip, small, large, singles)
        if number == 0:
            _colors(record.colors, small, large)
            if record.bar is not None:
                for images in (large, small):
                    places = [_one_bar(image) for image in images]
                    assert all(abs(b - a - record.bar.step) < 2 for a, b in pairwise(places)), [*map(round, places)]
            if record.sound is not None:
                for heard in (samples(proxy), samples(export)):
                    _sound(record.sound, heard)
    frames = sum(clip.end - clip.start for clip in record.clips)
    record_property("looked", f"{len(record.facts)} facts, {frames} frames twice, {drawn} stills")


@pytest.mark.corpus
@pytest.mark.parametrize("record", [pytest.param(record, id=record.name) for record in ALL if record.clips])
async def test_every_single_frame_is_that_of_the_export(bench: Bench, record: Record, record_property: Told) -> None:
    """Proxy and export are compared on every frame above, so all three agree on every frame."""
    assert record.project is not None
    clip, media = record.clips[0], await bench.ingest(record.path)
    film = bench.film(media, record.project, clip)
    large = list(pictures(await bench.export(film)))
    for frame in _every(len(large)):
        single = await bench.still(film, frame)
        apart = float(np.abs(_afar(single) - _afar(large[frame])).mean())
        assert apart < ALIKE, f"frame {frame} differs by {apart:.1f}"
        if clip.shows:
            assert read_blocks(single, record.film) == clip.numbers[frame]
    record_property("corpus", f"{record.name}, single")
    record_property("looked", f"{len(_every(len(large)))} stills")


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
async def test_a_thumbnail_shows_the_frame_that_was_asked_for(bench: Bench) -> None:
    record = next(record for record in ALL if record.name == "opengop-h264")
    media = await bench.ingest(record.path)
    assert [read_blocks(await bench.thumbnail(media, frame), record.film) for frame in (0, 47, 119)] == [0, 47, 119]


def _every(frames: int) -> list[int]:
    """All frames of a short clip; of a longer one those at its ends, and some in a row in its middle."""
    if frames <= 3 * ROW:
        return list(range(frames))
    return [*range(ROW), *range(frames // 2, frames // 2 + ROW), *range(frames - ROW, frames)]


def _spread(frames: int) -> list[int]:
    """Frames from the first to the last."""
    return [round(k * (frames - 1) / max(1, STILLS - 1)) for k in range(STILLS)]


def _agree(
    record: Record, clip: ClipOf, small: Sequence[Image], large: Sequence[Image], singles: dict[int, Image]
) -> None:
    length = clip.end - clip.start
    assert (len(small), len(large)) == (length, length)
    if clip.shows:
        assert [read_blocks(image, record.film) for image in large] == clip.numbers, "the export"
        assert [read_blocks(image, record.film) for image in small] == clip.numbers, "the proxy"
        read = {frame: read_blocks(image, record.film) for frame, image in singles.items()}
        assert read == {frame: clip.numbers[frame] for frame in singles}, "single frames"
    for frame in range(length):
        others = [small[frame], *([singles[frame]] if frame in singles else [])]
        for other in others:
            apart = float(np.abs(_afar(other) - _afar(large[frame])).mean())
            assert apart < ALIKE, f"frame {frame} differs by {apart:.1f}"


def _afar(image: Image) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """32 × 18 means."""
    rows = np.linspace(0, image.shape[0], 19).astype(int)
    columns = np.linspace(0, image.shape[1], 33).astype(int)
    light = image.astype(np.float32)
    down = np.stack([light[a:b].mean(axis=0) for a, b in pairwise(rows)])
    return np.stack([down[:, a:b].mean(axis=1) for a, b in pairwise(columns)], axis=1)


def _colors(wanted: Sequence[ColorAt], small: Sequence[Image], large: Sequence[Image]) -> None:
    for place in wanted:
        for image in (large[place.frame], small[place.frame]):
            height, width = image.shape[:2]
            y, x = int(place.y * height), int(place.x * width)
            found = image[max(0, y - 2) : y + 3, max(0, x - 2) : x + 3].reshape(-1, 3).mean(axis=0)
            assert all(abs(a - b) <= place.within for a, b in zip(found, place.rgb, strict=True)), (place, found)


def _one_bar(image: Image) -> float:
    """One white bar on black from top to bottom, with no other rows between its own, and nothing beside it. Where its
    middle is, on a picture 720 wide."""
    light = image.astype(np.float32).mean(axis=2)
    assert float(np.abs(np.diff(light, axis=0)).mean()) < 2, "rows differ from their neighbours"
    bar = light.mean(axis=0)
    white = np.flatnonzero(bar > 128)
    assert len(white), "there is no bar"
    assert white[-1] - white[0] == len(white) - 1, "there is more than one bar"
    beside = np.delete(bar, np.arange(max(0, white[0] - 4), min(len(bar), white[-1] + 5)))
    assert float(beside.max()) < 40, "there is a ghost beside the bar"
    return (int(white[0]) + int(white[-1]) + 1) / 2 * 720 / len(bar)


def _sound(wanted: Sound, heard: Samples) -> None:
    if wanted.pulses is not None:
        found = pulses(heard)
        assert len(found) == len(wanted.pulses), found
        assert all(abs(a - b) < NEAR for a, b in zip(found, wanted.pulses, strict=True)), found
    if wanted.tone is not None:
        found_tone = tone(heard)
        assert found_tone is not None
        assert abs(found_tone - wanted.tone) < 3
