"""Ops on tracks."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET

from cutlog.contract.ops import MAX_TRACKS, TrackAdd, TrackMove, TrackRemove, TrackSet
from services.ops.edits import touching
from services.ops.edits.definition import Definition, alone, with_media
from services.ops.edits.errors import EditError
from services.ops.edits.given import some
from services.ops.edits.lettering import check_letters, letters_of
from services.ops.edits.sequence import Sequence, TrackState
from services.ops.edits.sources import Sources


def add(sequence: Sequence, op: TrackAdd) -> Sequence:
    """Adds an empty track.

    before  [v1][v2]            {track: "x", index: 1}
    after   [v1][x][v2]         bottom is left
    """
    count = len(sequence.tracks)
    if count >= MAX_TRACKS:
        raise EditError("", f"a project has at most {MAX_TRACKS} tracks")
    index = count if op.index is UNSET else op.index
    if index > count:
        raise EditError("/index", f"there are {count} tracks, so index is 0 to {count}")
    sequence = sequence.take(op.track, "/track")
    tracks = (*sequence.tracks[:index], TrackState(op.track, op.kind), *sequence.tracks[index:])
    return msgspec.structs.replace(sequence, tracks=tracks)


def remove(sequence: Sequence, op: TrackRemove) -> Sequence:
    """Removes a track and its clips. Their ids stay taken.

    before  [v1][v2][a1]        {track: "v2"}
    after   [v1][a1]
    """
    index, _ = sequence.open_track(op.track)
    return msgspec.structs.replace(sequence, tracks=(*sequence.tracks[:index], *sequence.tracks[index + 1 :]))


def move(sequence: Sequence, op: TrackMove) -> Sequence:
    """Changes the order of tracks.

    before  [v1][v2][v3]        {track: "v1", index: 2}
    after   [v2][v3][v1]
    """
    index, track = sequence.track(op.track)
    others = (*sequence.tracks[:index], *sequence.tracks[index + 1 :])
    if op.index > len(others):
        raise EditError("/index", f"there are {len(others) + 1} tracks, so index is 0 to {len(others)}")
    return msgspec.structs.replace(sequence, tracks=(*others[: op.index], track, *others[op.index :]))


def change(sequence: Sequence, op: TrackSet, sources: Sources) -> Sequence:
    """Changes name, muted, hidden, locked, gain, where captions go and their font. A locked track may be changed so, or
    it could not be unlocked.

    before  v1                  {track: "v1", muted: true}
    after   v1 (muted)          no clip moves
    """
    changes = some(op, "name", "muted", "hidden", "locked", "gain_db", "captions", "caption_font")
    if op.captions is not UNSET:
        changes["caption_mode"] = changes.pop("captions")
    index, track = sequence.track(op.track)
    if op.caption_font is not UNSET:
        letters = letters_of(op.caption_font, sources, "/captionFont")
        for _, caption in track.captions.items():
            check_letters(caption.text, letters, "/captionFont")
    return sequence.with_track(index, msgspec.structs.replace(track, **changes))


OPS: Final = (
    Definition(TrackAdd, alone(add), touching.nothing),
    Definition(TrackRemove, alone(remove), lambda op, _: touching.thing("track", op.track, "whole")),
    Definition(TrackMove, alone(move), lambda op, _: touching.thing("track", op.track, "index")),
    Definition(
        TrackSet, with_media(change), lambda op, _: touching.thing("track", op.track, *touching.given(op, "track"))
    ),
)
