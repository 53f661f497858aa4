"""From an op to the function that does it; a batch applies wholly or not at all."""

from __future__ import annotations

from collections.abc import Sequence as Several
from typing import assert_never

from msgspec import UNSET

from cutlog.contract.ops import (
    CaptionRemove,
    CaptionsAdd,
    CaptionSet,
    CaptionsImport,
    ClipAdd,
    ClipDetachAudio,
    ClipFreeze,
    ClipLink,
    ClipMove,
    ClipPaste,
    ClipRemove,
    ClipReplace,
    ClipReverse,
    ClipRoll,
    ClipSet,
    ClipSlide,
    ClipSlip,
    ClipSpeed,
    ClipSplit,
    ClipTrim,
    ClipUnlink,
    EffectAdd,
    EffectMove,
    EffectRemove,
    EffectSet,
    HistoryRevert,
    MarkerAdd,
    MarkerMove,
    MarkerRemove,
    Op,
    ProjectConfigure,
    TextSet,
    TrackAdd,
    TrackMove,
    TrackRemove,
    TrackSet,
    TransitionAdd,
    TransitionRemove,
    TransitionSet,
)
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


def apply(sequence: Sequence, op: Op, sources: Sources, earlier: Earlier = nothing_earlier) -> Sequence:
    """The sequence after one op. `earlier` has the versions that can be reverted to. Raises EditError with a pointer
    within the op."""
    after = _edited(sequence, op, sources, earlier)
    return after if isinstance(op, HistoryRevert) else settle(sequence, after, sources, _blamed(op))


def _edited(sequence: Sequence, op: Op, sources: Sources, earlier: Earlier) -> Sequence:
    match op:
        case ProjectConfigure():
            return project.configure(sequence, op)
        case TrackAdd():
            return tracks.add(sequence, op)
        case TrackRemove():
            return tracks.remove(sequence, op)
        case TrackMove():
            return tracks.move(sequence, op)
        case TrackSet():
            return tracks.change(sequence, op, sources)
        case ClipAdd():
            return clips.add(sequence, op, sources)
        case ClipPaste():
            return pasting.paste(sequence, op, sources)
        case ClipRemove():
            return clips.remove(sequence, op)
        case ClipMove():
            return clips.move(sequence, op, sources)
        case ClipTrim():
            return clips.trim(sequence, op, sources)
        case ClipSplit():
            return clips.split(sequence, op)
        case ClipSlip():
            return shifting.slip(sequence, op, sources)
        case ClipSlide():
            return shifting.slide(sequence, op, sources)
        case ClipRoll():
            return shifting.roll(sequence, op, sources)
        case ClipSpeed():
            return timing.speed(sequence, op)
        case ClipReverse():
            return timing.reverse(sequence, op)
        case ClipFreeze():
            return timing.freeze(sequence, op, sources)
        case ClipDetachAudio():
            return timing.detach_audio(sequence, op, sources)
        case ClipReplace():
            return shifting.replace(sequence, op, sources)
        case ClipSet():
            return looks.change(sequence, op)
        case ClipLink():
            return links.link(sequence, op)
        case ClipUnlink():
            return links.unlink(sequence, op)
        case TextSet():
            return texts.change(sequence, op, sources)
        case EffectAdd():
            return effects.add(sequence, op, sources)
        case EffectSet():
            return effects.change(sequence, op, sources)
        case EffectMove():
            return effects.move(sequence, op)
        case EffectRemove():
            return effects.remove(sequence, op)
        case TransitionAdd():
            return transitions.add(sequence, op)
        case TransitionSet():
            return transitions.change(sequence, op)
        case TransitionRemove():
            return transitions.remove(sequence, op)
        case CaptionsAdd():
            return captions.add(sequence, op, sources)
        case CaptionsImport():
            return captions.import_file(sequence, op)
        case CaptionSet():
            return captions.change(sequence, op, sources)
        case CaptionRemove():
            return captions.remove(sequence, op)
        case MarkerAdd():
            return markers.add(sequence, op)
        case MarkerMove():
            return markers.move(sequence, op)
        case MarkerRemove():
            return markers.remove(sequence, op)
        case HistoryRevert():
            return history.revert(sequence, op, earlier)
        case _:
            assert_never(op)


def _blamed(op: Op) -> str:
    """The argument to point to when an op leaves a transition too few frames."""
    match op:
        case ClipTrim():
            return "/out" if op.end is not UNSET else "/in"
        case ClipSlip() | ClipSlide() | ClipRoll():
            return "/by"
        case ClipSpeed():
            return "/num"
        case ClipReverse():
            return "/reversed"
        case ClipReplace():
            return "/in"
        case ClipAdd() | ClipPaste() | ClipMove() | ClipSplit() | ClipFreeze():
            return "/at"
        case TransitionAdd() | TransitionSet():
            return "/frames"
        case _:
            return ""


def apply_all(sequence: Sequence, ops: Several[Op], sources: Sources, earlier: Earlier = nothing_earlier) -> Sequence:
    """The sequence after a batch. Raises EditError with a pointer `/ops/<i>/…`."""
    for index, op in enumerate(ops):
        try:
            sequence = apply(sequence, op, sources, earlier)
        except EditError as error:
            raise error.within(f"/ops/{index}") from None
    return sequence
