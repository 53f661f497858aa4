"""What can't be rendered is refused by name, never left out in silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from cutlog.contract.timeline import Clip, Timeline

#: Fields of a clip that are rendered. One that a later contract adds is refused until it is named here.
_RENDERED: Final = frozenset({
    "id", "at", "frames", "source", "enabled", "fit", "silent", "link", "speed", "reversed", "head_cut", "tail_cut",
    "gain_db", "pan", "audio_fade_in", "audio_fade_out", "effects",
    "x", "y", "scale", "rotation", "opacity", "crop", "flip_h", "flip_v", "fade_in", "fade_out", "blend",
})  # fmt: skip


class UnsupportedError(Exception):
    """The version uses something that this build can't render."""

    def __init__(self, what: list[str]) -> None:
        super().__init__(f"{self.__doc__[:-1] if self.__doc__ else ''}: {'; '.join(what)}")
        self.what = what


def check_support(timeline: Timeline) -> None:
    """Raises UnsupportedError, naming each clip and property."""
    if what := list(_unsupported(timeline)):
        raise UnsupportedError(what)


def _unsupported(timeline: Timeline) -> Iterator[str]:
    for track in timeline.tracks:
        if track.captions and track.caption_mode == "sidecar" and not track.hidden:
            yield f"track {track.id}: captions beside the picture"
        for clip in track.clips:
            if clip.enabled:
                for field in msgspec.structs.fields(Clip):
                    if field.name not in _RENDERED and getattr(clip, field.name) != field.default:
                        yield f"clip {clip.id}: {field.encode_name}"
