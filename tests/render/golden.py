"""What each feature looks like, pinned: names of segments, digests of their pixels, and a small picture of each.

`make golden` writes the files anew, those of `names.py` too, after a change of pictures that was meant.
"""

from __future__ import annotations

import asyncio
import hashlib
import platform
import tempfile
from pathlib import Path
from typing import Final

import av
import msgspec
import numpy as np

from cutlog.blobs import LocalBlobs
from cutlog.contract.timeline import Timeline
from services.render.plan.segments import plan
from services.render.produce.orders import Order
from tests.render import names
from tests.render.features import SAMPLE, films, sepia
from tests.render.screening import png, profile
from tests.render.studio import Studio
from tests.support.encoders import bundled
from tests.support.painting import Image, pictures
from tests.support.shelf import begin
from tests.support.typefaces import VARIABLE

LOOKS: Final = Path(__file__).with_name("golden.json")
PICTURES: Final = Path(__file__).with_name("golden.npz")
PART: Final = 4
"""A picture is kept as the means of squares of so many pixels."""


class Look(msgspec.Struct, frozen=True):
    """The names of a film's segments, and the SHA-256 of all its decoded pictures."""

    segments: tuple[str, ...]
    pixels: str


class Golden(msgspec.Struct, frozen=True):
    """By feature; and what they were drawn by: the build of ffmpeg, and what the processor can do."""

    ffmpeg: str
    processor: str
    looks: dict[str, Look]


def processor() -> str:
    """The architecture, with those of its extensions by which ffmpeg chooses how it adds up."""
    flags = Path("/proc/cpuinfo").read_text().partition("\nflags")[2].partition("\n")[0].split()
    return " ".join([platform.machine(), *sorted({"avx2", "fma", "avx512f", "avx512vl"} & {*flags})])


async def seen(studio: Studio, folder: Path) -> tuple[Golden, dict[str, Image]]:
    """All features as they are drawn now, with the picture of the middle of each."""
    (folder / "table.png").write_bytes(png(sepia()))
    media = await studio.ingest("sample", SAMPLE)
    table = await studio.ingest("table", folder / "table.png")
    font = await studio.ingest("font", VARIABLE)
    looks, images = {}, {}
    for heading, found in films(media, table, font).items():
        for name, film in found.items():
            looks[f"{heading}: {name}"], images[f"{heading}: {name}"] = await _drawn(studio, film)
    return Golden(studio.ffmpeg.identity, processor(), looks), images


async def _drawn(studio: Studio, film: Timeline) -> tuple[Look, Image]:
    order = Order(timeline=film, profile=profile(1), key=f"export/p_1/{film.digest}.mp4", sync=False)
    path = studio.path(await studio.maker.make(order, studio.told.append))
    digest = hashlib.sha256()
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            digest.update(frame.to_ndarray().tobytes())
    shown = list(pictures(path))
    segments = plan(film, profile(1), studio.ffmpeg.identity).encoded()
    return Look(tuple(segments), digest.hexdigest()), small(shown[len(shown) // 2])


def small(image: Image) -> Image:
    """The means of its squares."""
    height, width = (length // PART * PART for length in image.shape[:2])
    squares = image[:height, :width].reshape(height // PART, PART, width // PART, PART, 3)
    means: Image = squares.mean(axis=(1, 3)).round().astype(np.uint8)
    return means


async def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        studio = Studio(bundled(), LocalBlobs(Path(name) / "objects", "secret"))
        golden, images = await seen(studio, Path(name))
    LOOKS.write_bytes(msgspec.json.format(msgspec.json.encode(golden), indent=1) + b"\n")
    np.savez_compressed(PICTURES, **images)  # type: ignore[arg-type]
    names.write()


if __name__ == "__main__":
    end = begin()
    try:
        asyncio.run(main())
    finally:
        end()
