"""Ops on captions."""

from __future__ import annotations

from collections.abc import Container, Iterator
from itertools import count
from typing import Final

import msgspec
from msgspec import UNSET

from cutlog.contract.ids import is_id
from cutlog.contract.limits import MAX_CAPTIONS, MAX_FRAMES, MAX_TRACKS
from cutlog.contract.ops import CaptionRemove, CaptionsAdd, CaptionSet, CaptionsImport
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Caption
from services.ops.edits import touching
from services.ops.edits.cues import CueError, read
from services.ops.edits.definition import Definition, alone, with_media
from services.ops.edits.errors import EditError
from services.ops.edits.given import some
from services.ops.edits.lettering import check_letters, letters_of
from services.ops.edits.sequence import Sequence, TrackState
from services.ops.edits.sources import Sources

_replace = msgspec.structs.replace

#: So many captions of a track get names after it at most: `<track>-c1` to `<track>-c99999`.
_LONGEST: Final = 64 - len("-c99999")


def add(sequence: Sequence, op: CaptionsAdd, sources: Sources) -> Sequence:
    """Puts captions on a track, or on a new one on top of all.

    before  v1 [aaaaaaaa]           {track: "en", captions: [{start: 3, end: 6, text: "Hello"}]}
    after   en ···(Hello)           caption en-c1
            v1 [aaaaaaaa]
    """
    chosen: dict[str, int] = {}
    for number, new in enumerate(op.captions):
        if new.start >= new.end:
            raise EditError(
                f"/captions/{number}/end", f"start is {new.start} and end is {new.end}; end must be greater than start"
            )
        if new.caption is UNSET:
            continue
        if new.caption in sequence.taken or chosen.setdefault(new.caption, number) != number:
            raise EditError(
                f"/captions/{number}/caption",
                f"id {new.caption} was used before; every id is unique in the project for ever",
            )
    sequence, index, track = _track(sequence, op.track, len(op.captions) > len(chosen))
    if len(track.captions) + len(op.captions) > MAX_CAPTIONS:
        raise EditError("", f"a track has at most {MAX_CAPTIONS} captions; {op.track} has {len(track.captions)}")
    names = _names(op.track, sequence, chosen)
    letters = letters_of(track.caption_font, sources, "/track")
    made = {}
    for number, new in enumerate(op.captions):
        check_letters(new.text, letters, f"/captions/{number}/text")
        name = new.caption if new.caption is not UNSET else next(names)
        made[name] = Caption(id=name, start=new.start, end=new.end, text=new.text)
    return _with(sequence, index, track, made)


def import_file(sequence: Sequence, op: CaptionsImport) -> Sequence:
    """Puts the captions of a file on a track, or on a new one on top of all.

    Versions have this op only if they were made before files were read when they come: what it reads never changes.

    before  v1 [aaaaaaaa]           {track: "en", format: "srt", content: "1\\n00:00:00,100 --> 00:00:00,200\\nHello"}
    after   en ···(Hello)           caption en-c1, on frames 3 to 6 at 30 frames per second
            v1 [aaaaaaaa]
    """
    sequence, index, track = _track(sequence, op.track, True)
    return _with(sequence, index, track, _read(sequence, track, op))


def _track(sequence: Sequence, track_id: str, naming: bool) -> tuple[Sequence, int, TrackState]:
    """The track, which may be a new one. Raises EditError."""
    if any(track.id == track_id for track in sequence.tracks):
        index, track = sequence.open_track(track_id)
        if track.kind != "video":
            raise EditError("/track", f"track {track_id} plays sound only; captions need a video track, or a new one")
    else:
        if len(sequence.tracks) >= MAX_TRACKS:
            raise EditError("", f"a project has at most {MAX_TRACKS} tracks")
        index, track = len(sequence.tracks), TrackState(track_id, "video")
        sequence = sequence.take(track_id, "/track")
    if naming and (len(track_id) > _LONGEST or not is_id(f"{track_id}-c1")):
        raise EditError("/track", f"captions are named after the track: its id may have {_LONGEST} characters at most")
    return sequence, index, track


def _with(sequence: Sequence, index: int, track: TrackState, captions: dict[str, Caption]) -> Sequence:
    taken = sequence.taken.update(dict.fromkeys(captions))
    track = _replace(track, captions=track.captions.update(captions))
    tracks = (*sequence.tracks[:index], track, *sequence.tracks[index + 1 :])
    return _replace(sequence, tracks=tracks, taken=taken)


def _names(track_id: str, sequence: Sequence, chosen: Container[str] = ()) -> Iterator[str]:
    """Names after the track that are free."""
    for number in count(1):
        name = f"{track_id}-c{number}"
        if name not in sequence.taken and name not in chosen:
            yield name


def _read(sequence: Sequence, track: TrackState, op: CaptionsImport) -> dict[str, Caption]:
    captions: dict[str, Caption] = {}
    names = _names(op.track, sequence)
    try:
        for cue in read(op.content, "vtt" if op.format == "vtt" else "srt"):
            start = nearest_frame(cue.start, sequence.canvas.fps)
            end = max(start + 1, nearest_frame(cue.end, sequence.canvas.fps))
            if end > MAX_FRAMES:
                raise CueError(cue.line, f"the caption ends at frame {end}; a project has at most {MAX_FRAMES}")
            if len(track.captions) + len(captions) >= MAX_CAPTIONS:
                raise CueError(cue.line, f"a track has at most {MAX_CAPTIONS} captions")
            name = next(names)
            captions[name] = Caption(id=name, start=start, end=end, text=cue.text)
    except CueError as error:
        raise EditError("/content", str(error)) from None
    if not captions:
        raise EditError("/content", f"there is no caption in this {op.format} file")
    return captions


def nearest_frame(milliseconds: int, fps: Fps) -> int:
    """The frame whose moment is nearest; of two, the later."""
    return (2 * milliseconds * fps.num + 1000 * fps.den) // (2000 * fps.den)


def change(sequence: Sequence, op: CaptionSet, sources: Sources) -> Sequence:
    """Changes when a caption is shown, and what it says.

    before  en ··(Hello)·           {caption: "en-c1", start: 1, text: "Bye"}
    after   en ·(Bye···)·
    """
    changes = some(op, "start", "end", "text")
    index, track, caption = _find(sequence, op.caption)
    caption = _replace(caption, **changes)
    if op.text is not UNSET:
        check_letters(op.text, letters_of(track.caption_font, sources, "/caption"), "/text")
    if caption.start >= caption.end:
        raise EditError(
            "/end" if op.end is not UNSET else "/start",
            f"start is {caption.start} and end is {caption.end}; end must be greater than start",
        )
    return sequence.with_track(index, _replace(track, captions=track.captions.set(caption.id, caption)))


def remove(sequence: Sequence, op: CaptionRemove) -> Sequence:
    """Removes a caption.

    before  en ··(Hello)(Bye)       {caption: "en-c1"}
    after   en ·········(Bye)
    """
    index, track, caption = _find(sequence, op.caption)
    return sequence.with_track(index, _replace(track, captions=track.captions.drop(caption.id)))


def _find(sequence: Sequence, caption_id: str) -> tuple[int, TrackState, Caption]:
    for index, track in enumerate(sequence.tracks):
        if (caption := track.captions.get(caption_id)) is not None:
            sequence.open_track(track.id, "/caption")
            return index, track, caption
    was = " any more" if caption_id in sequence.taken else ""
    raise EditError("/caption", f"there is no caption {caption_id}{was}; name one that is on the timeline")


OPS: Final = (
    Definition(CaptionsAdd, with_media(add), touching.nothing),
    Definition(CaptionsImport, alone(import_file), touching.nothing),
    Definition(
        CaptionSet,
        with_media(change),
        lambda op, _: touching.thing("caption", op.caption, *touching.given(op, "caption")),
    ),
    Definition(CaptionRemove, alone(remove), lambda op, _: touching.thing("caption", op.caption, "whole")),
)
