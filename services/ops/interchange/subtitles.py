"""A track's captions as a SubRip or WebVTT file. Pure; `services.ops.captions` reads what this writes."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Literal

from cutlog.contract.time import Fps
from cutlog.contract.timeline import Caption

SubtitleFormat = Literal["srt", "vtt"]


def subtitles(captions: Iterable[Caption], fps: Fps, kind: SubtitleFormat) -> str:
    """The file. What captions say is text, never markup; lines without words would end a cue and are left out."""
    blocks = ["WEBVTT"] if kind == "vtt" else []
    for number, caption in enumerate(captions, 1):
        text = "\n".join(line for line in caption.text.splitlines() if line.strip())
        head = caption.id if kind == "vtt" else str(number)
        said = escape(text, quote=False) if kind == "vtt" else text
        blocks.append(f"{head}\n{timing(caption.start, caption.end, fps, kind)}\n{said}")
    return "\n\n".join(blocks) + "\n"


def timing(start: int, end: int, fps: Fps, kind: SubtitleFormat) -> str:
    """The line that says when a cue is shown: on frames [start, end), to the nearest millisecond."""
    return f"{_moment(start, fps, kind)} --> {_moment(end, fps, kind)}"


def _moment(frame: int, fps: Fps, kind: SubtitleFormat) -> str:
    millis = (2000 * frame * fps.den + fps.num) // (2 * fps.num)
    seconds, millis = divmod(millis, 1000)
    point = "." if kind == "vtt" else ","
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{point}{millis:03d}"
