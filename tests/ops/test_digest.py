"""A timeline's digest: equal for what looks and sounds equal, different for what does not."""

from __future__ import annotations

import re

import pytest

from cutlog.contract.media import MediaFacts
from cutlog.contract.ops import (
    ClipAdd,
    ClipMove,
    ClipRemove,
    ClipSet,
    ClipSplit,
    ClipTrim,
    Op,
    ProjectConfigure,
    TrackAdd,
    TrackMove,
    TrackSet,
)
from cutlog.contract.timeline import MediaRef
from services.ops.timeline.resolve import digest, resolve
from tests.ops.drawing import drawn, run


def sha256(media: str) -> str:
    return {"film": "ab", "copy": "ab"}.get(media, media) * 32


BEFORE = drawn(v1="aaaa..bb", v2="..cccc")

CHANGES: list[Op] = [
    ClipTrim(clip="a", end=43),
    ClipMove(clip="b", at=7),
    ClipRemove(clip="c"),
    ClipSet(clip="a", enabled=False),
    ClipSet(clip="a", gain_db=-1),
    ClipSet(clip="a", fit="cover"),
    TrackMove(track="v2", index=0),
    TrackSet(track="v1", muted=True),
    TrackSet(track="v1", hidden=True),
    TrackSet(track="v1", gain_db=1),
    ProjectConfigure(background="#000001"),
    ProjectConfigure(width=1918),
    ClipAdd(clip="n", track="v1", at=4, color="#000000", frames=1),
]

SAME: list[tuple[Op, ...]] = [
    (ProjectConfigure(name="Other"),),
    (TrackSet(track="v1", name="Main", locked=True),),
    (TrackAdd(track="v3", kind="video"),),
    (ClipTrim(clip="a", end=43), ClipTrim(clip="a", end=44)),
    (ClipRemove(clip="b"), ClipAdd(clip="other", track="v1", at=6, media="copy", start=40, end=42)),
]


@pytest.mark.parametrize("op", CHANGES)
def test_what_is_seen_or_heard_differently_has_another_digest(op: Op) -> None:
    assert digest(run(BEFORE, op), sha256) != digest(BEFORE, sha256)


@pytest.mark.parametrize("ops", SAME)
def test_what_is_seen_and_heard_the_same_has_the_same_digest(ops: tuple[Op, ...]) -> None:
    from services.ops.edits.apply import apply_all
    from services.ops.edits.sources import TRUSTED

    assert digest(apply_all(BEFORE, ops, TRUSTED), sha256) == digest(BEFORE, sha256)


def test_the_digest_does_not_depend_on_how_the_clips_came_to_be_there() -> None:
    one = drawn(v1="".join(chr(ord("a") + n % 26) * 2 for n in range(26)))
    other = drawn(v1="")
    for n in reversed(range(26)):
        other = run(other, ClipAdd(clip=f"x{n}", track="v1", at=n * 2, media="film", start=40, end=42))
    assert digest(one, sha256) == digest(other, sha256)
    halved = run(one, ClipSplit(clip="a", at=1, new="z2"))
    assert digest(halved, sha256) != digest(one, sha256), "a cut may carry a transition one day, so it counts"


def test_a_resolved_timeline_is_flat_and_carries_its_media() -> None:
    reference = MediaRef(
        id="film",
        sha256="ab" * 32,
        kind="video",
        status="ready",
        facts=MediaFacts(container="mov", duration="10"),
        key="k",
    )
    timeline = resolve(BEFORE, "p", "default", 3, {"film": reference, "unused": reference})
    assert (timeline.project_id, timeline.tenant, timeline.version, timeline.duration) == ("p", "default", 3, 8)
    assert [(clip.id, clip.at, clip.frames) for clip in timeline.tracks[0].clips] == [("a", 0, 4), ("b", 6, 2)]
    assert timeline.media == {"film": reference}
    assert timeline.digest == digest(BEFORE, sha256)
    assert re.fullmatch("[0-9a-f]{64}", timeline.digest)
