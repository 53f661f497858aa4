"""A project's state as bytes and back, so that a fold never starts from zero."""

from __future__ import annotations

import zlib
from collections import Counter
from typing import Final

import msgspec

from cutlog.contract.fonts import DEFAULT, uploaded
from cutlog.contract.timeline import Canvas, Caption, CaptionMode, Marker, TrackKind
from services.ops.decide.project_state import ExportState, Import, Pin, ProjectState
from services.ops.edits.lane import Lane, Piece
from services.ops.edits.persistent import PersistentMap
from services.ops.edits.sequence import Sequence, TrackState, media_of
from services.ops.edits.size import size

EVERY: Final = 100
"""Versions from one snapshot to the next."""

FORMAT: Final = 2
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
    captions: tuple[Caption, ...] = ()
    caption_mode: CaptionMode = "burn"
    caption_font: str = DEFAULT


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
    links: tuple[tuple[str, ...], ...] = ()
    markers: tuple[Marker, ...] = ()
    imported: Import | None = None


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
        links=tuple({members[0]: members for _, members in sequence.links.items()}.values()),
        markers=tuple(marker for _, marker in sequence.markers.items()),
        imported=state.imported,
    )
    return zlib.compress(_ENCODER.encode(frozen), 1)


def load(data: bytes) -> ProjectState:
    """The state in a snapshot. Raises zlib.error, msgspec.ValidationError."""
    frozen = _DECODER.decode(zlib.decompress(data))
    taken = dict.fromkeys(frozen.gone)
    uses: Counter[str] = Counter()
    transitions: dict[str, str] = {}
    tracks = []
    for track in frozen.tracks:
        taken[track.id] = None
        for _, piece in track.clips:
            taken[piece.id] = None
            uses.update(media_of(piece))
            if piece.tail is not None:
                transitions[piece.tail.id] = piece.id
        uses.update(uploaded(track.caption_font))
        tracks.append(
            TrackState(
                track.id, track.kind, Lane.of(track.clips), track.name, track.hidden, track.muted, track.locked,
                track.gain_db, PersistentMap({caption.id: caption for caption in track.captions}), track.caption_mode,
                track.caption_font,
            )
        )  # fmt: skip
    sequence = Sequence(
        frozen.name,
        frozen.canvas,
        tuple(tracks),
        PersistentMap(taken),
        PersistentMap(dict(uses)),
        PersistentMap({clip: members for members in frozen.links for clip in members}),
        PersistentMap(transitions),
        PersistentMap({marker.id: marker for marker in frozen.markers}),
        size(tracks),
    )
    return ProjectState(
        tenant=frozen.tenant,
        sequence=sequence,
        version=frozen.version,
        deleted=frozen.deleted,
        durations=PersistentMap(frozen.durations),
        exports=PersistentMap(frozen.exports),
        requested=PersistentMap(frozen.requested),
        pins=PersistentMap(frozen.pins),
        imported=frozen.imported,
    )


def _track(track: TrackState) -> _Track:
    return _Track(
        track.id, track.kind, track.name, track.hidden, track.muted, track.locked, track.gain_db,
        tuple((placed.at, placed.piece) for placed in track.lane),
        tuple(caption for _, caption in track.captions.items()), track.caption_mode, track.caption_font,
    )  # fmt: skip
