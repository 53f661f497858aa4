"""What changed from one timeline to another, clip by clip, in the words of editors. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

import msgspec

from cutlog.contract.answers.edits import Change, Of
from cutlog.contract.base import Wire
from cutlog.contract.timeline import ColorSource, Effect, FreezeSource, MediaSource, Source, TextSource
from services.ops.edits.lane import Joint, Piece
from services.ops.edits.sequence import Sequence, TrackState
from services.ops.timeline.values import PIECE, TRACK

#: Fields of a clip that have words of their own, or follow from others.
_TOLD: Final = frozenset({"frames", "headCut", "tailCut"})
_TRACK: Final = {name: field for name, field in TRACK.items() if name not in ("captions", "kind")}


class Spot(Wire):
    """Where a clip stands."""

    track: str
    at: int


class _Standing(msgspec.Struct, frozen=True):
    """A clip in its place."""

    track: TrackState
    at: int
    piece: Piece
    link: tuple[str, ...] | None

    @property
    def spot(self) -> Spot:
        return Spot(track=self.track.id, at=self.at)


def diff(before: Sequence, after: Sequence) -> list[Change]:
    """The differences: of the project, tracks, clips with their effects, transitions, captions, markers. Empty, when
    the two are equal but for ids that were used meanwhile."""
    return [
        *_project(before, after),
        *_tracks(before, after),
        *_clips(_standing(before), _standing(after)),
        *_things("transition", _joints(before), _joints(after)),
        *_things("caption", _captions(before), _captions(after)),
        *_things("marker", dict(before.markers.items()), dict(after.markers.items())),
    ]


def _set(of: Of, thing: str, name: str, before: Any, after: Any, clip: str | None = None) -> Change:
    text = f"{of} {thing}: {name} from {_word(before)} to {_word(after)}"
    return Change(change="set", of=of, id=thing, clip=clip, property=name, before=before, after=after, text=text)


def _word(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 80 else text[:77] + "…"


def _fields(struct: msgspec.Struct) -> Iterator[tuple[str, str]]:
    """Names of its fields, in Python and in JSON."""
    return zip(struct.__struct_fields__, struct.__struct_encode_fields__, strict=True)


def _project(before: Sequence, after: Sequence) -> Iterator[Change]:
    if before.name != after.name:
        yield _set("project", "", "name", before.name, after.name)
    for field, shown in _fields(after.canvas):
        old, new = getattr(before.canvas, field), getattr(after.canvas, field)
        if old != new:
            yield _set("project", "", shown, old, new)


def _tracks(before: Sequence, after: Sequence) -> Iterator[Change]:
    old, new = ({track.id: track for track in sequence.tracks} for sequence in (before, after))
    for track_id in (track_id for track_id in old if track_id not in new):
        text = f"track {track_id} removed, with {len(old[track_id].lane)} clips"
        yield Change(change="removed", of="track", id=track_id, text=text)
    stay = [track_id for track_id in old if track_id in new]
    for index, (track_id, track) in enumerate(new.items()):
        if track_id not in old:
            yield Change(
                change="added", of="track", id=track_id, after=index, text=f"track {track_id} added at index {index}"
            )
            continue
        was, now = stay.index(track_id), [other for other in new if other in old].index(track_id)
        if was != now:
            text = f"track {track_id} moved from index {was} to {now}"
            yield Change(change="moved", of="track", id=track_id, before=was, after=now, text=text)
        for name, field in _TRACK.items():
            if getattr(old[track_id], field) != getattr(track, field):
                yield _set("track", track_id, name, getattr(old[track_id], field), getattr(track, field))


def _standing(sequence: Sequence) -> dict[str, _Standing]:
    return {
        piece.id: _Standing(track, at, piece, sequence.links.get(piece.id))
        for track in sequence.tracks
        for _, at, piece in track.lane
    }


def _clips(before: Mapping[str, _Standing], after: Mapping[str, _Standing]) -> Iterator[Change]:
    for clip, old in before.items():
        if clip not in after:
            text = f"clip {clip} removed from {old.track.id} at {old.at} ({old.piece.frames} frames)"
            yield Change(change="removed", of="clip", id=clip, before=old.spot, text=text)
    yield from _moves(before, after)
    for clip, new in after.items():
        if clip not in before:
            text = f"clip {clip} added to {new.track.id} at {new.at} ({new.piece.frames} frames)"
            yield Change(change="added", of="clip", id=clip, after=new.spot, text=text)
        elif before[clip].piece is not new.piece:
            yield from _changed(before[clip].piece, new.piece, new.at - before[clip].at)
        if clip in before and before[clip].link != new.link:
            yield _set("clip", clip, "link", before[clip].link, new.link)


def _moves(before: Mapping[str, _Standing], after: Mapping[str, _Standing]) -> Iterator[Change]:
    """Clips that stand elsewhere; those that follow each other and went as far, as one."""

    def way(item: tuple[str, _Standing]) -> tuple[str, str, int]:
        clip, new = item
        old = before[clip]
        return old.track.id, new.track.id, new.at - old.at - _head(old.piece, new.piece, new.at - old.at)

    stayed = ((clip, new) for clip, new in after.items() if clip in before)
    for (was, now, by), run in groupby(stayed, way):
        clips = [clip for clip, _ in run]
        if was == now and not by:
            continue
        if was == now and len(clips) > 1:
            text = f"clips {clips[0]} to {clips[-1]} of {now} ({len(clips)}) shifted by {by:+}"
            yield Change(change="shifted", of="clip", id=clips[0], by=by, clips=tuple(clips), text=text)
            continue
        for clip in clips:
            old, new = before[clip].spot, after[clip].spot
            text = f"clip {clip} moved from {old.track} at {old.at} to {new.track} at {new.at}"
            yield Change(change="moved", of="clip", id=clip, before=old, after=new, text=text)


def _head(old: Piece, new: Piece, moved: int) -> int:
    """Frames by which a clip's start moved because its head was trimmed, of `moved` frames in all."""
    head, _ = _trim(old, new, moved)
    return -head if -head == moved else 0


def _trim(old: Piece, new: Piece, moved: int) -> tuple[int, int]:
    """Frames of the timeline that a clip gained at its start and at its end; its start moved by `moved`."""
    grown = new.frames - old.frames
    if not (isinstance(old.source, MediaSource) and isinstance(new.source, MediaSource)):
        return (grown, 0) if grown and moved == -grown else (0, grown)
    if _rate(old) != _rate(new) or old.reversed != new.reversed:
        return 0, 0  # it is as long as its speed makes it
    starts, ends = old.source.start - new.source.start, new.source.end - old.source.end
    first, last = (ends, starts) if new.reversed else (starts, ends)
    if not first:
        return 0, grown
    if not last:
        return grown, 0
    num, den = _rate(new)
    head = first * den // num
    return head, grown - head


def _rate(piece: Piece) -> tuple[int, int]:
    return (1, 1) if piece.speed is None else (piece.speed.num, piece.speed.den)


def _changed(old: Piece, new: Piece, moved: int) -> Iterator[Change]:
    clip = new.id
    yield from _source(clip, old, new, moved)
    for name, field in PIECE.items():
        was, now = getattr(old, field), getattr(new, field)
        if was != now and name not in _TOLD:
            yield _set("clip", clip, name, was, now)
    yield from _effects(clip, old.effects, new.effects)


def _source(clip: str, old: Piece, new: Piece, moved: int) -> Iterator[Change]:
    match old.source, new.source:
        case (MediaSource(media=was), MediaSource(media=now)) if was == now and old.source.stream != new.source.stream:
            text = f"clip {clip} uses other streams of {now}"
            yield Change(change="replaced", of="clip", id=clip, before=old.source, after=new.source, text=text)
            return
        case (MediaSource(media=was), MediaSource(media=now)) if was == now:
            by = new.source.start - old.source.start
            # What moved along with its frames was trimmed at both ends: the others stand where they stood.
            if by and by == new.source.end - old.source.end and old.frames == new.frames and moved != by:
                yield Change(change="slipped", of="clip", id=clip, by=by, text=f"clip {clip} slipped by {by:+} frames")
                return
        case (ColorSource(color=was), ColorSource(color=now)):
            if was != now:
                yield _set("clip", clip, "color", was, now)
        case (TextSource(text=was_text), TextSource(text=now_text)):
            for field, shown in _fields(now_text):
                one, other = getattr(was_text, field), getattr(now_text, field)
                if one != other:
                    yield _set("clip", clip, f"text.{shown}", one, other)
        case (one, other) if _what(one) != _what(other):
            text = f"clip {clip} shows {_what(other)} in place of {_what(one)}"
            yield Change(change="replaced", of="clip", id=clip, before=one, after=other, text=text)
            return
    head, tail = _trim(old, new, moved)
    if head or tail:
        ends = [f"its {end} by {by:+}" for end, by in (("head", head), ("tail", tail)) if by]
        text = f"clip {clip} trimmed, {' and '.join(ends)} frames"
        yield Change(change="trimmed", of="clip", id=clip, head=head, tail=tail, text=text)


def _what(source: Source) -> str:
    match source:
        case MediaSource(media=media):
            return media
        case FreezeSource(media=media, frame=frame):
            return f"frame {frame} of {media}"
        case ColorSource(color=color):
            return color
        case TextSource():
            return "text"


def _effects(clip: str, before: tuple[Effect, ...], after: tuple[Effect, ...]) -> Iterator[Change]:
    old, new = {effect.id: effect for effect in before}, {effect.id: effect for effect in after}
    for effect in before:
        if effect.id not in new:
            text = f"effect {effect.id} ({effect.kind}) removed from clip {clip}"
            yield Change(change="removed", of="effect", id=effect.id, clip=clip, before=effect.kind, text=text)
    stayed = [effect.id for effect in before if effect.id in new]
    order = [effect.id for effect in after if effect.id in old]
    for index, effect in enumerate(after):
        was = old.get(effect.id)
        if was is None:
            text = f"effect {effect.id} ({effect.kind}) added to clip {clip}"
            yield Change(change="added", of="effect", id=effect.id, clip=clip, after=effect.kind, text=text)
            continue
        if stayed.index(effect.id) != order.index(effect.id):
            text = f"effect {effect.id} of clip {clip} moved to index {index}"
            yield Change(change="moved", of="effect", id=effect.id, clip=clip, before=before.index(was), after=index,
                         text=text)  # fmt: skip
        for name, value in effect.params.items():
            if was.params.get(name) != value:
                yield _set("effect", effect.id, name, was.params.get(name), value, clip)


class _Join(Wire):
    left: str
    right: str
    kind: str
    frames: int


def _joints(sequence: Sequence) -> dict[str, _Join]:
    return {
        tail.id: _Join(left=left.id, right=tail.right, kind=tail.kind, frames=tail.frames)
        for track in sequence.tracks
        for left, tail in _tails(track)
    }


def _tails(track: TrackState) -> Iterator[tuple[Piece, Joint]]:
    for chunk in track.lane.chunks:
        for index in chunk.joined:
            piece = chunk.pieces[index]
            if piece.tail is not None:
                yield piece, piece.tail


def _captions(sequence: Sequence) -> dict[str, msgspec.Struct]:
    return {name: caption for track in sequence.tracks for name, caption in track.captions.items()}


def _things(of: Of, before: Mapping[str, msgspec.Struct], after: Mapping[str, msgspec.Struct]) -> Iterator[Change]:
    for thing in sorted(before.keys() - after.keys()):
        yield Change(change="removed", of=of, id=thing, before=before[thing], text=f"{of} {thing} removed")
    for thing in sorted(after.keys() - before.keys()):
        yield Change(change="added", of=of, id=thing, after=after[thing], text=f"{of} {thing} added")
    for thing in sorted(after.keys() & before.keys()):
        old, new = before[thing], after[thing]
        for field, shown in _fields(new):
            was, now = getattr(old, field), getattr(new, field)
            if was != now:
                yield _set(of, thing, shown, was, now)
