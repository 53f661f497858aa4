"""`.otioz`: a zip of the timeline and its media, made while it is sent. Media are stored as they are."""

from __future__ import annotations

import zipfile
from collections.abc import AsyncIterator, Mapping
from typing import Final

from cutlog.blobs import BlobStore
from cutlog.contract.timeline import Timeline
from services.ops.interchange.export import file_names
from services.ops.interchange.writing import otio

VERSION: Final = b"1.0.0"
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)


class _Pipe:
    """A file that can only be written to; what was written is taken out again."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


async def bundle(blobs: BlobStore, timeline: Timeline, name: str, names: Mapping[str, str]) -> AsyncIterator[bytes]:
    """The bytes of the bundle, piece by piece. Raises BlobNotFoundError when an original is gone."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w") as archive:  # type: ignore[call-overload] # it needs no more than write and flush
        archive.writestr(zipfile.ZipInfo("version.txt", _MOMENT), VERSION)
        content = zipfile.ZipInfo("content.otio", _MOMENT)
        content.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(content, otio(timeline, name, names))
        yield pipe.take()
        for media, file in sorted(file_names(timeline.media, names).items()):
            with archive.open(zipfile.ZipInfo(f"media/{file}", _MOMENT), "w", force_zip64=True) as entry:
                async for chunk in blobs.stream(timeline.media[media].key):
                    entry.write(chunk)
                    yield pipe.take()
            yield pipe.take()
    yield pipe.take()
