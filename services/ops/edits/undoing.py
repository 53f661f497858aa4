"""Takes back what versions did and keeps what others did since. Pure.

A value has three states: `after` a version, `before` it, and `now`. What the version made another becomes what it was
before, if it is now what the version made of it; a later version that made it another collides. Where clips stand is
in `moving_back`. The project's name stays, and ids stay taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Sequence as Several
from typing import Final

import msgspec

from cutlog.contract.limits import MAX_CLIPS, MAX_FRAMES, MAX_MARKERS, MAX_TRACKS
from cutlog.contract.timeline import Canvas
from services.ops.edits.errors import EditError
from services.ops.edits.lane import Lane, Piece
from services.ops.edits.links import together, without
from services.ops.edits.merging import Stands, changed
from services.ops.edits.moving_back import moved_back, places
from services.ops.edits.persistent import PersistentMap
from services.ops.edits.sequence import Sequence, TrackState
from services.ops.edits.settle import settle
from services.ops.edits.sources import Earlier, Sources
from services.ops.edits.touching import Touch

_replace = msgspec.structs.replace

_CANVAS: Final = tuple(field.name for field in msgspec.structs.fields(Canvas))
#: Properties of a track, by their names in JSON.
_TRACK: Final = {
    "name": "name", "hidden": "hidden", "muted": "muted", "locked": "locked", "gain_db": "gainDb",
    "caption_mode": "captions", "caption_font": "captionFont",
}  # fmt: skip


class BuiltOnError(EditError):
    """Later versions changed what would be taken back: the values `touches`, since version `base`; of none in
    particular when what is left would not hold, as `detail` says."""

    def __init__(self, pointer: str, base: int, touches: Several[Touch], detail: str = "") -> None:
        super().__init__(pointer, detail or f"versions after {base} build on it: {', '.join(map(_shown, touches))}")
        self.base, self.touches = base, touches

    def within(self, prefix: str) -> BuiltOnError:
        """The same error, seen from further out."""
        return self.at(prefix + self.pointer)

    def at(self, pointer: str) -> BuiltOnError:
        """The same error, of another part of what was asked."""
        return BuiltOnError(pointer, self.base, self.touches, self.detail)


def _shown(touch: Touch) -> str:
    what = ("what", "is", "on", "track") if touch.of == "place" else (touch.field, "of", touch.of)
    return " ".join(part for part in (*what, touch.id) if part)


def runs(versions: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Versions that follow each other, first and last, the newest first."""
    last: int | None = None
    first = 0
    for version in sorted(set(versions), reverse=True):
        if last is not None and version == first - 1:
            first = version
            continue
        if last is not None:
            yield first, last
        first = last = version
    if last is not None:
        yield first, last


def take_back(now: Sequence, versions: Iterable[int], sources: Sources, earlier: Earlier) -> Sequence:
    """The timeline without what these versions did. Raises EditError, BuiltOnError, where `earlier` has no such
    version or others stand against it."""
    for first, last in runs(versions):
        after, before = earlier(last), earlier(first - 1)
        if after is None or before is None:
            raise EditError("/versions", f"there is no version {last} to undo; name versions of this project")
        now = _without(now, last, after, before, sources)
    return now


def _without(now: Sequence, base: int, after: Sequence, before: Sequence, sources: Sources) -> Sequence:
    if _same(now, after):
        return _replace(before, name=now.name, taken=now.taken, written=now.written)
    stands = Stands()
    merged = _merged(now, after, before, stands)
    if not stands:
        try:
            merged = settle(now, merged, sources, "")
        except EditError as error:
            raise BuiltOnError("/versions", base, (), error.detail) from None
        stands.extend(Touch("transition", id_, "whole") for id_ in _lost(merged, now, after, before))
    if stands:
        raise BuiltOnError("/versions", base, tuple(dict.fromkeys(stands)))
    for what, count, was, most in (
        ("clips", merged.clip_count, now.clip_count, MAX_CLIPS),
        ("frames", merged.duration, now.duration, MAX_FRAMES),
        ("tracks", len(merged.tracks), len(now.tracks), MAX_TRACKS),
        ("markers", len(merged.markers), len(now.markers), MAX_MARKERS),
    ):
        if count > max(was, most):
            raise BuiltOnError("/versions", base, (), f"there would be {count} {what}; a project has at most {most}")
    return merged


def _lost(merged: Sequence, now: Sequence, after: Sequence, before: Sequence) -> Iterator[str]:
    """Transitions that should be there and are not, since their clips do not touch."""
    for id_ in now.transitions:
        if id_ not in merged.transitions and (id_ not in after.transitions or id_ in before.transitions):
            yield id_
    for id_ in before.transitions:
        if id_ not in merged.transitions and id_ not in after.transitions:
            yield id_


def _same(one: Sequence, other: Sequence) -> bool:
    """Whether the timelines are equal; names are no part of them."""
    return (one.canvas, one.tracks, one.markers, one.links) == (other.canvas, other.tracks, other.markers, other.links)


def _merged(now: Sequence, after: Sequence, before: Sequence, stands: Stands) -> Sequence:
    canvas = stands.fields(after.canvas, before.canvas, now.canvas, _CANVAS, lambda field: Touch("project", "", field))
    mine, was = places(after), places(before)
    lanes = moved_back(mine, was, places(now), stands)
    linked = (id_ for id_ in mine.keys() - was.keys() if now.links.get(id_) != after.links.get(id_))
    stands.extend(Touch("clip", id_, "link") for id_ in sorted(linked))
    if canvas.fps != now.canvas.fps and any(lanes.values()):
        stands.append(Touch("project", "", "timeline"))  # all frame numbers depend on it
    tracks = _tracks(now, after, before, lanes, stands)
    markers = stands.things("marker", after.markers, before.markers, now.markers)
    result = _replace(now, canvas=canvas, tracks=tracks, markers=markers)
    return _replace(result, links=_links(result, after, before, stands))


def _tracks(
    now: Sequence, after: Sequence, before: Sequence, lanes: dict[str, list[tuple[int, Piece]]], stands: Stands
) -> tuple[TrackState, ...]:
    mine, was, is_ = ({track.id: track for track in state.tracks} for state in (after, before, now))
    found: dict[str, TrackState] = {}
    for id_ in dict.fromkeys((*is_, *was)):
        m, w, i = mine.get(id_), was.get(id_), is_.get(id_)
        clips = lanes.get(id_, [])
        if i is None:
            if w is not None and m is None:
                found[id_] = _replace(w, lane=Lane.of(clips) if _room(clips) else w.lane)
            elif clips:
                stands.append(Touch("track", id_, "whole"))
        elif m is not None and w is None:  # the version added it
            if clips or _bare(m) != _bare(i):
                stands.append(Touch("track", id_, "whole"))
        else:
            found[id_] = _track(i, m, w, clips, stands)
    order = stands.order([*mine], [*was], [*is_], lambda id_: Touch("track", id_, "index"))
    return tuple(found[id_] for id_ in order if id_ in found)


def _bare(track: TrackState) -> TrackState:
    return _replace(track, lane=Lane())


def _track(
    now: TrackState, after: TrackState | None, before: TrackState | None, clips: list[tuple[int, Piece]], stands: Stands
) -> TrackState:
    result = now if not _room(clips) else _replace(now, lane=_lane(now.lane, clips))
    if after is not None and before is not None:
        for name, shown in _TRACK.items():
            value = stands.value(
                getattr(after, name), getattr(before, name), getattr(now, name), Touch("track", now.id, shown)
            )
            result = _replace(result, **{name: value})
        result = _replace(result, captions=stands.things("caption", after.captions, before.captions, now.captions))
    touched = result.lane is not now.lane or result.captions is not now.captions
    if touched and now.locked and (after is None or not after.locked):
        stands.append(Touch("track", now.id, "locked"))
    return result


def _room(clips: list[tuple[int, Piece]]) -> bool:
    """Whether no clip is in the way of another; that was noted."""
    ends = [0, *(at + piece.frames for at, piece in clips)]
    return all(end <= at for end, (at, _) in zip(ends, clips, strict=False))


def _lane(now: Lane, clips: list[tuple[int, Piece]]) -> Lane:
    """The lane with these clips. What is as it was, or moved along at the end, is shared."""
    old = [(placed.at, placed.piece) for placed in now]
    start = 0
    while start < min(len(old), len(clips)) and _is(old[start], clips[start]):
        start += 1
    if start == len(old) == len(clips):
        return now
    tail = 0
    shift = clips[-1][0] - old[-1][0] if old and clips else 0
    while tail < min(len(old), len(clips)) - start and _is(old[-1 - tail], clips[-1 - tail], shift):
        tail += 1
    return now.splice(start, len(old) - tail, clips[start : len(clips) - tail], shift if tail else 0)


def _is(one: tuple[int, Piece], other: tuple[int, Piece], shift: int = 0) -> bool:
    return one[1] is other[1] and one[0] + shift == other[0]


def _links(result: Sequence, after: Sequence, before: Sequence, stands: Stands) -> PersistentMap[tuple[str, ...]]:
    links = result.links
    if after.links is before.links:
        return links
    ids = [*changed(after.links, before.links)]
    ended = {members for id_ in ids if (members := after.links.get(id_)) is not None}
    begin = {members for id_ in ids if (members := before.links.get(id_)) is not None}
    there = {piece.id for track in result.tracks for _, _, piece in track.lane}
    for members in sorted(ended):
        for id_ in members:
            if id_ in there and links.get(id_) not in (members, before.links.get(id_)):
                stands.append(Touch("clip", id_, "link"))
        links = without(links, [id_ for id_ in members if links.get(id_) == members])
    for members in sorted(begin):
        alive = [id_ for id_ in members if id_ in there]
        if any(links.get(id_) not in (None, members) for id_ in alive):
            stands.extend(Touch("clip", id_, "link") for id_ in alive)
        elif len(alive) > 1:
            links = together(without(links, alive), alive)
    return links
