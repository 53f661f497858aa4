"""Clips that move, trim and go together."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from cutlog.contract.ops import ClipLink, ClipUnlink
from services.ops.edits import touching
from services.ops.edits.definition import Definition, alone
from services.ops.edits.errors import EditError
from services.ops.edits.persistent import PersistentMap
from services.ops.edits.sequence import Found, Sequence

Links = PersistentMap[tuple[str, ...]]


def link(sequence: Sequence, op: ClipLink) -> Sequence:
    """Links clips. Those that were linked already leave their links.

    before  v1 [aa][bb]         {clips: ["a", "c"]}
            a1 [cc]
    after   v1 [aa][bb]         a and c are linked; no clip moves
            a1 [cc]
    """
    _different(sequence, op.clips)
    return msgspec.structs.replace(sequence, links=together(without(sequence.links, op.clips), op.clips))


def unlink(sequence: Sequence, op: ClipUnlink) -> Sequence:
    """Takes clips out of their links.

    before  v1 [aa][bb]         a and c are linked    {clips: ["a"]}
            a1 [cc]
    after   v1 [aa][bb]         neither is linked; no clip moves
            a1 [cc]
    """
    _different(sequence, op.clips)
    for index, clip in enumerate(op.clips):
        if clip not in sequence.links:
            raise EditError(f"/clips/{index}", f"clip {clip} is not linked; name clips that are")
    return msgspec.structs.replace(sequence, links=without(sequence.links, op.clips))


def group(sequence: Sequence, found: Found) -> list[Found]:
    """The clip with those linked to it, in order of time. Raises EditError if one of them is on a locked track."""
    clip = found.placed.piece.id
    members = sequence.links.get(clip)
    if members is None:
        return [found]
    others = [sequence.clip(member) for member in members if member != clip]
    for other in others:
        if other.track.locked:
            raise EditError(
                "/clip",
                f"clip {clip} is linked with {other.placed.piece.id} on track {other.track.id}, which is locked; "
                "unlock it with track.set, or unlink the clip",
            )
    return sorted([found, *others], key=lambda member: (member.placed.at, member.lane))


def together(links: Links, clips: Iterable[str]) -> Links:
    """Links with these clips linked, none of which is yet."""
    members = tuple(clips)
    return links.update(dict.fromkeys(members, members))


def without(links: Links, clips: Iterable[str]) -> Links:
    """Links without these clips. One clip alone is not linked."""
    for clip in clips:
        members = links.get(clip)
        if members is None:
            continue
        links = links.drop(clip)
        rest = tuple(member for member in members if member != clip)
        links = links.update(dict.fromkeys(rest, rest)) if len(rest) > 1 else links.drop(rest[0])
    return links


def _different(sequence: Sequence, clips: tuple[str, ...]) -> None:
    for index, clip in enumerate(clips):
        if clip in clips[:index]:
            raise EditError(f"/clips/{index}", f"clip {clip} is named twice; name each clip once")
        sequence.open_clip(clip, f"/clips/{index}")


OPS: Final = (
    Definition(ClipLink, alone(link), lambda op, _: touching.clips(op.clips, "link")),
    Definition(ClipUnlink, alone(unlink), lambda op, _: touching.clips(op.clips, "link")),
)
