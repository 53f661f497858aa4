"""Which batches may go on top of versions that their author has not seen, and which collide with what."""

from __future__ import annotations

import pytest

from cutlog.contract.ops import (
    ClipAdd,
    ClipMove,
    ClipRemove,
    ClipRoll,
    ClipSet,
    ClipSlip,
    ClipSplit,
    ClipTrim,
    EffectAdd,
    EffectSet,
    HistoryRevert,
    MarkerAdd,
    MarkerMove,
    Op,
    ProjectConfigure,
    TrackRemove,
    TrackSet,
)
from services.ops.timeline.rebase import collisions
from tests.ops.drawing import drawn, run

BASE = run(
    drawn(v="aaaabbbb..cccc", w="dddd"),
    EffectAdd(clip="a", effect="e", kind="color"),
    MarkerAdd(marker="m", at=2),
)

#: What was missed, what the batch does.
FREE: list[tuple[Op, Op]] = [
    (ClipSet(clip="a", opacity=0.5), ClipSet(clip="a", gain_db=-6)),
    (ClipSet(clip="a", opacity=0.5), ClipSet(clip="b", opacity=0.5)),
    (ClipTrim(clip="a", end=42, ripple=True), ClipSet(clip="c", opacity=0.5)),
    (ClipTrim(clip="a", end=42, ripple=True), ClipTrim(clip="c", end=42)),
    (ClipMove(clip="c", at=30), ClipSlip(clip="c", by=1)),
    (EffectSet(clip="a", effect="e", params={"gamma": 2.0}), EffectSet(clip="a", effect="e", params={"contrast": 2.0})),
    (TrackSet(track="v", name="Main"), TrackSet(track="v", muted=True)),
    (ClipAdd(clip="n", track="v", at=20, color="#ff0000", frames=2), ClipRemove(clip="a")),
    (ProjectConfigure(name="Film"), ProjectConfigure(width=640)),
    (MarkerMove(marker="m", at=4), MarkerMove(marker="m", label="Here")),
]


@pytest.mark.parametrize(("missed", "op"), FREE)
def test_a_batch_that_touches_other_things_goes_on_top(missed: Op, op: Op) -> None:
    assert collisions((op,), 1, (BASE, run(BASE, missed))) == []


#: What was missed, what the batch does, and on what they collide.
COLLIDING: list[tuple[Op, Op, set[tuple[str, str, str]]]] = [
    (ClipSet(clip="a", opacity=0.5), ClipSet(clip="a", opacity=0.7), {("clip", "a", "opacity")}),
    (ClipRemove(clip="a"), ClipSet(clip="a", opacity=0.7), {("clip", "a", "opacity")}),
    (ClipTrim(clip="a", end=42), ClipTrim(clip="a", end=43), {("clip", "a", "out")}),
    (ClipSet(clip="a", opacity=0.5), ClipRemove(clip="a"), {("clip", "a", "whole")}),
    (ClipTrim(clip="a", end=42, ripple=True), ClipMove(clip="c", at=30), {("clip", "c", "at")}),
    (ClipTrim(clip="a", end=42, ripple=True), ClipSplit(clip="c", at=12, new="z"), {("clip", "c", "at")}),
    (
        ClipRoll(left="a", right="b", by=1),
        ClipRoll(left="a", right="b", by=2),
        {("clip", "a", "out"), ("clip", "a", "frames"), ("clip", "b", "in"), ("clip", "b", "frames")},
    ),
    (
        EffectSet(clip="a", effect="e", params={"gamma": 2.0}),
        EffectSet(clip="a", effect="e", params={"gamma": 3.0}),
        {("clip", "a", "effects.e.gamma")},
    ),
    (ClipSet(clip="a", opacity=0.5), TrackRemove(track="v"), {("track", "v", "whole")}),
    (MarkerMove(marker="m", at=4), MarkerMove(marker="m", at=5), {("marker", "m", "at")}),
    (
        ClipMove(clip="c", at=30),
        ClipAdd(clip="n", track="v", at=9, color="#ff0000", frames=3, mode="overwrite"),
        {("place", "v", "place")},
    ),
]


@pytest.mark.parametrize(("missed", "op", "on"), COLLIDING)
def test_a_batch_that_touches_what_was_changed_collides_by_name(
    missed: Op, op: Op, on: set[tuple[str, str, str]]
) -> None:
    unrelated = ClipSet(clip="d", gain_db=1)
    versions = (BASE, run(BASE, unrelated), run(BASE, unrelated, missed))
    found = collisions((MarkerAdd(marker="n", at=1), op), 7, versions)
    assert {(collision.of, collision.id, collision.field) for collision in found} == on
    assert {(collision.pointer, collision.version) for collision in found} == {("/ops/1", 9)}
    assert all(collision.detail.startswith("Version 9 ") for collision in found)


def test_going_back_collides_with_any_edit() -> None:
    (collision,) = collisions((HistoryRevert(to_version=0),), 3, (BASE, run(BASE, ClipSet(clip="d", gain_db=1))))
    assert (collision.of, collision.field, collision.version) == ("project", "timeline", 4)
    assert collisions((HistoryRevert(to_version=0),), 3, (BASE, BASE)) == []
