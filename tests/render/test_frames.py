"""Every frame of a film shows the right frame of the right source."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from cutlog.contract.commands import Output
from cutlog.contract.time import Fps, source_frame
from cutlog.contract.timeline import Clip, FreezeSource, Timeline
from tests.render.studio import Studio, packet_times
from tests.render.timelines import lane, sequence, shot, solid, timeline, title
from tests.support.lanes import later
from tests.support.painting import Image, Mark, Painter, pictures, read_mark, read_marks

Kind = Literal["proxy", "export"]
both = pytest.mark.parametrize("kind", ["proxy", "export"])
HD = (320, 180)


async def rendered(studio: Studio, kind: Kind, of: Timeline) -> Path:
    output: Output = await (studio.proxy(of) if kind == "proxy" else studio.export(of))
    assert output.frames == of.duration
    return studio.path(output)


def expected(of: Timeline, tags: dict[str, int], rates: dict[str, Fps]) -> list[Mark | None]:
    """The mark of each frame, by the definition of a clip, from the one lane of shots."""
    marks: list[Mark | None] = [None] * of.duration
    for clip in of.tracks[0].clips:
        if clip.source.__class__.__name__ != "MediaSource":
            continue
        media, start = clip.source.media, clip.source.start  # type: ignore[union-attr]
        for k in range(clip.frames):
            number = source_frame(start + k, of.canvas.fps.fraction, rates[media].fraction)
            marks[clip.at + k] = Mark(tags[media], number)
    return marks


def colour(image: Image) -> tuple[int, ...]:
    """The mean colour of a picture's middle."""
    height, width = image.shape[:2]
    middle = image[height * 2 // 5 : height * 3 // 5, width * 2 // 5 : width * 3 // 5]
    return tuple(round(float(value)) for value in middle.reshape(-1, 3).mean(axis=0))


def near(found: tuple[int, ...], wanted: tuple[int, ...], by: int = 6) -> bool:
    return all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


@pytest.mark.few(1, reason="renders one more example of its kind")
@both
async def test_trims_off_the_grid_show_the_right_frames(studio: Studio, painted: Painter, kind: Kind) -> None:
    a = await studio.ingest("a", painted(25, 110, HD, tag=1))
    b = await studio.ingest("b", painted(25, 60, HD, tag=2))
    shots = [("a", 13, 40), ("b", 0, 25), ("a", 50, 60), ("b", 59, 1), ("a", 0, 7)]
    clips, at = [], 0
    for media, start, frames in shots:
        clips.append(shot(at, start, frames, media))
        at += frames
    film = timeline(lane(*clips), library=[a, b], size=HD)
    path = await rendered(studio, kind, film)
    rate = Fps(25, 1)
    assert read_marks(path) == expected(film, {"a": 1, "b": 2}, {"a": rate, "b": rate})


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
@both
@pytest.mark.parametrize(
    ("rate", "source"),
    [
        (Fps(25, 1), Fps(30000, 1001)),
        *later(
            "other pairs of rates, by the same rule",
            (Fps(30, 1), Fps(25, 1)),
            (Fps(24000, 1001), Fps(24000, 1001)),
            (Fps(30000, 1001), Fps(24000, 1001)),
            (Fps(24, 1), Fps(50, 1)),
        ),
    ],
    ids=str,
)
async def test_a_source_of_another_rate_is_conformed(
    studio: Studio, painted: Painter, kind: Kind, rate: Fps, source: Fps
) -> None:
    a = await studio.ingest("a", painted(source.fraction, 90, HD, tag=3))
    length = int(90 / source.fraction * rate.fraction) - 1
    film = timeline(sequence((7, 31), (0, 12), (length - 20, 20), of="a"), library=[a], fps=rate, size=HD)
    path = await rendered(studio, kind, film)
    assert read_marks(path) == expected(film, {"a": 3}, {"a": source})


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
@both
async def test_every_frame_is_at_its_exact_moment(studio: Studio, painted: Painter, kind: Kind) -> None:
    rate = Fps(24000, 1001)
    a = await studio.ingest("a", painted(rate.fraction, 70, HD, tag=1, audio=True))
    film = timeline(sequence((5, 60), (3, 40), of="a"), library=[a], fps=rate, size=HD)
    path = await rendered(studio, kind, film)
    times = packet_times(path)
    assert sorted(pts for pts, _ in times) == [1001 * k for k in range(100)]
    decoding = [dts for _, dts in times]
    assert all(after - before == 1001 for before, after in pairwise(decoding))
    assert all(dts <= pts for pts, dts in times)


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
@both
async def test_gaps_and_colours_are_exactly_as_long_as_they_are(studio: Studio, painted: Painter, kind: Kind) -> None:
    a = await studio.ingest("a", painted(25, 60, HD, tag=1))
    film = timeline(
        lane(shot(10, 3, 20, "a"), solid(33, 30, "#c04020"), shot(63, 30, 5, "a")),
        library=[a],
        size=HD,
        background="#2050a0",
    )
    path = await rendered(studio, kind, film)
    assert read_marks(path) == expected(film, {"a": 1}, {"a": Fps(25, 1)})
    shown = [colour(image) for image in pictures(path)]
    assert all(near(shown[k], (0x20, 0x50, 0xA0)) for k in [*range(10), 30, 31, 32])
    assert all(near(shown[k], (0xC0, 0x40, 0x20)) for k in range(33, 63))


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
@both
async def test_upper_tracks_lie_over_lower_ones(studio: Studio, painted: Painter, kind: Kind) -> None:
    a = await studio.ingest("a", painted(25, 60, HD, tag=1))
    small = await studio.ingest("s", painted(25, 60, (80, 90), tag=2))
    film = timeline(
        lane(shot(0, 5, 40, "a")), lane(shot(10, 20, 15, "s", fit="contain"), number=1), library=[a, small], size=HD
    )
    path = await rendered(studio, kind, film)
    images = list(pictures(path))
    assert len(images) == 40
    # A picture of half the height's proportions stands in the middle, on both sides the lower track shows.
    for k, image in enumerate(images):
        width = image.shape[1]
        middle = image[:, width // 4 : width * 3 // 4]
        if 10 <= k < 25:
            assert read_mark(np.ascontiguousarray(middle)) == Mark(2, 20 + k - 10)
        else:
            assert read_mark(image) == Mark(1, 5 + k)


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
@both
async def test_a_title_is_seen_just_while_it_lasts(studio: Studio, painted: Painter, kind: Kind) -> None:
    film = timeline(
        lane(solid(0, 50, "#101010")),
        lane(title(10, 20, "IIIIII\n%{n} 100% \\n 'x' [,;:]", color="#30e050", size=0.3), number=1),
        size=HD,
    )
    path = await rendered(studio, kind, film)

    def bright(image: Image) -> int:
        return int((image[:, :, 1] > 128).sum())

    seen = [bright(image) > image.shape[0] * image.shape[1] // 50 for image in pictures(path)]
    assert seen == [10 <= k < 30 for k in range(50)]


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
@both
async def test_a_still_stands_for_as_long_as_it_is_shown(studio: Studio, painted: Painter, kind: Kind) -> None:
    still = painted(25, 1, HD, tag=9, suffix=".png", encode=("-c:v", "png"), extra=("-update", "1"))
    media = await studio.ingest("i", still)
    film = timeline(lane(shot(5, 0, 40, "i")), library=[media], size=HD)
    path = await rendered(studio, kind, film)
    assert read_marks(path) == [None] * 5 + [Mark(9, 0)] * 40


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
async def test_proxy_and_export_show_the_same(studio: Studio, painted: Painter) -> None:
    a = await studio.ingest("a", painted(25, 60, (240, 180), tag=1))
    film = timeline(lane(shot(3, 7, 30, "a", fit="none")), library=[a], size=HD, background="#804020")
    proxy = list(pictures(await rendered(studio, "proxy", film)))
    export = list(pictures(await rendered(studio, "export", film)))
    for small, large in zip(proxy, export, strict=True):
        rows = np.linspace(0, small.shape[0] - 1, large.shape[0]).round().astype(int)
        columns = np.linspace(0, small.shape[1] - 1, large.shape[1]).round().astype(int)
        difference = np.abs(small[rows][:, columns].astype(float) - large.astype(float))
        assert float(np.median(difference)) < 4
        assert float(difference.mean()) < 12


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
async def test_an_export_holds_its_frames_to_the_size_of_the_canvas(studio: Studio, painted: Painter) -> None:
    a = await studio.ingest("a", painted(25, 30, HD, tag=1))
    film = timeline(sequence((0, 30), of="a"), library=[a], size=(256, 256))
    assert {image.shape for image in pictures(await rendered(studio, "export", film))} == {(256, 256, 3)}
    assert {image.shape for image in pictures(await rendered(studio, "proxy", film))} == {(480, 480, 3)}


@pytest.mark.slow(reason="renders for a second; others of its kind are in the fast lane")
@both
async def test_a_frozen_frame_is_held(studio: Studio, painted: Painter, kind: Kind) -> None:
    a = await studio.ingest("a", painted(25, 60, HD, tag=1))
    held = Clip(id="f", at=10, frames=30, source=FreezeSource(media="a", frame=33))
    film = timeline(lane(shot(0, 2, 10, "a"), held), library=[a], size=HD)
    numbers = [*range(2, 12), *[33] * 30]
    assert read_marks(await rendered(studio, kind, film)) == [Mark(1, number) for number in numbers]
