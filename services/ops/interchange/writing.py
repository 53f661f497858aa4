"""A timeline as a file for other editors, with what the file could not hold."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from cutlog.contract.timeline import Canvas, Timeline, Track
from services.ops.edits.sources import Material
from services.ops.interchange.comparing import compare
from services.ops.interchange.converter import CannotWrite, Converter, FileRefused, WriteFormat
from services.ops.interchange.export import export, file_names
from services.ops.interchange.fcpxml import fcpxml
from services.ops.interchange.formats import edl, fcp7
from services.ops.interchange.kdenlive import kdenlive
from services.ops.interchange.losses import Ledger, Loss
from services.ops.interchange.matching import Asset, Library
from services.ops.interchange.reading import canvas_of, opened, read
from services.ops.interchange.schema import Timeline as Otio

Format = Literal["otio", "edl", "fcp7xml", "fcpxml", "kdenlive"]

MEDIA_TYPES: Final[Mapping[str, str]] = {
    "otio": "application/vnd.opentimelineio+json",
    "edl": "text/plain; charset=utf-8",
    "fcp7xml": "application/xml",
    "fcpxml": "application/xml",
    "kdenlive": "application/x-kdenlive",
    "otioz": "application/vnd.opentimelineio.otioz+zip",
}
SUFFIXES: Final[Mapping[str, str]] = {kind: kind for kind in MEDIA_TYPES} | {"fcp7xml": "xml"}


class File(msgspec.Struct, frozen=True):
    """A written file and its losses."""

    content: bytes
    losses: tuple[Loss, ...] = ()


async def written(converter: Converter, timeline: Timeline, name: str, names: Mapping[str, str], kind: Format) -> File:
    """The timeline as a file. `names` has the file names of media. Raises CannotHold, CannotWrite."""
    if kind == "otio":
        return File(await asyncio.to_thread(otio, timeline, name, names))
    if kind == "fcpxml" or kind == "kdenlive":
        made, kept = await asyncio.to_thread(fcpxml if kind == "fcpxml" else kdenlive, timeline, name, names)
        try:
            back = await converter.read(kind, timeline.canvas.fps, made.encode())
        except FileRefused as error:
            raise CannotWrite(f"The timeline can't be written as {kind}: {error}") from None
        return File(made.encode(), await asyncio.to_thread(_losses, timeline, names, kept, back))
    document, kept = await asyncio.to_thread(_reduced, timeline, name, names, kind)
    text, back = await converter.write(kind, timeline.canvas.fps, document)
    losses = await asyncio.to_thread(_losses, timeline, names, kept, back)
    return File(text.encode(), losses)


def otio(timeline: Timeline, name: str, names: Mapping[str, str]) -> bytes:
    """OpenTimelineIO's JSON, without the spaces that would make it three times as large."""
    return msgspec.json.encode(export(timeline, name, names))


def _reduced(
    timeline: Timeline, name: str, names: Mapping[str, str], kind: WriteFormat
) -> tuple[bytes, tuple[Track, ...]]:
    document: Otio
    if kind == "edl":
        document, main = edl(timeline, name, names)
        kept: tuple[Track, ...] = (main,)
    else:
        document, kept = fcp7(timeline, name, names), timeline.tracks
    return msgspec.json.encode(document), kept


def _losses(timeline: Timeline, names: Mapping[str, str], kept: tuple[Track, ...], back: Any) -> tuple[Loss, ...]:
    """What is lost when the file is read again, where the media are known."""
    files = file_names(timeline.media, names)
    library = Library(
        Asset(media, reference.sha256, files[media], Material(reference.kind, reference.facts))
        for media, reference in timeline.media.items()
    )
    # A canvas that no file means to tell.
    unlikely = Canvas(width=16, height=16, fps=timeline.canvas.fps)
    told = opened(back, Ledger())
    canvas, exact = canvas_of(told, unlikely)
    canvas = msgspec.structs.replace(canvas, fps=timeline.canvas.fps)
    return compare(timeline, kept, read(told, canvas, exact, library, lambda _: False, Ledger()))
