"""Whether a transition has the frames that it needs: inside its two clips, and beyond the cut in their handles."""

from __future__ import annotations

from cutlog.contract.time import Fps
from cutlog.contract.timeline import MediaSource
from services.ops.edits.errors import EditError
from services.ops.edits.excerpt import Handles, handles
from services.ops.edits.lane import Cut, Piece
from services.ops.edits.sources import Sources


def check(cut: Cut, fps: Fps, sources: Sources, pointer: str) -> None:
    """Refuses a transition that lacks frames. Raises EditError, naming the missing ones.

    left   ░░░[aaaaaaaa]###      # its handle: ceil(frames / 2) frames are needed
    right         ###[bbbbb]░    # its handle: floor(frames / 2) frames are needed
    shown     [aaaaa//////bb]    inside, no two transitions of a clip may overlap
    """
    left, right, joint = cut.left, cut.right, cut.left.tail
    assert right is not None, "a transition leads somewhere"
    assert joint is not None, "a transition comes from somewhere"
    taken = cut.previous.tail.after if cut.previous is not None and cut.previous.tail is not None else 0
    if taken + joint.before > left.frames:
        raise EditError(
            pointer,
            f"transition {joint.id} lies on the last {joint.before} frames of clip {left.id}, which has {left.frames}"
            + (f", {taken} of them under the transition at its start" if taken else "")
            + "; make a transition shorter, or remove it",
        )
    if joint.after > right.frames:
        raise EditError(
            pointer,
            f"transition {joint.id} lies on the first {joint.after} frames of clip {right.id}, which has "
            f"{right.frames}; make the transition shorter, or remove it",
        )
    _lacking(joint.id, left, joint.after, _handles(left, fps, sources).tail, "after its end", pointer)
    _lacking(joint.id, right, joint.before, _handles(right, fps, sources).head, "before its start", pointer)


def _handles(piece: Piece, fps: Fps, sources: Sources) -> Handles:
    material = sources.get(piece.source.media) if isinstance(piece.source, MediaSource) else None
    return Handles(None, None) if material is None else handles(piece, material.frames(fps))


def _lacking(transition: str, piece: Piece, needed: int, there: int | None, where: str, pointer: str) -> None:
    if there is not None and there < needed:
        raise EditError(
            pointer,
            f"transition {transition} needs {needed} frames of clip {piece.id}'s source {where}; there are {there}, "
            f"{needed - there} are missing: trim the clip, or make the transition shorter",
        )
