"""Where clips stand once a version is taken back. Pure.

A clip moves back by as much as the version had moved it. What came since moves with its neighbours:

    before  v1 [aaaa][bb]
    after   v1 [aa][bb]             a was trimmed, with ripple
    now     v1 [aa][bb][xx]
    result  v1 [aaaa][bb][xx]
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Container, Iterator, Mapping
from collections.abc import Sequence as Several
from typing import NamedTuple

from cutlog.contract.timeline import MediaSource
from services.ops.edits.lane import Piece
from services.ops.edits.merging import Stands
from services.ops.edits.sequence import Sequence
from services.ops.edits.touching import Touch


class Place(NamedTuple):
    """A clip on a track from frame `at` on; `gap` frames lie before it, after the clip before."""

    track: str
    at: int
    piece: Piece
    gap: int

    @property
    def end(self) -> int:
        return self.at + self.piece.frames


Places = dict[str, Place]
Laid = dict[str, tuple[int, Piece]]
"""The clips of a track by id: where they begin, and what they are."""


def places(sequence: Sequence) -> Places:
    """All clips by id, track by track in order of time."""
    found: Places = {}
    for track in sequence.tracks:
        end = 0
        for _, at, piece in track.lane:
            found[piece.id] = Place(track.id, at, piece, at - end)
            end = at + piece.frames
    return found


def moved_back(after: Places, before: Places, now: Places, stands: Stands) -> dict[str, list[tuple[int, Piece]]]:
    """The clips of each track, in order of time. What stands against it is noted."""
    merged: dict[str, Piece] = {}
    coming: set[str] = set()
    for id_ in dict.fromkeys((*after, *before)):
        mine, was, is_ = after.get(id_), before.get(id_), now.get(id_)
        match mine, was, is_:
            case Place(), Place(), Place():
                merged[id_] = stands.piece(mine.piece, was.piece, is_.piece)
                if stands.value(mine.track, was.track, is_.track, Touch("clip", id_, "track")) != is_.track:
                    coming.add(id_)
            case Place(), Place(), None if mine.piece != was.piece:
                stands.append(Touch("clip", id_, "there"))
            case Place(), None, Place() if is_.piece != mine.piece:
                stands.append(Touch("clip", id_, "whole"))
            case None, Place(), None:
                coming.add(id_)
            case None, Place(), Place() if (is_.piece, is_.track) != (was.piece, was.track):
                stands.append(Touch("clip", id_, "whole"))
            case _:
                pass
    shifts = _shifts(after, before)
    gone = after.keys() - before.keys()
    by_version = {*_moved(after, before, shifts), *_changed_tracks(after, before)}
    since = {*_moved(after, now, _shifts(after, now)), *_changed_tracks(after, now)}
    stands.extend(Touch("clip", id_, "at") for id_ in after if id_ in since and (id_ in by_version or id_ in gone))
    stands.extend(Touch("clip", id_, "there") for id_ in after if id_ in by_version and id_ not in now)
    stands.extend(Touch("clip", id_, "there") for id_ in _halves(after, before, now, by_version))
    staying = {id_: place for id_, place in now.items() if id_ not in gone and id_ not in coming}
    on_track = {id_: shift for id_, shift in shifts.items() if before[id_].track == _on(now, id_)}
    tracks = _shifted(staying, on_track, merged)
    for track, ids in _by_track(before).items():
        _bring(ids, coming, before, merged, tracks.setdefault(track, {}))
    return {track: _in_order(track, laid, stands) for track, laid in tracks.items()}


def _on(state: Places, id_: str) -> str | None:
    return state[id_].track if id_ in state else None


def _shifts(one: Places, other: Places) -> dict[str, int]:
    """By how many frames clips are later in the other state, of those that are on the same track."""
    return {id_: other[id_].at - place.at for id_, place in one.items() if _on(other, id_) == place.track}


def _changed_tracks(one: Places, other: Places) -> Iterator[str]:
    return (id_ for id_, place in one.items() if id_ in other and other[id_].track != place.track)


def _moved(one: Places, other: Places, shifts: Mapping[str, int]) -> Iterator[str]:
    """The clips that were moved themselves: otherwise than those beside them, and not only because what is before them
    became longer or shorter."""
    for track in _by_track({id_: one[id_] for id_ in shifts}).values():
        moves = [0, *(shifts[id_] for id_ in track)]
        for index, id_ in enumerate(track):
            beside = {moves[index], *moves[index + 2 : index + 3]}
            if shifts[id_] and shifts[id_] not in beside and one[id_].gap != other[id_].gap:
                yield id_


def _halves(after: Places, before: Places, now: Places, moved: Container[str]) -> Iterator[str]:
    """Clips that came since and have what the version made of another one: its right half, split off since."""
    cut: list[tuple[Place, list[str]]] = []
    for id_, mine in after.items():
        if id_ in before and id_ in now and now[id_].piece.frames < mine.piece.frames:
            changed = _changed_looks(mine.piece, before[id_].piece)
            if changed or id_ in moved:
                cut.append((mine, ["source", *changed]))
    for id_, place in now.items() if cut else ():
        if id_ not in after and any(
            place.track == mine.track and all(_look(place.piece, name) == _look(mine.piece, name) for name in changed)
            for mine, changed in cut
        ):
            yield id_


_PLACING = ("id", "frames", "tail", "head_cut", "tail_cut", "speed")


def _changed_looks(one: Piece, other: Piece) -> list[str]:
    names = (name for name in one.__struct_fields__ if name not in _PLACING)
    return [name for name in names if _look(one, name) != _look(other, name)]


def _look(piece: Piece, name: str) -> object:
    """A property, without what a split changes of it."""
    value = getattr(piece, name)
    if name == "effects":
        return [(effect.kind, effect.params) for effect in piece.effects]
    return value.media if isinstance(value, MediaSource) else value


def _by_track(state: Places) -> dict[str, list[str]]:
    """Ids in order of time."""
    found: dict[str, list[str]] = {}
    for id_, place in state.items():
        found.setdefault(place.track, []).append(id_)
    return found


def _shifted(staying: Places, shifts: Mapping[str, int], merged: Mapping[str, Piece]) -> dict[str, Laid]:
    """Each track with the clips that stay on it. Those that came since move with what they touch, or else with the
    clip before; on a track where there was nothing else, with the others, if those move alike."""
    by_track = _by_track(staying)
    tracks: dict[str, Laid] = {}
    for track, ids in by_track.items():
        clips = [staying[id_] for id_ in ids]
        if any(id_ in shifts for id_ in ids):
            moves = _with_neighbours(clips, shifts, merged)
        else:
            others = [[staying[id_] for id_ in ids if id_ in shifts] for ids in by_track.values()]
            moves = [_along(clip.at, others, shifts) for clip in clips]
        tracks[track] = {
            id_: (staying[id_].at + move, merged.get(id_, staying[id_].piece))
            for id_, move in zip(ids, moves, strict=True)
        }
    return tracks


def _along(at: int, others: Several[Several[Place]], shifts: Mapping[str, int]) -> int:
    """By how much a frame moves, if it does so on two tracks at least and on no track otherwise."""
    begun = [bisect_right(track, at, key=lambda clip: clip.at) for track in others]
    found = [shifts[track[count - 1].piece.id] for track, count in zip(others, begun, strict=True) if count]
    return found[0] if len(found) > 1 and len({*found}) == 1 else 0


def _with_neighbours(clips: Several[Place], shifts: Mapping[str, int], merged: Mapping[str, Piece]) -> list[int]:
    """By how much each clip of a track moves."""
    known = [shifts.get(clip.piece.id) for clip in clips]
    following: list[int | None] = [None]
    for shift in reversed(known):
        following.append(following[-1] if shift is None else shift)
    following.reverse()  # the shift that is known from an index on
    moves: list[int] = []
    last = 0
    for index, (clip, shift) in enumerate(zip(clips, known, strict=True)):
        touches = index > 0 and clips[index - 1].end == clip.at
        if shift is None and not touches and _reaches_known(clips, known, index):
            last = following[index] or 0
        elif shift is not None:
            last = shift
        moves.append(last)
        longer = merged[clip.piece.id].frames - clip.piece.frames if clip.piece.id in merged else 0
        after = following[index + 1]
        ends_where_next_begins = index + 1 < len(clips) and clips[index + 1].at == clip.end
        if after == last + longer or (after is None and ends_where_next_begins):
            last += longer
    return moves


def _reaches_known(clips: Several[Place], known: Several[int | None], index: int) -> bool:
    """Whether clips that touch each other lead from this one to one whose shift is known."""
    while known[index] is None:
        if index + 1 == len(clips) or clips[index + 1].at != clips[index].end:
            return False
        index += 1
    return True


def _bring(ids: Several[str], coming: set[str], before: Places, merged: Mapping[str, Piece], laid: Laid) -> None:
    """Lays the clips that come back to a track: as far from the one before them as they were, or if somebody is there
    now, from the one after them."""
    following: list[str | None] = [None]
    for id_ in reversed(ids):
        following.append(id_ if id_ in laid else following[-1])
    following.reverse()
    taken = sorted((at, at + piece.frames) for at, piece in laid.values())
    previous: str | None = None
    for index, id_ in enumerate(ids):
        if id_ in coming:
            piece = merged.get(id_, before[id_].piece)
            beside = [other for other in (previous, following[index + 1]) if other is not None]
            wanted = [laid[other][0] + before[id_].at - before[other].at for other in beside] or [before[id_].at]
            at = next((at for at in wanted if _free(taken, at, at + piece.frames)), wanted[0])
            laid[id_] = at, piece
            insort(taken, (at, at + piece.frames))
        if id_ in laid:
            previous = id_


def _free(taken: Several[tuple[int, int]], start: int, end: int) -> bool:
    index = bisect_left(taken, (start, end))
    return (
        start >= 0 and (index == 0 or taken[index - 1][1] <= start) and (index == len(taken) or taken[index][0] >= end)
    )


def _in_order(track: str, laid: Laid, stands: Stands) -> list[tuple[int, Piece]]:
    clips = sorted(laid.values(), key=lambda clip: clip[0])
    end = 0
    for at, piece in clips:
        if at < end:
            stands.append(Touch("place", track, "place", (max(0, at), end)))
        end = max(end, at + piece.frames)
    return clips
