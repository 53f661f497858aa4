"""Ops on the effects of a clip."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal, assert_never

import msgspec
from msgspec import UNSET

from cutlog.contract.effects import EFFECTS, Choice, ColorValue, EffectKind, MediaValue, Number, Parameter
from cutlog.contract.ids import is_id
from cutlog.contract.ops import MAX_EFFECTS, EffectAdd, EffectMove, EffectRemove, EffectSet
from cutlog.contract.properties import Animated, Keyframes
from cutlog.contract.timeline import Effect, MediaSource, TrackKind
from services.ops.edits import touching
from services.ops.edits.definition import Definition, alone, with_media
from services.ops.edits.errors import EditError
from services.ops.edits.lane import Piece
from services.ops.edits.looks import check_value
from services.ops.edits.sequence import Found, Sequence, TrackState
from services.ops.edits.sources import Sources

_replace = msgspec.structs.replace

_COLOR: Final = re.compile(r"#[0-9a-f]{6}")

Value = Animated | str


def medium_of(effect: Effect) -> Literal["picture", "sound"]:
    """What an effect works on."""
    return EFFECTS[effect.kind].works_on(effect.params)


def add(sequence: Sequence, op: EffectAdd, sources: Sources) -> Sequence:
    """Adds an effect to a clip, with all parameters of its kind.

    before  v1 [aa]             a has blur    {clip: "a", effect: "e", kind: "hue", params: {degrees: 90}, index: 0}
    after   v1 [aa]             a has hue, then blur
    """
    found = sequence.open_clip(op.clip)
    piece = found.placed.piece
    count = len(piece.effects)
    if count >= MAX_EFFECTS:
        raise EditError("", f"a clip has at most {MAX_EFFECTS} effects")
    index = count if op.index is UNSET else op.index
    if index > count:
        raise EditError("/index", f"clip {op.clip} has {count} effects, so index is 0 to {count}")
    given = {} if op.params is UNSET else op.params
    effect = made(op.effect, op.kind, given, piece, found.track, sources)
    sequence = sequence.take(op.effect, "/effect")
    return _with(sequence, found, (*piece.effects[:index], effect, *piece.effects[index:]))


def made(name: str, kind: str, given: Mapping[str, Value], piece: Piece, track: TrackState, sources: Sources) -> Effect:
    """An effect for a clip, with all parameters of its kind. Raises EditError."""
    known = EFFECTS.get(kind)
    if known is None:
        raise EditError("/kind", f"there is no effect {kind}; the kinds are: {', '.join(EFFECTS)}")
    _check(kind, known, given, sources)
    effect = Effect(id=name, kind=kind, params=_complete(known, given, track.kind))
    _belongs(effect, piece, track)
    return effect


def change(sequence: Sequence, op: EffectSet, sources: Sources) -> Sequence:
    """Changes parameters of an effect.

    before  v1 [aa]             a has blur (radius 0.01)      {clip: "a", effect: "e", params: {radius: 0.05}}
    after   v1 [aa]             a has blur (radius 0.05)
    """
    found, index = _find(sequence, op.clip, op.effect)
    effect = found.placed.piece.effects[index]
    if not op.params:
        raise EditError("/params", "give at least one of " + ", ".join(EFFECTS[effect.kind].params))
    _check(effect.kind, EFFECTS[effect.kind], op.params, sources)
    changed = _replace(effect, params={**effect.params, **op.params})
    _belongs(changed, found.placed.piece, found.track)
    effects = found.placed.piece.effects
    return _with(sequence, found, (*effects[:index], changed, *effects[index + 1 :]))


def move(sequence: Sequence, op: EffectMove) -> Sequence:
    """Changes the order of a clip's effects.

    before  v1 [aa]             a has blur, then hue          {clip: "a", effect: "hue", index: 0}
    after   v1 [aa]             a has hue, then blur
    """
    found, index = _find(sequence, op.clip, op.effect)
    effects = found.placed.piece.effects
    others = (*effects[:index], *effects[index + 1 :])
    if op.index > len(others):
        raise EditError("/index", f"clip {op.clip} has {len(effects)} effects, so index is 0 to {len(others)}")
    return _with(sequence, found, (*others[: op.index], effects[index], *others[op.index :]))


def remove(sequence: Sequence, op: EffectRemove) -> Sequence:
    """Removes an effect from a clip.

    before  v1 [aa]             a has blur, then hue          {clip: "a", effect: "blur"}
    after   v1 [aa]             a has hue
    """
    found, index = _find(sequence, op.clip, op.effect)
    effects = found.placed.piece.effects
    return _with(sequence, found, (*effects[:index], *effects[index + 1 :]))


def _with(sequence: Sequence, found: Found, effects: tuple[Effect, ...]) -> Sequence:
    return sequence.changed(found, _replace(found.placed.piece, effects=effects))


def _find(sequence: Sequence, clip: str, effect: str) -> tuple[Found, int]:
    found = sequence.open_clip(clip)
    for index, other in enumerate(found.placed.piece.effects):
        if other.id == effect:
            return found, index
    known = ", ".join(other.id for other in found.placed.piece.effects) or "none; add one with effect.add"
    raise EditError("/effect", f"clip {clip} has no effect {effect}; its effects are: {known}")


def _belongs(effect: Effect, piece: Piece, track: TrackState) -> None:
    """Refuses effects on a sound or a picture that a clip does not have."""
    medium = medium_of(effect)
    if medium == "picture" and track.kind == "audio":
        raise EditError("/kind", f"{effect.kind} changes pictures; clip {piece.id} is on audio track {track.id}")
    if medium == "sound" and not _sounds(piece, track.kind):
        raise EditError("/kind", f"{effect.kind} changes sounds; clip {piece.id} has none of its own")


def _sounds(piece: Piece, kind: TrackKind) -> bool:
    return isinstance(piece.source, MediaSource) and not piece.silent


def _complete(kind: EffectKind, given: Mapping[str, Value], track: TrackKind) -> dict[str, Value]:
    """All parameters of a kind: as given, else with their defaults."""
    params: dict[str, Value] = {}
    for name, parameter in kind.params.items():
        match parameter:
            case _ if name in given:
                params[name] = given[name]
            case Number(default=number):
                params[name] = number
            case ColorValue(default=color):
                params[name] = color
            case Choice():
                params[name] = "sound" if track == "audio" else "picture"
            case MediaValue():
                raise EditError("/params", f"{name} is missing; give the id of a media")
            case _:
                assert_never(parameter)
    return params


def _check(name: str, kind: EffectKind, given: Mapping[str, Value], sources: Sources) -> None:
    for key, value in given.items():
        parameter = kind.params.get(key)
        if parameter is None:
            known = ", ".join(kind.params) or "none"
            raise EditError(f"/params/{key}", f"{name} has no parameter {key}; its parameters are: {known}")
        _check_value(value, parameter, f"/params/{key}", sources)


def _check_value(value: Value, parameter: Parameter, pointer: str, sources: Sources) -> None:
    match parameter:
        case Number(low=low, high=high):
            if isinstance(value, str):
                raise EditError(pointer, f"give a number from {low:g} to {high:g}, or keyframes")
            if not isinstance(value, Keyframes) and not low <= value <= high:
                raise EditError(pointer, f"the value is {value:g}; it must be from {low:g} to {high:g}")
            check_value(value, low, high, pointer)
        case ColorValue():
            if not isinstance(value, str) or not _COLOR.fullmatch(value):
                raise EditError(pointer, "give a colour as #rrggbb, in lower case")
        case Choice(options=options):
            if value not in options:
                raise EditError(pointer, f"give one of: {', '.join(options)}")
        case MediaValue():
            if not isinstance(value, str) or not is_id(value):
                raise EditError(pointer, "give the id of a media")
            material = sources.get(value)
            if material is None and not sources.trusted:
                raise EditError(pointer, f"there is no media {value}; upload it first")
            if material is not None and not material.is_lut:
                raise EditError(
                    pointer,
                    f"media {value} is not a HALD CLUT; give a square image whose side is a cube from 8 to 512",
                )
        case _:
            assert_never(parameter)


OPS: Final = (
    Definition(EffectAdd, with_media(add), lambda op, _: touching.clip(op.clip, "there")),
    Definition(
        EffectSet,
        with_media(change),
        lambda op, _: touching.clip(op.clip, *(f"effects.{op.effect}.{name}" for name in op.params)),
    ),
    Definition(EffectMove, alone(move), lambda op, _: touching.clip(op.clip, "effects")),
    Definition(EffectRemove, alone(remove), lambda op, _: touching.clip(op.clip, f"effects.{op.effect}")),
)
