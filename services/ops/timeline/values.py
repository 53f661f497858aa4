"""The values that a timeline is made of, each by whose it is and its name in JSON. Pure."""

from __future__ import annotations

from enum import Enum
from typing import Final

import msgspec

from cutlog.contract.timeline import Canvas, MediaSource, TextSource
from services.ops.edits.lane import Piece
from services.ops.edits.sequence import Sequence, TrackState


class Absent(Enum):
    """What is not there."""

    absent = "absent"


ABSENT: Final = Absent.absent
Value = object

_FIELDS: Final = {field.encode_name: field.name for field in msgspec.structs.fields(Canvas)}


def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word.title() for word in rest)


PIECE: Final = {
    field.encode_name: field.name
    for field in msgspec.structs.fields(Piece)
    if field.name not in ("id", "tail", "source", "effects")
}
"""Fields of a clip that ops set as they are, by their names in JSON."""
TRACK: Final = {
    _camel(name): name for name in TrackState.__struct_fields__ if name not in ("id", "lane", "captions")
} | {"captions": "caption_mode"}
"""Properties of a track."""


def part(sequence: Sequence, of: str, thing: str, field: str) -> Value:
    """`field` of a project, track, clip, transition, caption or marker; `whole` is all that it consists of. ABSENT, if
    it is not there."""
    match of:
        case "project":
            return _of_project(sequence, field)
        case "track":
            return _of_track(sequence, thing, field)
        case "clip":
            return _of_clip(sequence, thing, field)
        case "transition":
            return _of_transition(sequence, thing, field)
        case "caption":
            for track in sequence.tracks:
                if (caption := track.captions.get(thing)) is not None:
                    return caption if field == "whole" else getattr(caption, field)
            return ABSENT
        case _:
            marker = sequence.markers.get(thing)
            return ABSENT if marker is None else marker if field == "whole" else getattr(marker, field)


def _of_project(sequence: Sequence, field: str) -> Value:
    match field:
        case "name":
            return sequence.name
        case "timeline":
            return [(track, list(track.lane)) for track in sequence.tracks], sequence.canvas, sequence.markers
        case _:
            return getattr(sequence.canvas, _FIELDS[field])


def _of_track(sequence: Sequence, track_id: str, field: str) -> Value:
    for index, track in enumerate(sequence.tracks):
        if track.id == track_id:
            match field:
                case "index":
                    return index
                case "whole":
                    return [placed.piece for placed in track.lane], track.captions
                case _:
                    return getattr(track, TRACK[field])
    return ABSENT


def _of_clip(sequence: Sequence, clip: str, field: str) -> Value:
    found = sequence.find(clip)
    if found is None:
        return ABSENT
    track, placed = found.track, found.placed
    piece = placed.piece
    match field.split("."):
        case ["there"]:
            return True
        case ["at"]:
            return placed.at
        case ["track"]:
            return track.id
        case ["whole"]:
            return msgspec.structs.replace(piece, tail=None)
        case ["link"]:
            return sequence.links.get(clip)
        case ["transition"]:
            return piece.tail
        case ["source"]:
            return piece.source
        case ["in"]:
            return piece.source.start if isinstance(piece.source, MediaSource) else piece.frames
        case ["out"]:
            return piece.source.end if isinstance(piece.source, MediaSource) else piece.frames
        case ["text", name]:
            return getattr(piece.source.text, name) if isinstance(piece.source, TextSource) else ABSENT
        case ["effects"]:
            return [effect.id for effect in piece.effects]
        case ["effects", effect_id, *name]:
            for effect in piece.effects:
                if effect.id == effect_id:
                    return effect.params.get(name[0], ABSENT) if name else effect
            return ABSENT
        case _:
            return getattr(piece, PIECE[field])


def _of_transition(sequence: Sequence, transition: str, field: str) -> Value:
    left = sequence.transitions.get(transition)
    found = None if left is None else sequence.find(left)
    if found is None or (tail := found.placed.piece.tail) is None:
        return ABSENT
    return tail if field == "whole" else getattr(tail, field)
