"""What an edit must know of media and of earlier versions. It arrives as arguments: edits look nothing up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
from msgspec import UNSET

from cutlog.contract.letters import EMPTY, Letters, read, shipped
from cutlog.contract.media import MediaFacts, MediaKind, conformed_frames
from cutlog.contract.time import Fps
from services.ops.edits.sequence import Sequence
from services.ops.edits.size import Budget


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

    @property
    def budget(self) -> Budget | None:
        """How large edits may make a timeline; None where ops were checked before."""
        ...


Earlier = Callable[[int], Sequence | None]
"""The sequence of an earlier version of the project; None, if there is no such version."""


def nothing_earlier(_version: int) -> Sequence | None:
    """For where history is not at hand: no version can be reverted to."""
    return None


class Known:
    """The media that a new edit may use."""

    trusted = False
    letters = shipped()

    def __init__(self, materials: Mapping[str, Material], budget: Budget | None = None) -> None:
        self._materials, self.budget = materials, budget or Budget()

    def get(self, media: str, /) -> Material | None:
        return self._materials.get(media)


class Trusted:
    """For folding: what the log holds was checked when it was appended."""

    trusted = True
    letters = EMPTY
    budget = None

    def get(self, media: str, /) -> Material | None:
        return None


TRUSTED = Trusted()
