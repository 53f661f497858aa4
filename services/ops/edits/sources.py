"""What an edit must know of the media it uses. It arrives as an argument: edits look nothing up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Protocol

import msgspec
from msgspec import UNSET

from cutlog.contract.fonts import uploaded
from cutlog.contract.letters import EMPTY, Letters, read, shipped
from cutlog.contract.media import MediaFacts, MediaKind, conformed_frames
from cutlog.contract.ops import ClipAdd, ClipPaste, ClipReplace, EffectAdd, EffectSet, Op, TextSet, TrackSet
from cutlog.contract.time import Fps

_NAMING: Final = frozenset(("media", "font", "captionFont"))
"""Arguments that are ids of media."""


class Material(msgspec.Struct, frozen=True):
    """A media as far as edits care. What `failed` to be processed can't be used."""

    kind: MediaKind
    facts: MediaFacts
    failed: bool = False

    @property
    def letters(self) -> Letters:
        """The characters that a font has."""
        return EMPTY if self.facts.font is UNSET else read(self.facts.font.coverage)

    @property
    def has_picture(self) -> bool:
        return self.kind in ("video", "image")

    @property
    def has_sound(self) -> bool:
        return self.facts.audio_codec is not None

    @property
    def is_lut(self) -> bool:
        """Whether it has the size of a HALD CLUT, which is an image of level³ × level³ pixels."""
        side = self.facts.width or 0
        return self.kind == "image" and side == self.facts.height and side in (8, 27, 64, 125, 216, 343, 512)

    def frames(self, fps: Fps) -> int | None:
        """How many frames there are at a project's rate; None for what has no end."""
        return conformed_frames(self.kind, self.facts, fps)


class Sources(Protocol):
    """Media by id."""

    def get(self, media: str, /) -> Material | None: ...

    @property
    def letters(self) -> Letters:
        """The characters that can be drawn whatever the font."""
        ...

    @property
    def trusted(self) -> bool:
        """Whether ops were checked before: a fact of the log is not doubted when it is folded."""
        ...


def media_named(op: Op) -> Iterator[str]:
    """The media that an op brings into a project."""
    match op:
        case ClipAdd():
            if op.media is not UNSET:
                yield op.media
            if op.text is not UNSET:
                yield from uploaded(op.text.font)
        case TrackSet(caption_font=font):
            if font is not UNSET:
                yield from uploaded(font)
        case ClipReplace(media=media):
            yield media
        case TextSet(font=font):
            if font is not UNSET:
                yield from uploaded(font)
        case ClipPaste():
            if op.media is not UNSET:
                yield op.media
            if op.text is not UNSET:
                yield from uploaded(op.text.font)
            for effect in op.effects:
                if isinstance(value := effect.params.get("media"), str):
                    yield value
        case EffectAdd(params=params) | EffectSet(params=params):
            if params is not UNSET and isinstance(value := params.get("media"), str):
                yield value
        case _:
            pass


def media_renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Ops as they were sent, with other ids for the media that they name."""
    match value:
        case dict():
            return {
                key: names.get(each, each) if key in _NAMING and isinstance(each, str) else media_renamed(each, names)
                for key, each in value.items()
            }
        case list() | tuple():
            return [media_renamed(each, names) for each in value]
        case _:
            return value


class Known:
    """The media that a new edit may use."""

    trusted = False
    letters = shipped()

    def __init__(self, materials: Mapping[str, Material]) -> None:
        self._materials = materials

    def get(self, media: str, /) -> Material | None:
        return self._materials.get(media)


class Trusted:
    """For folding: what the log holds was checked when it was appended."""

    trusted = True
    letters = EMPTY

    def get(self, media: str, /) -> Material | None:
        return None


TRUSTED = Trusted()
