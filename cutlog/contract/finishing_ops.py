"""Ops on what comes on top of clips: effects, transitions, captions."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.base import Strict
from cutlog.contract.clip_ops import EffectName, Params
from cutlog.contract.effects import TRANSITIONS
from cutlog.contract.ids import Id
from cutlog.contract.limits import MAX_CAPTIONS, MAX_EFFECTS, MAX_FRAMES, NO_NUL, At

TransitionName = Annotated[str, msgspec.Meta(max_length=40, extra_json_schema={"enum": sorted(TRANSITIONS)})]
EffectIndex = Annotated[int, msgspec.Meta(ge=0, lt=MAX_EFFECTS, description="0 is applied first")]
TransitionFrames = Annotated[int, msgspec.Meta(ge=1, le=10_000, description="frames")]
CaptionText = Annotated[str, msgspec.Meta(min_length=1, max_length=2_000, pattern=NO_NUL)]
End = Annotated[int, msgspec.Meta(ge=1, le=MAX_FRAMES, description="frame of the timeline")]


class EffectAdd(Strict, tag_field="op", tag="effect.add"):
    """Adds an effect to a clip, at `index` among its effects, by default the last. Parameters that are not given
    have their defaults. The right part of a split keeps the ids of the effects: they are named with their clip."""

    clip: Id
    effect: Id
    kind: EffectName
    params: Params | UnsetType = UNSET
    index: EffectIndex | UnsetType = UNSET


class EffectSet(Strict, tag_field="op", tag="effect.set"):
    """Changes parameters of an effect; omitted parameters do not change."""

    clip: Id
    effect: Id
    params: Params


class EffectMove(Strict, tag_field="op", tag="effect.move"):
    """Moves an effect to `index` among the other effects of its clip."""

    clip: Id
    effect: Id
    index: EffectIndex


class EffectRemove(Strict, tag_field="op", tag="effect.remove"):
    """Removes an effect."""

    clip: Id
    effect: Id


class TransitionAdd(Strict, tag_field="op", tag="transition.add"):
    """Adds a transition between two adjacent clips, over [cut - floor(frames / 2), cut + ceil(frames / 2)), from the
    handles of both beyond the cut. An edit that separates the clips removes the transition; an edit that leaves too
    few frames for it is rejected."""

    transition: Id
    left: Id
    right: Id
    kind: TransitionName
    frames: TransitionFrames


class TransitionSet(Strict, tag_field="op", tag="transition.set"):
    """Changes a transition."""

    transition: Id
    kind: TransitionName | UnsetType = UNSET
    frames: TransitionFrames | UnsetType = UNSET


class TransitionRemove(Strict, tag_field="op", tag="transition.remove"):
    """Removes a transition, which leaves a cut."""

    transition: Id


class NewCaption(Strict):
    """Words on frames [start, end) of the timeline. `caption` is its id; without one it is named after its track."""

    start: At
    end: End
    text: CaptionText
    caption: Id | UnsetType = UNSET


class CaptionsAdd(Strict, tag_field="op", tag="captions.add"):
    """Adds captions to a video track, or, if there is no such track, to a new one on top of all. Those without an id
    are named `<track>-c1`, `<track>-c2`, and so on. Captions may overlap, and stay where they are when clips ripple."""

    track: Id
    captions: Annotated[tuple[NewCaption, ...], msgspec.Meta(min_length=1, max_length=MAX_CAPTIONS)]


class CaptionsImport(Strict, tag_field="op", tag="captions.import"):
    """Adds the captions of a file, as `captions.add` does. The file is read as players read it: what can be shown is
    kept, and the answer lists as `losses`, with its line, what can't. The version has the op `captions.add` with what
    was read in place of this one."""

    track: Id
    format: Literal["srt", "vtt", "sbv", "ass", "ssa", "ttml"]
    content: Annotated[str, msgspec.Meta(max_length=1 << 20, pattern=NO_NUL)]


class CaptionSet(Strict, tag_field="op", tag="caption.set"):
    """Changes a caption."""

    caption: Id
    start: At | UnsetType = UNSET
    end: End | UnsetType = UNSET
    text: CaptionText | UnsetType = UNSET


class CaptionRemove(Strict, tag_field="op", tag="caption.remove"):
    """Removes a caption."""

    caption: Id


FinishingOp = (
    EffectAdd | EffectSet | EffectMove | EffectRemove | TransitionAdd | TransitionSet | TransitionRemove
    | CaptionsAdd | CaptionsImport | CaptionSet | CaptionRemove
)  # fmt: skip
