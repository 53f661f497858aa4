"""A project's state as bytes and back, so that a fold never starts from zero."""

from __future__ import annotations

import zlib
from typing import Final

import msgspec

from cutlog.contract.timeline import Canvas, TrackKind
from services.ops.decide.project_state import ExportState, Pin, ProjectState
from services.ops.edits.lane import Lane, Piece
from services.ops.edits.persistent import PersistentMap
from services.ops.edits.sequence import Sequence, TrackState

EVERY: Final = 100
"""Versions from one snapshot to the next."""

FORMAT: Final = 1
"""Goes up when an older snapshot can't be read any more; such a one is passed over, and the fold is longer."""


class _Track(msgspec.Struct, frozen=True, array_like=True):
    id: str
    kind: TrackKind
    name: str
    hidden: bool
    muted: bool
    locked: bool
    gain_db: float
    clips: tuple[tuple[int, Piece], ...]


class _State(msgspec.Struct, frozen=True, array_like=True):
    tenant: str
    name: str
    canvas: Canvas
    tracks: tuple[_Track, ...]
    gone: tuple[str, ...]
    version: int
    deleted: bool
    durations: dict[str, int]
    exports: dict[str, ExportState]
    requested: dict[str, str]
    pins: dict[str, Pin]


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_State)


def dump(state: ProjectState) -> bytes:
    """The state as compressed MessagePack."""
    sequence = state.sequence
    tracks = tuple(_track(track) for track in sequence.tracks)
    alive = {track.id for track in tracks} | {piece.id for track in tracks for _, piece in track.clips}
    frozen = _State(
        tenant=state.tenant,
        name=sequence.name,
        canvas=sequence.canvas,
        tracks=tracks,
        gone=tuple(taken for taken in sequence.taken if taken not in alive),
        version=state.version,
        deleted=state.deleted,
        durations=dict(state.durations.items()),
        exports=dict(state.exports.items()),
        requested=dict(state.requested.items()),
        pins=dict(state.pins.items()),
    )
    return zlib.compress(_ENCODER.encode(frozen), 1)


def load(data: bytes) -> ProjectState:
    """The state in a snapshot. Raises zlib.error, msgspec.ValidationError."""
    frozen = _DECODER.decode(zlib.decompress(data))
    taken = dict.fromkeys(frozen.gone)
    sequence = Sequence(frozen.name, frozen.canvas)
    tracks = []
    for track in frozen.tracks:
        taken[track.id] = None
        for _, piece in track.clips:
            taken[piece.id] = None
            sequence = sequence.using(piece.source, 1)
        tracks.append(
            TrackState(
                track.id, track.kind, Lane.of(track.clips), track.name, track.hidden, track.muted, track.locked,
                track.gain_db,
            )
        )  # fmt: skip
    return ProjectState(
        tenant=frozen.tenant,
        sequence=msgspec.structs.replace(sequence, tracks=tuple(tracks), taken=PersistentMap(taken)),
        version=frozen.version,
        deleted=frozen.deleted,
        durations=PersistentMap(frozen.durations),
        exports=PersistentMap(frozen.exports),
        requested=PersistentMap(frozen.requested),
        pins=PersistentMap(frozen.pins),
    )


def _track(track: TrackState) -> _Track:
    return _Track(
        track.id, track.kind, track.name, track.hidden, track.muted, track.locked, track.gain_db,
        tuple((placed.at, placed.piece) for placed in track.lane),
    )  # fmt: skip
