"""Ops on the project itself."""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import UNSET

from cutlog.contract.ops import ProjectConfigure
from cutlog.contract.time import Fps
from services.ops.edits import touching
from services.ops.edits.definition import Definition, alone
from services.ops.edits.errors import EditError
from services.ops.edits.given import given
from services.ops.edits.sequence import Sequence

MAX_FPS: Final = 240


def fps_fault(fps: Fps) -> str | None:
    """What is wrong with a frame rate, if anything is."""
    if not 1 <= fps.fraction <= MAX_FPS:
        return f"fps is {fps.num}/{fps.den}; it must be from 1 to {MAX_FPS} frames per second"
    return None


def configure(sequence: Sequence, op: ProjectConfigure) -> Sequence:
    """Changes canvas and name.

    before  1920×1080 at 30/1, black     {width: 1080, height: 1920}
    after   1080×1920 at 30/1, black     no clip moves
    """
    changes = given(op, "width", "height", "fps", "background")
    if not changes and op.name is UNSET:
        raise EditError("", "give at least one of width, height, fps, background, name")
    if op.fps is not UNSET and op.fps != sequence.canvas.fps and any(track.lane for track in sequence.tracks):
        raise EditError("/fps", "fps can change only while the project has no clips: all frame numbers depend on it")
    if op.fps is not UNSET and (fault := fps_fault(op.fps)):
        raise EditError("/fps", fault)
    if op.name is not UNSET:
        sequence = msgspec.structs.replace(sequence, name=op.name)
    return msgspec.structs.replace(sequence, canvas=msgspec.structs.replace(sequence.canvas, **changes))


OPS: Final = (
    Definition(ProjectConfigure, alone(configure), lambda op, _: touching.thing("project", "", *touching.given(op))),
)
