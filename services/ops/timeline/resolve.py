"""From a sequence to the timeline document that everyone else sees, and to its digest. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Final, assert_never

import msgspec
from msgspec import UNSET

from cutlog.contract.fonts import BUILT_IN, DEFAULT
from cutlog.contract.properties import Animated
from cutlog.contract.timeline import (
    Caption,
    Clip,
    ClipContent,
    ColorSource,
    Effect,
    FreezeSource,
    MediaRef,
    MediaSource,
    Source,
    TextSource,
    Timeline,
    Track,
    Transition,
)
from services.ops.edits.lane import Chunk, Lane, Piece
from services.ops.edits.sequence import Sequence, TrackState

Sha256s = Callable[[str], str]
"""The SHA-256 of a media's content, by its id."""

_CONTENT: Final = ClipContent.__struct_fields__
#: Properties that can be seen or heard; those that are as usual are left out of the digest.
_SEEN: Final = tuple(name for name in _CONTENT if name not in ("id", "frames", "source", "enabled", "effects"))
_PROPERTIES: Final = attrgetter(*_SEEN)
_USUAL: Final = _PROPERTIES(Piece("", 1, ColorSource(color="#000000")))

#: Bytes that a clip counts with: what is hashed again with every version is small, and no chunk's border shows in it.
_SIGNED: Final = 16

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
        tracks=tuple(_track(track, sequence) for track in sequence.tracks),
        media=used,
        digest=digest(sequence, lambda media_id: used[media_id].sha256),
        markers=tuple(sorted((marker for _, marker in sequence.markers.items()), key=lambda m: (m.at, m.id))),
    )


def _track(track: TrackState, sequence: Sequence) -> Track:
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
                at=at,
                link=_link(piece, sequence),
                **{name: getattr(piece, name) for name in _CONTENT},
            )
            for _, at, piece in track.lane
        ),
        transitions=tuple(
            Transition(
                id=piece.tail.id, left=piece.id, right=piece.tail.right, kind=piece.tail.kind, frames=piece.tail.frames
            )
            for chunk in track.lane.chunks
            for piece in chunk.pieces
            if piece.tail is not None
        ),
        captions=_captions(track),
        caption_mode=track.caption_mode,
        caption_font=UNSET if track.caption_font == DEFAULT else track.caption_font,
    )


def _link(piece: Piece, sequence: Sequence) -> str | None:
    """The name of what a clip is linked with: the first clip of it."""
    members = sequence.links.get(piece.id)
    return None if members is None else members[0]


def _captions(track: TrackState) -> tuple[Caption, ...]:
    return tuple(sorted((caption for _, caption in track.captions.items()), key=lambda c: (c.start, c.end, c.id)))


def digest(sequence: Sequence, sha256s: Sha256s) -> str:
    """SHA-256, in hex, of what can be seen or heard: of canonical JSON (sorted keys, no spaces) of the canvas, the
    duration and the tracks that show or sound something, each with the SHA-256 of its clips, of which each counts
    with 128 bits of the SHA-256 of its line of JSON.

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
            "captions": _said(track, sha256s),
        }
        for track in sequence.tracks
        if (track.lane or len(track.captions)) and not (track.muted and (track.hidden or track.kind == "audio"))
    ]
    document = {"canvas": sequence.canvas, "duration": sequence.duration, "tracks": tracks}
    return hashlib.sha256(_ENCODER.encode(document)).hexdigest()


def _said(track: TrackState, sha256s: Sha256s) -> list[str]:
    """What captions say and when, whatever their ids."""
    if not len(track.captions):
        return []
    if track.captions.signature is None:
        lines = sorted([caption.start, caption.end, caption.text] for _, caption in track.captions.items())
        track.captions.signature = hashlib.sha256(_ENCODER.encode(lines)).digest()
    font = [] if track.caption_font == DEFAULT else [_font(track.caption_font, sha256s)]
    return [track.caption_mode, track.captions.signature.hex(), *font]


def _clips(lane: Lane, sha256s: Sha256s) -> str:
    signatures = (chunk.signature or chunk.sign(_signature(chunk, sha256s)) for chunk in lane.chunks)
    return hashlib.sha256(b"".join(signatures)).hexdigest()


def _signature(chunk: Chunk, sha256s: Sha256s) -> bytes:
    known = _known(chunk)
    return b"".join(
        signed or hashlib.sha256(_ENCODER.encode(_line(gap, piece, sha256s))).digest()[:_SIGNED]
        for signed, gap, piece in zip(known, chunk.gaps, chunk.pieces, strict=True)
    )


def _known(chunk: Chunk) -> list[bytes | None]:
    """The signatures of those clips that the chunk shares with its kin, which is signed. Pieces are the same if they
    are the same object: the kin keeps it alive."""
    kin = chunk.kin
    if kin is None:
        return [None] * len(chunk.pieces)
    assert kin.signature is not None, "kin are signed"
    signed = [kin.signature[start : start + _SIGNED] for start in range(0, len(kin.signature), _SIGNED)]
    if kin.gaps is chunk.gaps:  # a clip was replaced, and none moved
        return [
            each if one is other else None for each, one, other in zip(signed, chunk.pieces, kin.pieces, strict=True)
        ]
    known = dict(zip(zip(kin.gaps, map(id, kin.pieces), strict=True), signed, strict=True))
    return [known.get((gap, id(piece))) for gap, piece in zip(chunk.gaps, chunk.pieces, strict=True)]


def _line(gap: int, piece: Piece, sha256s: Sha256s) -> list[object]:
    """A clip that is not enabled is only time."""
    line: list[object] = [gap, piece.frames]
    if piece.tail is not None:
        line.append({"transition": [piece.tail.kind, piece.tail.frames]})
    if not piece.enabled:
        return line
    line.append(_content(piece.source, sha256s))
    if (properties := _PROPERTIES(piece)) != _USUAL:
        line.append(
            {name: value for name, value, usual in zip(_SEEN, properties, _USUAL, strict=True) if value != usual}
        )
    if piece.effects:
        line.append([[effect.kind, _params(effect, sha256s)] for effect in piece.effects])
    return line


def _params(effect: Effect, sha256s: Sha256s) -> dict[str, Animated | str]:
    media = effect.params.get("media")
    return {**effect.params, "media": sha256s(media)} if isinstance(media, str) else effect.params


def _font(font: str, sha256s: Sha256s) -> str:
    """A font by its content; those that are built in are known by their names."""
    return font if font in BUILT_IN else sha256s(font)


def _content(source: Source, sha256s: Sha256s) -> list[object]:
    match source:
        case MediaSource(media=media, start=start, end=end, stream=stream):
            return ["media", sha256s(media), start, end, *([] if stream is UNSET else [stream])]
        case FreezeSource(media=media, frame=frame, stream=stream):
            return ["freeze", sha256s(media), frame, *([] if stream is UNSET else [stream])]
        case ColorSource(color=color):
            return ["color", color]
        case TextSource(text=text):
            return ["text", msgspec.structs.replace(text, font=_font(text.font, sha256s))]
        case _:
            assert_never(source)
