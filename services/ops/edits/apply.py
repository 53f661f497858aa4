"""From an op to the function that does it; a batch applies wholly or not at all."""

from __future__ import annotations

from collections.abc import Sequence as Several
from typing import assert_never

from msgspec import UNSET

from cutlog.contract import ops as o
from services.ops.edits import (
    captions,
    clips,
    effects,
    history,
    links,
    looks,
    markers,
    pasting,
    project,
    shifting,
    texts,
    timing,
    tracks,
    transitions,
)
from services.ops.edits.errors import EditError
from services.ops.edits.history import Earlier, nothing_earlier
from services.ops.edits.sequence import Sequence
from services.ops.edits.settle import settle
from services.ops.edits.sources import Sources


def apply(sequence: Sequence, op: o.Op, sources: Sources, earlier: Earlier = nothing_earlier) -> Sequence:
    """The sequence after one op. `earlier` has the versions that can be reverted to. Raises EditError with a pointer
    within the op."""
    after = _edited(sequence, op, sources, earlier)
    return after if isinstance(op, o.HistoryRevert) else settle(sequence, after, sources, _blamed(op))


def _edited(sequence: Sequence, op: o.Op, sources: Sources, earlier: Earlier) -> Sequence:
    match op:
        case o.ProjectConfigure():
            return project.configure(sequence, op)
        case o.TrackAdd():
            return tracks.add(sequence, op)
        case o.TrackRemove():
            return tracks.remove(sequence, op)
        case o.TrackMove():
            return tracks.move(sequence, op)
        case o.TrackSet():
            return tracks.change(sequence, op, sources)
        case o.ClipAdd():
            return clips.add(sequence, op, sources)
        case o.ClipPaste():
            return pasting.paste(sequence, op, sources)
        case o.ClipRemove():
            return clips.remove(sequence, op)
        case o.ClipMove():
            return clips.move(sequence, op, sources)
        case o.ClipTrim():
            return clips.trim(sequence, op, sources)
        case o.ClipSplit():
            return clips.split(sequence, op)
        case o.ClipSlip():
            return shifting.slip(sequence, op, sources)
        case o.ClipSlide():
            return shifting.slide(sequence, op, sources)
        case o.ClipRoll():
            return shifting.roll(sequence, op, sources)
        case o.ClipSpeed():
            return timing.speed(sequence, op)
        case o.ClipReverse():
            return timing.reverse(sequence, op)
        case o.ClipFreeze():
            return timing.freeze(sequence, op, sources)
        case o.ClipDetachAudio():
            return timing.detach_audio(sequence, op, sources)
        case o.ClipReplace():
            return shifting.replace(sequence, op, sources)
        case o.ClipSet():
            return looks.change(sequence, op)
        case o.ClipLink():
            return links.link(sequence, op)
        case o.ClipUnlink():
            return links.unlink(sequence, op)
        case o.TextSet():
            return texts.change(sequence, op, sources)
        case o.EffectAdd():
            return effects.add(sequence, op, sources)
        case o.EffectSet():
            return effects.change(sequence, op, sources)
        case o.EffectMove():
            return effects.move(sequence, op)
        case o.EffectRemove():
            return effects.remove(sequence, op)
        case o.TransitionAdd():
            return transitions.add(sequence, op)
        case o.TransitionSet():
            return transitions.change(sequence, op)
        case o.TransitionRemove():
            return transitions.remove(sequence, op)
        case o.CaptionsAdd():
            return captions.add(sequence, op, sources)
        case o.CaptionsImport():
            return captions.import_file(sequence, op)
        case o.CaptionSet():
            return captions.change(sequence, op, sources)
        case o.CaptionRemove():
            return captions.remove(sequence, op)
        case o.MarkerAdd():
            return markers.add(sequence, op)
        case o.MarkerMove():
            return markers.move(sequence, op)
        case o.MarkerRemove():
            return markers.remove(sequence, op)
        case o.HistoryRevert():
            return history.revert(sequence, op, earlier)
        case _:
            assert_never(op)


def _blamed(op: o.Op) -> str:
    """The argument to point to when an op leaves a transition too few frames."""
    match op:
        case o.ClipTrim():
            return "/out" if op.end is not UNSET else "/in"
        case o.ClipSlip() | o.ClipSlide() | o.ClipRoll():
            return "/by"
        case o.ClipSpeed():
            return "/num"
        case o.ClipReverse():
            return "/reversed"
        case o.ClipReplace():
            return "/in"
        case o.ClipAdd() | o.ClipPaste() | o.ClipMove() | o.ClipSplit() | o.ClipFreeze():
            return "/at"
        case o.TransitionAdd() | o.TransitionSet():
            return "/frames"
        case _:
            return ""


def apply_all(sequence: Sequence, ops: Several[o.Op], sources: Sources, earlier: Earlier = nothing_earlier) -> Sequence:
    """The sequence after a batch. Raises EditError with a pointer `/ops/<i>/…`."""
    for index, op in enumerate(ops):
        try:
            sequence = apply(sequence, op, sources, earlier)
        except EditError as error:
            raise error.within(f"/ops/{index}") from None
    return sequence
