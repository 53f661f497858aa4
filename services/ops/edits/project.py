"""Ops on the project itself."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from cutlog.contract.ops import ProjectConfigure
from services.ops.edits.errors import EditError
from services.ops.edits.given import given
from services.ops.edits.sequence import Sequence


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
    if op.name is not UNSET:
        sequence = msgspec.structs.replace(sequence, name=op.name)
    return msgspec.structs.replace(sequence, canvas=msgspec.structs.replace(sequence.canvas, **changes))
