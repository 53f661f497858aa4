"""Photographs as people have them: each is in the proxy, the export and single frames what a viewer shows."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from services.media.facts.probed import judge
from services.render.produce.still import Stills
from tests.render.studio import Studio
from tests.render.timelines import lane, shot, timeline
from tests.support.lanes import later
from tests.support.painting import Painter
from tests.support.photographs import CLOSE, HEIGHT, QUARTERS, WIDTH, Photograph, furthest, jpeg, jpegs, others, seen
from tests.support.photographs import quarters as upright

slow = pytest.mark.slow(reason="renders one more example of its kind")

Pixels = np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]


def shown(film: Path, size: tuple[int, int]) -> Iterator[Pixels]:
    """The frames of a film in RGB, by the matrix that it names."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(film), "-f", "rawvideo", "-pix_fmt", "rgb24"]
    raw = subprocess.run([*command, "pipe:1"], check=True, capture_output=True).stdout
    yield from np.frombuffer(raw, np.uint8).reshape(-1, size[1], size[0], 3)


def some() -> list[Photograph]:
    """A few of those that make trouble."""
    wanted = {"plain.jpg", "jpeg.png", "turned-5.jpg", "png.jpg", "lossy.webp"}
    return [photo for photo in (*jpegs(), *others()) if photo.name in wanted]


@slow
@pytest.mark.parametrize("photographs", [some, *later("hundreds of photographs are decoded", jpegs, others)])
async def test_a_photograph_of_any_kind_and_name_is_what_a_viewer_shows(
    studio: Studio, tmp_path: Path, photographs: Callable[[], list[Photograph]]
) -> None:
    files = photographs()
    library = []
    for number, photo in enumerate(files):
        path = tmp_path / photo.name
        path.write_bytes(photo.data)
        media = await studio.ingest(f"m{number}", path)
        assert (photo.name, media.kind, media.facts.container) == (photo.name, "image", photo.container)
        assert media.facts.fps is None
        library.append(media)
    clips = [shot(number, 0, 1, media.id) for number, media in enumerate(library)]
    size = (WIDTH, HEIGHT)
    film = timeline(lane(*clips), library=library, size=size)
    for output in (await studio.export(film), await studio.proxy(film)):
        frames = list(shown(studio.path(output), size if "export" in output.key else (854, 480)))
        assert len(frames) == len(files)
        off = {photo.name: furthest(seen(frame), photo.shown) for photo, frame in zip(files, frames, strict=True)}
        assert {name: by for name, by in off.items() if by > CLOSE} == {}


@pytest.mark.slow(reason="forty megapixels are decoded and scaled")
async def test_a_photograph_of_forty_megapixels_is_rendered(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "large.jpg").write_bytes(jpeg(upright(8000, 5000), quality=70))
    media = await studio.ingest("m", tmp_path / "large.jpg")
    assert (media.facts.width, media.facts.height) == (8000, 5000)
    film = timeline(lane(shot(0, 0, 1, "m")), library=[media], size=(WIDTH, 200))
    still = await Stills(studio.maker, studio.blobs, slots=1).still(film, 0, None, "png")
    assert furthest(seen(np.asarray(Image.open(io.BytesIO(still.data))))) <= CLOSE


@slow
async def test_a_truncated_photograph_is_shown_as_far_as_it_goes(studio: Studio, tmp_path: Path) -> None:
    whole = jpeg(upright())
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) * 3 // 4])
    media = await studio.ingest("m", tmp_path / "cut.jpg")
    film = timeline(lane(shot(0, 0, 1, "m")), library=[media], size=(WIDTH, HEIGHT))
    still = await Stills(studio.maker, studio.blobs, slots=1).still(film, 0, None, "png")
    assert furthest(seen(np.asarray(Image.open(io.BytesIO(still.data))))[:2], QUARTERS[:2]) <= CLOSE


@slow
async def test_a_film_is_a_film_whatever_it_is_called(studio: Studio, painted: Painter, tmp_path: Path) -> None:
    clip = painted(25, 10, (320, 180))
    for name in ("film.jpg", "film.png", "film.gif", "film%03d.mp4"):
        (tmp_path / name).write_bytes(clip.read_bytes())
        judged = judge(await studio.ffmpeg.probe(tmp_path / name, times=True))
        assert (judged.kind, judged.facts.frames) == ("video", 10)
        media = await studio.ingest("m", tmp_path / name)
        film = timeline(lane(shot(0, 0, 10, "m")), library=[media], size=(320, 180))
        assert (await studio.export(film)).frames == 10
