"""What can't be rendered is refused by name, never left out in silence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import msgspec

from cutlog.contract.properties import Keyframes
from cutlog.contract.timeline import Clip, TextSource, Timeline
from services.render.sound_filters import sounds

#: Fields of a clip that are rendered, or judged below. Cuts matter to fades only.
_RENDERED: Final = frozenset({
    "id", "at", "frames", "source", "enabled", "fit", "silent", "link", "speed", "reversed", "head_cut", "tail_cut",
    "gain_db", "pan", "audio_fade_in", "audio_fade_out", "effects",
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
        if track.kind == "audio" or track.hidden:
            continue  # All that can be said of sounds is heard.
        if track.transitions:
            yield f"track {track.id}: transitions"
        if track.captions:
            yield f"track {track.id}: captions"
        for clip in track.clips:
            if clip.enabled:
                for name in _of_clip(clip):
                    yield f"clip {clip.id}: {name}"


def _of_clip(clip: Clip) -> Iterator[str]:
    for field in msgspec.structs.fields(Clip):
        if field.name not in _RENDERED and getattr(clip, field.name) != field.default:
            yield field.encode_name
    for effect in clip.effects:
        if not sounds(effect):
            yield f"effect {effect.kind}"
    if clip.speed is not None or clip.reversed:
        yield "speed"
    if isinstance(clip.source, TextSource):
        style = clip.source.text
        if isinstance(style.x, Keyframes) or isinstance(style.y, Keyframes):
            yield "text position keyframes"
        if style.shadow is not None and style.shadow.blur:
            yield "text shadow blur"
