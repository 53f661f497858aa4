# ruff: noqa: E501
"""Writes docs/GALLERY.md and its pictures: one film per feature, rendered from the sample clip by the renderer itself."""

from __future__ import annotations

import asyncio
import io
import tempfile
from pathlib import Path
from typing import Final

import av

from cutlog.blobs import LocalBlobs
from cutlog.ffmpeg import Ffmpeg
from cutlog.hosting.settings import Settings
from services.render.produce.orders import Order
from tests.render.features import SAMPLE, films, sepia
from tests.render.screening import png, profile
from tests.render.studio import Studio
from tests.support.shelf import begin
from tests.support.typefaces import VARIABLE

FOLDER: Final = Path(__file__).parent


async def main() -> None:
    (FOLDER / "gallery").mkdir(exist_ok=True)
    page = [
        "# Gallery",
        "",
        "What the renderer makes of the sample clip (Big Buck Bunny, Blender Foundation, CC BY 3.0). Made by `make gallery`.",
    ]
    with tempfile.TemporaryDirectory() as name:
        data = Path(name)
        studio = Studio(await Ffmpeg.find(Settings(data=data)), LocalBlobs(data / "objects", "secret"))
        media = await studio.ingest("sample", SAMPLE)
        (data / "table.png").write_bytes(png(sepia()))
        table = await studio.ingest("table", data / "table.png")
        font = await studio.ingest("font", VARIABLE)
        for heading, found in films(media, table, font).items():
            page += ["", f"## {heading}", ""]
            for name, film in found.items():
                file = f"gallery/{heading.split()[0].lower()}-{name.replace(' ', '-').replace('/', '-')}.jpg"
                key = f"export/p_1/{Path(file).stem}.mp4"
                await studio.maker.make(
                    Order(timeline=film, profile=profile(1), key=key, sync=False), studio.told.append
                )
                (FOLDER / file).write_bytes(_jpeg(studio.blobs.path(key), 4 if heading == "Transitions" else 2))
                page.append(f'![{name}]({file} "{name}")')
    (FOLDER / "GALLERY.md").write_text("\n".join(page) + "\n")


def _jpeg(film: Path, number: int) -> bytes:
    """Frame `number` of a film."""
    with av.open(str(film)) as container:
        frame = next(frame for k, frame in enumerate(container.decode(video=0)) if k == number)
    written = io.BytesIO()
    with av.open(written, "w", format="mjpeg") as out:
        stream = out.add_stream("mjpeg", options={"qmin": "9", "qmax": "9"})
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, "yuvj420p"
        picture = frame.reformat(format="yuvj420p", src_color_range="MPEG", dst_color_range="JPEG")
        picture.pts = 0
        out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    return written.getvalue()


if __name__ == "__main__":
    end = begin()
    try:
        asyncio.run(main())
    finally:
        end()
