"""Ops on captions."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET

from cutlog.contract.ids import is_id
from cutlog.contract.limits import MAX_CAPTIONS, MAX_FRAMES, MAX_TRACKS
from cutlog.contract.ops import CaptionRemove, CaptionSet, CaptionsImport
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Caption
from services.ops.edits.cues import CueError, read
from services.ops.edits.errors import EditError
from services.ops.edits.given import some
from services.ops.edits.sequence import Sequence, TrackState

_replace = msgspec.structs.replace

#: So many captions of a track get names after it at most: `<track>-c1` to `<track>-c99999`.
_LONGEST: Final = 64 - len("-c99999")


def import_file(sequence: Sequence, op: CaptionsImport) -> Sequence:
    """Puts the captions of a file on a track, or on a new one on top of all.

    before  v1 [aaaaaaaa]           {track: "en", format: "srt", content: "1\\n00:00:00,100 --> 00:00:00,200\\nHello"}
    after   en ···(Hello)           caption en-c1, on frames 3 to 6 at 30 frames per second
            v1 [aaaaaaaa]
    """
    existing = any(track.id == op.track for track in sequence.tracks)
    if existing:
        index, track = sequence.open_track(op.track)
        if track.kind != "video":
            raise EditError("/track", f"track {op.track} plays sound only; captions need a video track, or a new one")
    else:
        if len(sequence.tracks) >= MAX_TRACKS:
            raise EditError("", f"a project has at most {MAX_TRACKS} tracks")
        index, track = len(sequence.tracks), TrackState(op.track, "video")
        sequence = sequence.take(op.track, "/track")
    captions = _captions(sequence, track, op)
    taken = sequence.taken.update(dict.fromkeys(captions))
    track = _replace(track, captions=track.captions.update(captions))
    tracks = (*sequence.tracks[:index], track, *sequence.tracks[index + 1 :])
    return _replace(sequence, tracks=tracks, taken=taken)


def _captions(sequence: Sequence, track: TrackState, op: CaptionsImport) -> dict[str, Caption]:
    if len(op.track) > _LONGEST or not is_id(f"{op.track}-c1"):
        raise EditError("/track", f"captions are named after the track: its id may have {_LONGEST} characters at most")
    captions: dict[str, Caption] = {}
    number = 0
    try:
        for cue in read(op.content, op.format):
            start = nearest_frame(cue.start, sequence.canvas.fps)
            end = max(start + 1, nearest_frame(cue.end, sequence.canvas.fps))
            if end > MAX_FRAMES:
                raise CueError(cue.line, f"the caption ends at frame {end}; a project has at most {MAX_FRAMES}")
            if len(track.captions) + len(captions) >= MAX_CAPTIONS:
                raise CueError(cue.line, f"a track has at most {MAX_CAPTIONS} captions")
            number += 1
            while (name := f"{op.track}-c{number}") in sequence.taken:
                number += 1
            captions[name] = Caption(id=name, start=start, end=end, text=cue.text)
    except CueError as error:
        raise EditError("/content", str(error)) from None
    if not captions:
        raise EditError("/content", f"there is no caption in this {op.format} file")
    return captions


def nearest_frame(milliseconds: int, fps: Fps) -> int:
    """The frame whose moment is nearest; of two, the later."""
    return (2 * milliseconds * fps.num + 1000 * fps.den) // (2000 * fps.den)


def change(sequence: Sequence, op: CaptionSet) -> Sequence:
    """Changes when a caption is shown, and what it says.

    before  en ··(Hello)·           {caption: "en-c1", start: 1, text: "Bye"}
    after   en ·(Bye···)·
    """
    changes = some(op, "start", "end", "text")
    index, track, caption = _find(sequence, op.caption)
    caption = _replace(caption, **changes)
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
