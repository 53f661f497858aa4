"""How a clip looks and sounds: its properties, and what may be said of values that change."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from cutlog.contract.ops import ClipProperties, ClipSet
from cutlog.contract.properties import Keyframes
from cutlog.contract.timeline import Crop
from services.ops.edits import touching
from services.ops.edits.definition import Definition, alone
from services.ops.edits.errors import EditError
from services.ops.edits.given import given, some
from services.ops.edits.lane import Piece
from services.ops.edits.sequence import Sequence

PROPERTIES: Final = ClipProperties.__struct_fields__


class Range(msgspec.Struct, frozen=True):
    """The least and the greatest value of a property, and its name in JSON."""

    low: float
    high: float
    name: str


def ranges(of: type[msgspec.Struct]) -> dict[str, Range]:
    """The ranges of those fields that may have keyframes, as they are declared for constants."""
    info = msgspec.inspect.type_info(of)
    assert isinstance(info, msgspec.inspect.StructType)
    found: dict[str, Range] = {}
    for field in info.fields:
        union = field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,)
        kinds = [kind.type if isinstance(kind, msgspec.inspect.Metadata) else kind for kind in union]
        keyframes = any(isinstance(kind, msgspec.inspect.StructType) and kind.cls is Keyframes for kind in kinds)
        for kind in kinds:
            if keyframes and isinstance(kind, msgspec.inspect.FloatType):
                assert kind.ge is not None, "every property has a least value"
                assert kind.le is not None, "every property has a greatest value"
                found[field.name] = Range(kind.ge, kind.le, field.encode_name)
    return found


RANGES: Final = ranges(ClipProperties)


def change(sequence: Sequence, op: ClipSet) -> Sequence:
    """Changes properties of a clip.

    before  v1 [aa][bb]         {clip: "a", gainDb: -6}
    after   v1 [aa][bb]         a is softer; no clip moves
    """
    changes = some(op, *PROPERTIES)
    found = sequence.open_clip(op.clip)
    return sequence.changed(found, _changed(found.placed.piece, changes, ""))


def looks(piece: Piece, properties: ClipProperties, pointer: str) -> Piece:
    """The piece with properties that were given. Raises EditError."""
    return _changed(piece, given(properties, *PROPERTIES), pointer)


def _changed(piece: Piece, changes: dict[str, Any], pointer: str) -> Piece:
    for name, value in changes.items():
        if (limits := RANGES.get(name)) is not None:
            check_value(value, limits.low, limits.high, f"{pointer}/{limits.name}")
    if isinstance(crop := changes.get("crop"), Crop):
        if crop.left + crop.right >= 1:
            raise EditError(f"{pointer}/crop/right", "left and right together must be less than 1, or nothing is left")
        if crop.top + crop.bottom >= 1:
            raise EditError(f"{pointer}/crop/bottom", "top and bottom together must be less than 1, or nothing is left")
        if crop == Crop():
            changes["crop"] = None
    return msgspec.structs.replace(piece, **_whole_fades(piece, changes))


def _whole_fades(piece: Piece, changes: dict[str, Any]) -> dict[str, Any]:
    """A fade that is set is whole again; of the other at that edge remains what a split left of it."""
    for cut, fade, other in (
        ("head_cut", "fade_in", "audio_fade_in"),
        ("head_cut", "audio_fade_in", "fade_in"),
        ("tail_cut", "fade_out", "audio_fade_out"),
        ("tail_cut", "audio_fade_out", "fade_out"),
    ):
        if fade in changes and (gone := getattr(piece, cut)):
            changes = {other: max(0, getattr(piece, other) - gone), cut: 0} | changes
    return changes


def check_value(value: object, low: float, high: float, pointer: str) -> None:
    """Refuses keyframes out of order or out of range. Constants were checked where they were decoded."""
    if not isinstance(value, Keyframes):
        return
    before = -1
    for index, key in enumerate(value.keyframes):
        here = f"{pointer}/keyframes/{index}"
        if key.frame <= before:
            raise EditError(f"{here}/frame", f"frame is {key.frame}, after {before}; frames of keyframes must increase")
        if not low <= key.value <= high:
            raise EditError(f"{here}/value", f"value is {key.value:g}; it must be from {low:g} to {high:g}")
        before = key.frame


OPS: Final = (Definition(ClipSet, alone(change), lambda op, _: touching.clip(op.clip, *touching.given(op, "clip"))),)
