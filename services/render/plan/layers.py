"""What one segment shows, layer by layer, with every value at hand. Pure: nothing here knows a timeline."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, assert_never

import msgspec

from cutlog.contract.effects import EFFECTS
from cutlog.contract.timeline import TextStyle
from cutlog.ffmpeg.clock import Clock
from services.render.plan.geometry import Placement, Size
from services.render.plan.looks import PLAIN, Curve, Shown, joined

Alpha = Literal["straight", "black", "white"]
"""How the colours of a transparent picture are kept: as they are, or multiplied by alpha over that colour."""


class SourceFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file to take pictures from. `clock` says when each is shown; None for a still.

    `conformed` is the size of an edit proxy: upright square pixels in BT.709. None for an original, of which nothing of
    that is sure. `stream` is the index of the picture in a file; None for its first. `alpha`: it is transparent
    somewhere; its colours are straight, or alpha was multiplied into them over black or white. `plane`: the film that
    is the alpha of an edit proxy.
    """

    key: str
    sha256: str
    container: str
    clock: Clock | None
    conformed: Size | None
    stream: int | None = None
    alpha: Alpha | None = None
    plane: SourceFile | None = None

    @property
    def content(self) -> str:
        """What its pictures depend on."""
        stream = "" if self.stream is None else f"#{self.stream}"
        alpha = "" if self.alpha is None else f"+{self.alpha}"
        return f"{self.sha256}{stream}{alpha}" + ("" if self.plane is None else f"+{self.plane.content}")


class Shot(msgspec.Struct, frozen=True):
    """Moving pictures: frame k shows the conformed frame start ± floor((k × num + phase) / den)."""

    source: SourceFile
    start: int
    placement: Placement
    look: Shown = PLAIN
    num: int = 1
    den: int = 1
    phase: int = 0
    backwards: bool = False

    @property
    def straight(self) -> bool:
        """Whether it runs as it was taken."""
        return self.num == self.den and not self.backwards

    def steps(self, frame: int) -> int:
        """Source frames from the first one to the one that this frame shows."""
        return (frame * self.num + self.phase) // self.den


class Picture(msgspec.Struct, frozen=True):
    """A still, or, where `frame` is given, that conformed frame of a moving picture."""

    source: SourceFile
    placement: Placement
    frame: int | None = None
    look: Shown = PLAIN


class Plate(msgspec.Struct, frozen=True):
    """One colour all over the canvas; None is no colour: nothing is seen."""

    color: str | None
    look: Shown = PLAIN


class Typeface(msgspec.Struct, frozen=True):
    """A face of a font among the media: the file that it is in, and its family name there. `emoji`: it has them."""

    key: str
    sha256: str
    family: str
    weight: int
    emoji: bool

    @property
    def content(self) -> str:
        """What letters depend on."""
        return f"{self.sha256} {self.family}"


class Words(msgspec.Struct, frozen=True):
    """Text at (x, y): its centre, or, of a caption, the middle of its lower edge. `font`: unless it is built in."""

    text: TextStyle
    x: Curve
    y: Curve
    caption: bool = False
    look: Shown = PLAIN
    font: Typeface | None = None


class Mixed(msgspec.Struct, frozen=True):
    """Frames of a transition that is `frames` long, from its frame `at` on."""

    kind: str
    at: int
    frames: int
    left: Drawn | None
    right: Drawn | None


Drawn = Shot | Picture | Plate | Words | Mixed


def join(layers: tuple[Drawn, ...], frames: int, following: tuple[Drawn, ...], more: int) -> tuple[Drawn, ...] | None:
    """`layers` for so many frames and then `following` for `more`, as one; None if that is not one piece of film."""
    if len(layers) != len(following):
        return None
    both = [_joined(layer, frames, other, more) for layer, other in zip(layers, following, strict=True)]
    whole = tuple(layer for layer in both if layer is not None)
    return whole if len(whole) == len(both) else None


def _joined(left: Drawn, frames: int, right: Drawn, more: int) -> Drawn | None:
    if isinstance(left, Mixed) or isinstance(right, Mixed) or type(left) is not type(right):
        return None
    look = joined(left.look, frames, right.look, more)
    if look is None:
        return None
    if isinstance(left, Shot):
        if left.backwards:
            return None
        left_on = msgspec.structs.replace(
            left,
            start=left.start + left.steps(frames),
            phase=(frames * left.num + left.phase) % left.den,
            look=right.look,
        )
        return msgspec.structs.replace(left, look=look) if left_on == right else None
    if isinstance(left, Words):
        if msgspec.structs.replace(left, look=right.look) != right or not isinstance(left.x, float):
            return None
        return msgspec.structs.replace(left, look=look)
    return msgspec.structs.replace(left, look=look) if msgspec.structs.replace(left, look=right.look) == right else None


def sources(layer: Drawn) -> Iterator[SourceFile]:
    """The files of a layer."""
    match layer:
        case Shot(source=source) | Picture(source=source):
            yield source
            if source.plane is not None:
                yield source.plane
        case Mixed(left=left, right=right):
            for side in (left, right):
                if side is not None:
                    yield from sources(side)
        case Plate() | Words():
            return
        case _:
            assert_never(layer)


def typefaces(layer: Drawn) -> Iterator[Typeface]:
    """The fonts of a layer that are media."""
    match layer:
        case Words(font=font) if font is not None:
            yield font
        case Mixed(left=left, right=right):
            for side in (left, right):
                if side is not None:
                    yield from typefaces(side)
        case _:
            return


def cluts(layer: Drawn) -> Iterator[str]:
    """The media ids of a layer's colour tables."""
    if isinstance(layer, Mixed):
        for side in (layer.left, layer.right):
            if side is not None:
                yield from cluts(side)
        return
    for effect in layer.look.effects:
        yield from (str(effect.params[name]) for name in EFFECTS[effect.kind].media)


def ingredients(layer: Drawn, tables: dict[str, str]) -> list[object]:
    """What pixels depend on: contents, not names or places. `tables` are the SHA-256s of colour tables by media id."""
    match layer:
        case Shot(source=source, placement=placement, look=look):
            motion = [layer.start, layer.num, layer.den, layer.phase, layer.backwards]
            return ["shot", source.content, source.clock, motion, placement, _seen(look, tables)]
        case Picture(source=source, placement=placement, frame=frame, look=look):
            return ["picture", source.content, source.clock, placement, frame, _seen(look, tables)]
        case Plate(color=color, look=look):
            return ["plate", color, _seen(look, tables)]
        case Words(text=text, x=x, y=y, caption=caption, look=look, font=font):
            style = text if font is None else msgspec.structs.replace(text, font=font.content)
            return ["words", style, x, y, caption, _seen(look, tables)]
        case Mixed(kind=kind, at=at, frames=frames, left=left, right=right):
            sides = [side and ingredients(side, tables) for side in (left, right)]
            return ["mix", kind, at, frames, sides]
        case _:
            assert_never(layer)


def _seen(look: Shown, tables: dict[str, str]) -> list[object]:
    effects = [
        [effect.kind, effect.params | {name: tables[str(effect.params[name])] for name in EFFECTS[effect.kind].media}]
        for effect in look.effects
    ]
    return [msgspec.structs.replace(look, effects=()), effects]
