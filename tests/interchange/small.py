"""A small timeline to write, and the losses of a file."""

from __future__ import annotations

from cutlog.contract import ops as o
from cutlog.contract.answers.edits import Loss
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas, Timeline
from services.ops.edits.apply import apply_all
from services.ops.edits.sequence import Sequence
from tests.interchange.histories import MEDIA, timeline_of

CUTS: tuple[o.Op, ...] = (
    o.TrackAdd(track="v1", kind="video"),
    o.ClipAdd(clip="a", track="v1", at=3, media="film", start=40, end=60),
    o.ClipAdd(clip="b", track="v1", at=23, media="mute", start=60, end=90),
)


def edited(*ops: o.Op, fps: Fps | None = None) -> Timeline:
    return timeline_of(apply_all(Sequence("p", Canvas(fps=fps or Fps(25, 1))), (*CUTS, *ops), MEDIA))


def told(losses: tuple[Loss, ...]) -> set[tuple[str, str]]:
    return {(loss.what, loss.where) for loss in losses}
