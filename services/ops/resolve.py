"""From a sequence to the timeline document that everyone else sees, and to its digest. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Final, assert_never

import msgspec

from cutlog.contract.timeline import (
    Clip,
    ColorSource,
    FreezeSource,
    MediaRef,
    MediaSource,
    Source,
    TextSource,
    Timeline,
    Track,
)
from services.ops.edits.lane import Chunk, Lane, Piece
from services.ops.edits.sequence import Sequence, TrackState

Sha256s = Callable[[str], str]
"""The SHA-256 of a media's content, by its id."""

_ENCODER: Final = msgspec.json.Encoder(order="deterministic")


def resolve(sequence: Sequence, project_id: str, tenant: str, version: int, media: Mapping[str, MediaRef]) -> Timeline:
    """The timeline of a version. `media` must hold every media that the sequence uses; others are left out."""
    used = {media_id: media[media_id] for media_id in sorted(sequence.uses)}
    return Timeline(
        project_id=project_id,
        tenant=tenant,
        version=version,
        canvas=sequence.canvas,
        duration=sequence.duration,
        tracks=tuple(_track(track) for track in sequence.tracks),
        media=used,
        digest=digest(sequence, lambda media_id: used[media_id].sha256),
    )


def _track(track: TrackState) -> Track:
    return Track(
        id=track.id,
        kind=track.kind,
        name=track.name,
        hidden=track.hidden,
        muted=track.muted,
        locked=track.locked,
        gain_db=track.gain_db,
        clips=tuple(
            Clip(
                id=piece.id, at=at, frames=piece.frames, source=piece.source,
                enabled=piece.enabled, fit=piece.fit, gain_db=piece.gain_db,
            )
            for _, at, piece in track.lane
        ),
    )  # fmt: skip


def digest(sequence: Sequence, sha256s: Sha256s) -> str:
    """SHA-256, in hex, of what can be seen or heard: of canonical JSON (sorted keys, no spaces) of the canvas, the
    duration and the tracks that show or sound something, each with the SHA-256 of its clips, a line of JSON per clip.

    Names, ids, versions and the place in the project's history do not count; media count by their content. Lines are
    kept per chunk of a lane, so that a version costs the chunks that it changed and the hash.
    """
    tracks = [
        {
            "kind": track.kind,
            "hidden": track.hidden,
            "muted": track.muted,
            "gainDb": track.gain_db,
            "clips": _clips(track.lane, sha256s),
        }
        for track in sequence.tracks
        if track.lane and not (track.muted and (track.hidden or track.kind == "audio"))
    ]
    document = {"canvas": sequence.canvas, "duration": sequence.duration, "tracks": tracks}
    return hashlib.sha256(_ENCODER.encode(document)).hexdigest()


def _clips(lane: Lane, sha256s: Sha256s) -> str:
    whole = hashlib.sha256()
    for chunk in lane.chunks:
        if chunk.signature is None:
            chunk.signature = _signature(chunk, sha256s)
        whole.update(chunk.signature)
    return whole.hexdigest()


def _signature(chunk: Chunk, sha256s: Sha256s) -> bytes:
    lines = [_line(gap, piece, sha256s) for gap, piece in zip(chunk.gaps, chunk.pieces, strict=True)]
    return b"\n".join(map(_ENCODER.encode, lines)) + b"\n"


def _line(gap: int, piece: Piece, sha256s: Sha256s) -> list[object]:
    """A clip that is not enabled is only time."""
    if not piece.enabled:
        return [gap, piece.frames]
    return [gap, piece.frames, _content(piece.source, sha256s), piece.fit, piece.gain_db]


def _content(source: Source, sha256s: Sha256s) -> list[object]:
    match source:
        case MediaSource(media=media, start=start, end=end):
            return ["media", sha256s(media), start, end]
        case FreezeSource(media=media, frame=frame):
            return ["freeze", sha256s(media), frame]
        case ColorSource(color=color):
            return ["color", color]
        case TextSource(text=text):
            return ["text", text]
        case _:
            assert_never(source)
