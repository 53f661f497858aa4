"""What to make first of a film that somebody watches while it is made: from the newest edit on, then what is before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from itertools import takewhile

from cutlog.contract.timeline import Timeline
from services.render.plan.segments import Digest, Encoded, Plan, Segment

Before = Callable[[], Awaitable[Timeline | None]]
"""Fetches the version before the one that is made; None if that can't be had."""


def pieces(pictures: Plan) -> list[list[Segment]]:
    """The segments of a film in groups of at least a second: what a viewer is given at once."""
    rate = pictures.fps.fraction
    groups: list[list[Segment]] = []
    for segment in pictures.segments:
        if not groups or sum(part.frames for part in groups[-1]) >= rate:
            groups.append([])
        groups[-1].append(segment)
    if len(groups) > 1 and sum(part.frames for part in groups[-1]) < rate / 2:
        groups[-2:] = [groups[-2] + groups[-1]]
    return groups


def edited(pictures: Plan, before: Plan) -> int:
    """The piece with the first picture that is not as it was `before`; 0 if all are."""
    same = takewhile(
        lambda pair: _name(pair[0]) == _name(pair[1]), zip(pictures.segments, before.segments, strict=False)
    )
    equal = sum(1 for _ in same)
    if equal == len(pictures.segments) == len(before.segments):
        return 0
    seen, groups = 0, pieces(pictures)
    for number, group in enumerate(groups):
        seen += len(group)
        if equal < seen:
            return number
    # What was cut away stood at the end.
    return max(0, len(groups) - 1)


def newest_first(pictures: Plan, missing: Collection[Digest], piece: int) -> list[Encoded]:
    """The missing segments in the order in which to make them, each once: from a piece on, then those before it."""
    groups = pieces(pictures)
    order = (segment for group in (*groups[piece:], *groups[:piece]) for segment in group)
    found = (segment for segment in order if isinstance(segment, Encoded) and segment.digest in missing)
    return list({segment.digest: segment for segment in found}.values())


def _name(segment: Segment) -> tuple[str, int, int]:
    """What a segment shows."""
    if isinstance(segment, Encoded):
        return segment.digest, 0, segment.frames
    return segment.source.sha256, segment.first, segment.frames
