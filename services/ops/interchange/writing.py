"""A timeline as a file for other editors, with what the file could not hold."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import msgspec

from cutlog.contract.answers.edits import Loss
from cutlog.contract.pieces import encoded
from cutlog.contract.timeline import Canvas, Timeline, Track
from services.ops.edits.sources import Material
from services.ops.interchange.comparing import compare
from services.ops.interchange.converter import CannotWriteError, Converter, FileRefusedError
from services.ops.interchange.edl import edl
from services.ops.interchange.export import export, file_names
from services.ops.interchange.fcp7 import fcp7
from services.ops.interchange.fcpxml import fcpxml
from services.ops.interchange.kdenlive import kdenlive
from services.ops.interchange.losses import Ledger
from services.ops.interchange.matching import Asset, Library
from services.ops.interchange.reading import canvas_of, opened, read

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
_WRITERS: Final[Mapping[str, Callable[[Timeline, str, Mapping[str, str]], tuple[str, tuple[Track, ...]]]]] = {
    "edl": edl, "fcp7xml": fcp7, "fcpxml": fcpxml, "kdenlive": kdenlive,
}  # fmt: skip
"""For each format: the file, and the tracks that are in it."""


class File(msgspec.Struct, frozen=True):
    """A written file and its losses."""

    content: bytes
    losses: tuple[Loss, ...] = ()


class Unread(msgspec.Struct, frozen=True):
    """A file that was not read again yet, and the tracks that were written into it."""

    content: bytes
    kept: tuple[Track, ...]


async def written(converter: Converter, timeline: Timeline, name: str, names: Mapping[str, str], kind: Format) -> File:
    """The timeline as a file. `names` has the file names of media. Raises CannotHold, CannotWriteError."""
    made = await asyncio.to_thread(unread, timeline, name, names, kind)
    if kind == "otio":
        return File(made.content)
    try:
        back = await converter.read(kind, timeline.canvas.fps, made.content)
    except FileRefusedError as error:
        raise CannotWriteError(f"The timeline can't be written as {kind}: {error}") from None
    return await asyncio.to_thread(read_again, timeline, names, made, back)


def unread(timeline: Timeline, name: str, names: Mapping[str, str], kind: Format) -> Unread:
    """The timeline as a file whose losses are not known yet. Raises CannotHold."""
    if kind == "otio":
        return Unread(otio(timeline, name, names), timeline.tracks)
    text, kept = _WRITERS[kind](timeline, name, names)
    return Unread(text.encode(), kept)


def otio(timeline: Timeline, name: str, names: Mapping[str, str]) -> bytes:
    """OpenTimelineIO's JSON, without the spaces that would make it three times as large."""
    return encoded(export(timeline, name, names))


def read_again(timeline: Timeline, names: Mapping[str, str], made: Unread, back: Any) -> File:
    """The file, with what is lost when it is read again, where the media are known. `back` is what was read."""
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
    return File(
        made.content, compare(timeline, made.kept, read(told, canvas, exact, library, lambda _: False, Ledger()))
    )
