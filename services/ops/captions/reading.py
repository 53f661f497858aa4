"""From the name of a format to its reader."""

from __future__ import annotations

from typing import Literal

from . import subrip, substation, ttml, webvtt
from .decoding import decoded
from .found import Found, UnreadableError

__all__ = ["CaptionFormat", "Found", "UnreadableError", "read"]

CaptionFormat = Literal["srt", "vtt", "sbv", "ass", "ssa", "ttml"]


def read(kind: CaptionFormat, document: bytes) -> Found:
    """The cues of a file, and what is not in them. Raises UnreadableError."""
    found = Found()
    if kind == "ttml":
        ttml.read(document, found)
        return found
    lines = decoded(document, found)
    match kind:
        case "srt" | "sbv":
            subrip.read(lines, kind, found)
        case "vtt":
            webvtt.read(lines, found)
        case "ass" | "ssa":
            substation.read(lines, found)
    return found
