"""Single frames of a timeline as pictures: drawn by the export's plan, kept under the name of all that they show."""

from __future__ import annotations

import asyncio
import hashlib
from collections import defaultdict
from collections.abc import Awaitable, Callable
from fractions import Fraction
from typing import Final, Literal, cast

import av
import msgspec
import numpy as np
from av.video.reformatter import ColorRange, Interpolation

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.contract.keys import CacheKey
from cutlog.contract.timeline import Canvas, Timeline
from services.render.cache.packets import TornSegmentError, seal, unseal
from services.render.errors import RenderError
from services.render.plan.profiles import EXPORTS, Profile
from services.render.plan.segments import Digest, Encoded, moment
from services.render.produce.make import Maker
from services.render.produce.metering import UNMETERED, Metering, drawn

#: What a still is kept as.
Picture = Literal["jpeg", "png"]

#: Changes whenever equal frames would be other files than before.
REVISION: Final = 1
_QUALITY: Final = 3

#: The export's pictures before its encoder.
RAW: Final[Profile] = msgspec.structs.replace(
    EXPORTS["mp4"], name="still", encoder=lambda _: ("-c:v", "rawvideo", "-pix_fmt", "rgb24", "-f", "rawvideo")
)


Admit = Callable[[str], Awaitable[None]]


async def everybody(_: str) -> None:
    """Admits all tenants."""


class FrameBeyondEndError(RenderError):
    """The frame is outside the timeline."""


class Still(msgspec.Struct, frozen=True):
    """A picture file, and the digest of all that it depends on."""

    data: bytes
    digest: Digest


class Stills:
    """`slots`: how many are drawn at the same time. `metering` counts them. `admit` raises
    UsedUpError for a tenant for whom none may be drawn."""

    def __init__(
        self, maker: Maker, blobs: BlobStore, slots: int, metering: Metering = UNMETERED, admit: Admit = everybody
    ) -> None:  # fmt: skip
        self._maker, self._blobs, self._metering, self._admit = maker, blobs, metering, admit
        self._slots = asyncio.Semaphore(slots)
        self._locks: defaultdict[Digest, asyncio.Lock] = defaultdict(asyncio.Lock)

    def recipe(self, timeline: Timeline, frame: int, width: int | None, picture: Picture) -> tuple[Digest, Encoded]:
        """The name of a still, and what must be drawn for it.

        Raises FrameBeyondEndError, MediaNotReadyError.
        """
        if frame >= timeline.duration:
            if not timeline.duration:
                raise FrameBeyondEndError(f"Version {timeline.version} is empty.")
            raise FrameBeyondEndError(f"The last frame of version {timeline.version} is {timeline.duration - 1}.")
        segment = moment(timeline, RAW, self._maker.engine, frame)
        parts = [REVISION, av.__version__, segment.digest, still_size(timeline.canvas, width), picture]
        return Digest(hashlib.sha256(msgspec.json.encode(parts)).hexdigest()), segment

    async def still(self, timeline: Timeline, frame: int, width: int | None, picture: Picture) -> Still:
        """Kept, or drawn in one run of ffmpeg. `width` in pixels, at most the canvas's, which is the default.

        Raises FrameBeyondEndError, MediaNotReadyError, SourceGoneError, NoPictureError,
        FfmpegFailedError, UsedUpError.
        """
        digest, segment = await asyncio.to_thread(self.recipe, timeline, frame, width, picture)
        key = str(CacheKey(timeline.tenant, digest, picture))
        lock = self._locks[digest]
        try:
            async with lock:
                try:
                    return Still(unseal(await self._blobs.get(key)), digest)
                except (BlobNotFoundError, TornSegmentError):
                    await self._admit(timeline.tenant)
                    canvas = timeline.canvas.width, timeline.canvas.height
                    since = await self._metering.now()
                    await self._metering.begin(timeline.tenant, timeline.project_id, [drawn(key, 1, canvas)], since)
                    async with self._slots:
                        pixels = await self._maker.segments.written(segment, timeline.canvas, RAW)
                    size = still_size(timeline.canvas, width)
                    data = await asyncio.to_thread(_file, pixels, timeline.canvas, size, picture)
                    await self._blobs.put_bytes(key, seal(data), sync=False)
                    await self._metering.end(timeline.tenant, [key])
                    return Still(data, digest)
        finally:
            if not lock.locked():
                self._locks.pop(digest, None)


def still_size(canvas: Canvas, width: int | None) -> tuple[int, int]:
    """Pixels of a still so many wide, never wider than the canvas."""
    wide = min(width or canvas.width, canvas.width)
    return wide, max(1, round(wide * canvas.height / canvas.width))


def _file(pixels: bytes, canvas: Canvas, size: tuple[int, int], picture: Picture) -> bytes:
    """A JPEG (BT.601 of full range, as JFIF has it) or PNG of RGB pixels of the canvas's size."""
    image = np.frombuffer(pixels, np.uint8, canvas.width * canvas.height * 3).reshape(canvas.height, canvas.width, 3)
    frame = av.VideoFrame.from_ndarray(image, format="rgb24")
    codec, pixel_format = ("mjpeg", "yuvj444p") if picture == "jpeg" else ("png", "rgb24")
    ranges = ColorRange.JPEG if picture == "jpeg" else None
    frame = frame.reformat(
        width=size[0], height=size[1], format=pixel_format, interpolation=Interpolation.AREA, dst_color_range=ranges
    )
    encoder = cast(av.VideoCodecContext, av.CodecContext.create(codec, "w"))
    encoder.width, encoder.height = size
    encoder.pix_fmt = pixel_format
    encoder.time_base = Fraction(1, 25)
    if picture == "jpeg":
        encoder.options = {"qscale": str(_QUALITY), "flags": "+qscale", "global_quality": str(_QUALITY * 118)}
    return b"".join(bytes(packet) for packet in (*encoder.encode(frame), *encoder.encode(None)))
