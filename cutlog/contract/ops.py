"""The edit language: what a client may do to a project. One struct per op, told apart by `op`.

Ids are the client's own and unique in a project for ever. `at` is a frame of the timeline; `in` and `out` are frames
of the source conformed to the project's rate, half-open. A property that was not given is `UNSET`: it stays as it is.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from cutlog.contract.clip_ops import (
    ClipAdd,
    ClipDetachAudio,
    ClipFreeze,
    ClipLink,
    ClipMove,
    ClipPaste,
    ClipProperties,
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
    Mode,
    Ripple,
    TextSet,
)
from cutlog.contract.finishing_ops import (
    CaptionRemove,
    CaptionsAdd,
    CaptionSet,
    CaptionsImport,
    EffectAdd,
    EffectMove,
    EffectRemove,
    EffectSet,
    NewCaption,
    TransitionAdd,
    TransitionRemove,
    TransitionSet,
)
from cutlog.contract.limits import (
    MAX_CAPTIONS,
    MAX_CLIPS,
    MAX_EFFECTS,
    MAX_FRAMES,
    MAX_KEYFRAMES,
    MAX_MARKERS,
    MAX_OPS,
    MAX_TRACKS,
    At,
    By,
    Fade,
    Gain,
    Index,
    Length,
    Name,
    SourceFrame,
)
from cutlog.contract.project_ops import (
    HistoryRevert,
    MarkerAdd,
    MarkerMove,
    MarkerRemove,
    ProjectConfigure,
    TrackAdd,
    TrackMove,
    TrackRemove,
    TrackSet,
)

Op = (
    ProjectConfigure | TrackAdd | TrackRemove | TrackMove | TrackSet
    | ClipAdd | ClipPaste | ClipRemove | ClipMove | ClipTrim | ClipSplit | ClipSlip | ClipSlide | ClipRoll
    | ClipSpeed | ClipReverse | ClipFreeze | ClipDetachAudio | ClipReplace | ClipSet | ClipLink | ClipUnlink | TextSet
    | EffectAdd | EffectSet | EffectMove | EffectRemove | TransitionAdd | TransitionSet | TransitionRemove
    | CaptionsAdd | CaptionsImport | CaptionSet | CaptionRemove | MarkerAdd | MarkerMove | MarkerRemove | HistoryRevert
)  # fmt: skip
Ops = Annotated[tuple[Op, ...], msgspec.Meta(min_length=1, max_length=MAX_OPS)]

__all__ = [
    "MAX_CAPTIONS",
    "MAX_CLIPS",
    "MAX_EFFECTS",
    "MAX_FRAMES",
    "MAX_KEYFRAMES",
    "MAX_MARKERS",
    "MAX_OPS",
    "MAX_TRACKS",
    "At",
    "By",
    "CaptionRemove",
    "CaptionSet",
    "CaptionsAdd",
    "CaptionsImport",
    "ClipAdd",
    "ClipDetachAudio",
    "ClipFreeze",
    "ClipLink",
    "ClipMove",
    "ClipPaste",
    "ClipProperties",
    "ClipRemove",
    "ClipReplace",
    "ClipReverse",
    "ClipRoll",
    "ClipSet",
    "ClipSlide",
    "ClipSlip",
    "ClipSpeed",
    "ClipSplit",
    "ClipTrim",
    "ClipUnlink",
    "EffectAdd",
    "EffectMove",
    "EffectRemove",
    "EffectSet",
    "Fade",
    "Gain",
    "HistoryRevert",
    "Index",
    "Length",
    "MarkerAdd",
    "MarkerMove",
    "MarkerRemove",
    "Mode",
    "Name",
    "NewCaption",
    "Op",
    "Ops",
    "ProjectConfigure",
    "Ripple",
    "SourceFrame",
    "TextSet",
    "TrackAdd",
    "TrackMove",
    "TrackRemove",
    "TrackSet",
    "TransitionAdd",
    "TransitionRemove",
    "TransitionSet",
]
