"""The files that films are made of, on local disk for as long as they are read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from fractions import Fraction
from pathlib import Path

from cutlog.blobs import BlobNotFoundError, BlobStore
from cutlog.ffmpeg import Ffmpeg
from cutlog.ffmpeg.allow import decoder, demuxer
from cutlog.ffmpeg.colors import ORDINARY, coding_of
from cutlog.ffmpeg.remembered import Probes
from services.render.compile import Opened
from services.render.errors import RenderError
from services.render.plan.layers import SourceFile, Typeface


class SourceGoneError(RenderError):
    """A file that the film is made of no longer exists."""


class NoPictureError(RenderError):
    """A source shows no picture that could be used."""


class Sources:
    """All that is in the store."""

    def __init__(self, ffmpeg: Ffmpeg, blobs: BlobStore) -> None:
        self._probes, self._blobs = Probes(ffmpeg), blobs

    @asynccontextmanager
    async def opened(self, sources: Iterable[SourceFile]) -> AsyncIterator[dict[str, Opened]]:
        """Source files on local disk, by content, with what must be known to read them."""
        async with AsyncExitStack() as opened:
            files: dict[str, Opened] = {}
            for source in sources:
                path = await self.local(opened, source.key)
                files[source.content] = Opened(path, "mov") if source.conformed else await self._examined(path, source)
            yield files

    @asynccontextmanager
    async def fonts(self, fonts: Iterable[Typeface]) -> AsyncIterator[dict[str, Path]]:
        """Files of fonts on local disk, by SHA-256."""
        async with AsyncExitStack() as opened:
            yield {font.sha256: await self.local(opened, font.key) for font in fonts}

    async def local(self, opened: AsyncExitStack, key: str) -> Path:
        try:
            return await opened.enter_async_context(self._blobs.local(key))
        except BlobNotFoundError as error:
            raise SourceGoneError(f"{SourceGoneError.__doc__} {key}") from error

    async def _examined(self, path: Path, source: SourceFile) -> Opened:
        """An original: which stream is its picture, when that begins, and how its colours are coded."""
        found = await self._probes.probe(path, source.sha256)
        for stream in found.streams:
            wanted = source.stream is None or stream.index == source.stream
            if wanted and stream.kind == "video" and stream.decoded and not stream.attached:
                clock = source.clock
                coding = ORDINARY if stream.video is None else coding_of(stream.video, moving=clock is not None)
                noted = None if clock is None else clock.start
                start = stream.seconds(stream.start or 0) if noted is None else Fraction(noted)
                reader = decoder(stream.codec, alpha=source.alpha is not None)
                return Opened(path, demuxer(found.container), stream.index, start, coding, reader)
        raise NoPictureError(f"{NoPictureError.__doc__} {path.name}")
