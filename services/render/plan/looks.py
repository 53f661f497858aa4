"""How a clip looks, frame by frame: what keyframes and fades come to in the frames of one segment. Pure.

A segment's key depends on values, not on keyframes: two ways to say the same make one segment, and a curve that lies
outside of a segment does not change it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from cutlog.contract.effects import EFFECTS
from cutlog.contract.properties import Animated, Keyframe, Keyframes, later, value_at
from cutlog.contract.timeline import Blend, Clip, Crop, Effect, Fit, MediaSource, Speed

#: One value for all frames, or one for each.
Curve = float | tuple[float, ...]

#: Digits that a value keeps: finer than a pixel of 8,192 and than a step of opacity.
_DIGITS: Final = 6


#: The parameter, beside its own, of an effect that counts: which of all grains a frame has.
GRAIN: Final = "grain"
#: Frames before which no clip begins, however slowly it plays, and twice that.
_AGES: Final = 1 << 40
_COUNTING: Final = Keyframes(keyframes=(Keyframe(frame=0, value=0.0), Keyframe(frame=2 * _AGES, value=2.0 * _AGES)))


class Fade(msgspec.Struct, frozen=True):
    """Frames [0, length) of a fade, of which the layer's first frame is number `at`; it goes down if `out`."""

    at: int
    length: int
    out: bool

    def value(self, frame: int) -> float:
        """0 at the dark end, 1 from the bright end on."""
        behind = self.at + frame
        step = self.length - 1 - behind if self.out else behind
        return min(1.0, max(0.0, step / self.length))


class Filter(msgspec.Struct, frozen=True):
    """An effect on the picture, by its kind in the contract."""

    kind: str
    params: dict[str, Animated | str]


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """How a clip looks from some frame on: all that `Clip` says of its picture."""

    fit: Fit = "contain"
    x: Animated = 0.5
    y: Animated = 0.5
    scale: Animated = 1.0
    rotation: Animated = 0.0
    opacity: Animated = 1.0
    crop: Crop | None = None
    flip_h: bool = False
    flip_v: bool = False
    blend: Blend = "normal"
    fades: tuple[Fade, ...] = ()
    effects: tuple[Filter, ...] = ()

    def later(self, frames: int) -> Look:
        """The same look so many frames on."""
        if self == Look(fit=self.fit):
            return self
        return msgspec.structs.replace(
            self,
            x=later(self.x, frames),
            y=later(self.y, frames),
            scale=later(self.scale, frames),
            rotation=later(self.rotation, frames),
            opacity=later(self.opacity, frames),
            fades=tuple(Fade(fade.at + frames, fade.length, fade.out) for fade in self.fades),
            effects=tuple(
                Filter(effect.kind, {name: _later(value, frames) for name, value in effect.params.items()})
                for effect in self.effects
            ),
        )

    @property
    def opaque(self) -> bool:
        """Whether it leaves an opaque picture opaque and where `fit` puts it."""
        return (
            (self.x, self.y, self.scale, self.rotation, self.opacity) == (0.5, 0.5, 1.0, 0.0, 1.0)
            and self.crop is None
            and self.blend == "normal"
            and not self.fades
            and not any(EFFECTS[effect.kind].alpha for effect in self.effects)
        )


class Applied(msgspec.Struct, frozen=True):
    """An effect in a segment: its parameters by name, in the order of the contract."""

    kind: str
    params: dict[str, Curve | str]


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A look in the frames of a segment. `opacity` holds the fades. `zooms`: the scale moves, if not here then
    elsewhere, and all segments are to be as sharp."""

    x: Curve = 0.5
    y: Curve = 0.5
    scale: Curve = 1.0
    zooms: bool = False
    rotation: Curve = 0.0
    opacity: Curve = 1.0
    crop: Crop | None = None
    flip_h: bool = False
    flip_v: bool = False
    blend: Blend = "normal"
    effects: tuple[Applied, ...] = ()

    @property
    def placed(self) -> bool:
        """Whether the picture lies where `fit` puts it, upright and whole."""
        return (self.x, self.y, self.scale, self.rotation) == (0.5, 0.5, 1.0, 0.0) and self.crop is None


PLAIN: Final = Shown()


def look_of(clip: Clip, frame: int) -> Look:
    """The look of a clip from its frame `frame` on, which may lie in its handles."""
    fades: list[Fade] = []
    if clip.fade_in:
        fades.append(Fade(clip.head_cut, clip.fade_in, out=False))
    if clip.fade_out:
        fades.append(Fade(clip.fade_out - clip.frames - clip.tail_cut, clip.fade_out, out=True))
    return Look(
        fit=clip.fit,
        x=clip.x,
        y=clip.y,
        scale=clip.scale,
        rotation=clip.rotation,
        opacity=clip.opacity,
        crop=clip.crop if clip.crop != Crop() else None,
        flip_h=clip.flip_h,
        flip_v=clip.flip_v,
        blend=clip.blend,
        fades=tuple(fades),
        effects=tuple(
            _filter(clip, one) for one in clip.effects if EFFECTS[one.kind].works_on(one.params) == "picture"
        ),
    ).later(frame)


def _filter(clip: Clip, effect: Effect) -> Filter:
    """Grain is another on each frame, and the same wherever a cut lies: it goes by the frames of the source as the clip
    plays them, or, where there is no moving source, by those of the clip."""
    if not EFFECTS[effect.kind].counting:
        return Filter(effect.kind, effect.params)
    first = 0
    if isinstance(clip.source, MediaSource):
        begins = -clip.source.end if clip.reversed else clip.source.start
        speed = clip.speed or Speed(num=1, den=1)
        first = (begins * speed.den + speed.phase) // speed.num
    return Filter(effect.kind, {**effect.params, GRAIN: msgspec.structs.replace(_COUNTING, start=first + _AGES)})


def shows(effect: Effect) -> bool:
    """Whether an effect works on the picture."""
    return EFFECTS[effect.kind].works_on(effect.params) == "picture"


def shown(look: Look, first: int, frames: int) -> Shown:
    """A look in its frames [first, first + frames)."""
    opacity = curve(look.opacity, first, frames)
    for fade in look.fades:
        opacity = _times(opacity, squeezed([fade.value(first + frame) for frame in range(frames)]), frames)
    return Shown(
        x=curve(look.x, first, frames),
        y=curve(look.y, first, frames),
        scale=curve(look.scale, first, frames),
        zooms=isinstance(look.scale, Keyframes) and len({key.value for key in look.scale.keyframes}) > 1,
        rotation=curve(look.rotation, first, frames),
        opacity=opacity,
        crop=look.crop,
        flip_h=look.flip_h,
        flip_v=look.flip_v,
        blend=look.blend,
        effects=tuple(
            Applied(
                effect.kind,
                {
                    name: value if isinstance(value, str) else curve(value, first, frames)
                    for name, value in sorted(effect.params.items())
                },
            )
            for effect in look.effects
        ),
    )


def curve(animated: Animated, first: int, frames: int) -> Curve:
    """The values in frames [first, first + frames)."""
    if not isinstance(animated, Keyframes):
        return round(float(animated), _DIGITS)
    return squeezed([value_at(animated, first + frame) for frame in range(frames)])


def squeezed(values: Sequence[float]) -> Curve:
    """One value if all are the same."""
    rounded = tuple(round(float(value), _DIGITS) for value in values)
    return rounded[0] if len(set(rounded)) == 1 else rounded


def at(values: Curve, frame: int) -> float:
    return values if isinstance(values, float) else values[frame]


def highest(values: Curve) -> float:
    return values if isinstance(values, float) else max(values)


def _times(left: Curve, right: Curve, frames: int) -> Curve:
    return squeezed([at(left, frame) * at(right, frame) for frame in range(frames)])


def _later(value: Animated | str, frames: int) -> Animated | str:
    return value if isinstance(value, str) else later(value, frames)


def joined(left: Shown, frames: int, right: Shown, more: int) -> Shown | None:
    """What `left` for so many frames and then `right` are as one; None when they differ in more than their curves."""
    if left == right and all(isinstance(value, float | str) for value in _values(left)):
        return left
    if _shape(left) != _shape(right):
        return None

    def both(first: Curve, second: Curve) -> Curve:
        return squeezed([at(first, frame) for frame in range(frames)] + [at(second, frame) for frame in range(more)])

    effects: list[Applied] = []
    for one, two in zip(left.effects, right.effects, strict=True):
        params: dict[str, Curve | str] = {}
        for name, value in one.params.items():
            other = two.params[name]
            if isinstance(value, str) or isinstance(other, str):
                if value != other:
                    return None
                params[name] = value
            else:
                params[name] = both(value, other)
        effects.append(Applied(one.kind, params))
    return msgspec.structs.replace(
        left,
        x=both(left.x, right.x),
        y=both(left.y, right.y),
        scale=both(left.scale, right.scale),
        rotation=both(left.rotation, right.rotation),
        opacity=both(left.opacity, right.opacity),
        effects=tuple(effects),
    )


def _values(look: Shown) -> list[Curve | str]:
    params = [value for effect in look.effects for value in effect.params.values()]
    return [look.x, look.y, look.scale, look.rotation, look.opacity, *params]


def _shape(look: Shown) -> object:
    kinds = [(effect.kind, tuple(effect.params)) for effect in look.effects]
    return (look.zooms, look.crop, look.flip_h, look.flip_v, look.blend, kinds)
