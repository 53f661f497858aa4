"""What an undo takes back, what it keeps, and what it collides with."""

from __future__ import annotations

import pytest

from cutlog.contract.ops import (
    CaptionsAdd,
    CaptionSet,
    ClipAdd,
    ClipLink,
    ClipMove,
    ClipRemove,
    ClipReplace,
    ClipSet,
    ClipSlip,
    ClipSplit,
    ClipTrim,
    ClipUnlink,
    EffectAdd,
    EffectMove,
    EffectRemove,
    EffectSet,
    HistoryUndo,
    MarkerAdd,
    MarkerMove,
    MarkerRemove,
    NewCaption,
    Op,
    ProjectConfigure,
    TextSet,
    TrackAdd,
    TrackMove,
    TrackRemove,
    TrackSet,
    TransitionAdd,
    TransitionRemove,
)
from cutlog.contract.timeline import TextStyle
from services.ops.edits.apply import apply
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence
from services.ops.edits.undoing import BuiltOnError, runs
from services.ops.project.undos import undone
from services.ops.timeline.rebase import collisions
from tests.ops.drawing import MEDIA, drawn, picture, run

BASE = run(
    drawn(v="aaaabbbb..cccceeee", w="dddd"),
    EffectAdd(clip="a", effect="f", kind="color"),
    EffectAdd(clip="a", effect="g", kind="blur"),
    MarkerAdd(marker="m", at=2),
    ClipAdd(clip="t", track="w", at=10, text=TextStyle(text="Title"), frames=5),
    CaptionsAdd(track="w", captions=(NewCaption(start=1, end=5, text="Hello", caption="h"),)),
    TransitionAdd(transition="x", left="c", right="e", kind="dissolve", frames=2),
    TrackAdd(track="z", kind="video"),
    ClipLink(clips=("b", "d")),
)

POOL: tuple[Op, ...] = (
    ClipSet(clip="a", opacity=0.5),
    ClipSet(clip="a", gain_db=-6),
    ClipSet(clip="c", opacity=0.5),
    ClipSlip(clip="c", by=1),
    ClipTrim(clip="a", end=42),
    ClipTrim(clip="c", start=41),
    ClipRemove(clip="t"),
    ClipMove(clip="t", at=20),
    ClipMove(clip="t", track="z", at=10),
    ClipAdd(clip="n", track="z", at=20, color="#ff0000", frames=2),
    ClipSplit(clip="t", at=12, new="t2"),
    TextSet(clip="t", text="Other"),
    TextSet(clip="t", color="#ff0000"),
    EffectSet(clip="a", effect="f", params={"gamma": 2.0}),
    EffectSet(clip="a", effect="f", params={"contrast": 2.0}),
    EffectRemove(clip="a", effect="g"),
    EffectMove(clip="a", effect="g", index=0),
    EffectAdd(clip="c", effect="k", kind="color"),
    TransitionRemove(transition="x"),
    MarkerMove(marker="m", at=4),
    MarkerMove(marker="m", label="Here"),
    MarkerRemove(marker="m"),
    MarkerAdd(marker="o", at=7),
    CaptionSet(caption="h", text="Good bye"),
    CaptionSet(caption="h", end=9),
    ProjectConfigure(width=640),
    ProjectConfigure(background="#ffffff"),
    TrackAdd(track="y", kind="audio"),
    TrackMove(track="z", index=0),
    TrackRemove(track="z"),
    TrackSet(track="v", name="Main"),
    TrackSet(track="v", muted=True),
)


def back(now: Sequence, version: int, *states: Sequence) -> Sequence:
    """`now` without what a version did; `states` are the versions from 0 on."""
    return apply(now, HistoryUndo(versions=(version,)), MEDIA, dict(enumerate(states)).get)


def equal(one: Sequence, other: Sequence) -> bool:
    """Whether the timelines are equal. Ids stay taken."""
    names = ("canvas", "tracks", "markers", "links", "transitions", "uses", "size")
    return all(getattr(one, name) == getattr(other, name) for name in names)


def splits(mine: Op, theirs: Op) -> bool:
    """What was split off shares what the other edit made of the clip."""
    return isinstance(theirs, ClipSplit) and isinstance(mine, TextSet | ClipMove)


def tried(base: Sequence, op: Op) -> Sequence | None:
    try:
        return run(base, op)
    except EditError:
        return None


@pytest.mark.parametrize("mine", POOL, ids=lambda op: type(op).__name__)
def test_what_others_did_to_other_things_is_all_that_is_left(mine: Op) -> None:
    for theirs in POOL:
        after = run(BASE, mine)
        alone, now = tried(BASE, theirs), tried(after, theirs)
        if theirs is mine or alone is None or now is None:
            continue
        if collisions((theirs,), 0, (BASE, after)) or collisions((mine,), 0, (BASE, alone)) or splits(mine, theirs):
            continue
        assert equal(back(now, 1, BASE, after), alone), (mine, theirs)


@pytest.mark.parametrize("mine", POOL, ids=lambda op: type(op).__name__)
def test_what_others_did_to_the_same_is_never_lost(mine: Op) -> None:
    """Either the later version is kept, or it is named."""
    named = 0
    for theirs in POOL:
        after = run(BASE, mine)
        now = tried(after, theirs)
        if theirs is mine or now is None or equal(now, after) or isinstance(theirs, TrackRemove):
            continue
        try:
            left = back(now, 1, BASE, after)
        except BuiltOnError as error:
            named += bool(error.touches) and error.pointer == "/versions"
            continue
        # Undone in the other order too, nothing is left of either; so `theirs` was still there.
        assert not equal(left, BASE), (mine, theirs)
        assert equal(apply(left, HistoryUndo(versions=(2,)), MEDIA, {1: after, 2: now}.get), BASE), (mine, theirs)


@pytest.mark.parametrize("mine", POOL, ids=lambda op: type(op).__name__)
def test_undo_of_the_newest_is_a_revert_and_can_be_redone(mine: Op) -> None:
    after = run(BASE, mine)
    undone_ = back(after, 1, BASE, after)
    assert equal(undone_, BASE)
    assert equal(back(undone_, 2, BASE, after, undone_), after)
    assert set(after.taken) == set(undone_.taken), "ids stay taken"


RIPPLED: list[tuple[str, Op, Op, str]] = [
    ("aaaabbbbcccc", ClipTrim(clip="a", end=42, ripple=True), ClipTrim(clip="b", end=43, ripple=True), "aaaabbbcccc"),
    ("aaaabbbbcccc", ClipTrim(clip="b", end=43, ripple=True), ClipTrim(clip="a", end=42, ripple=True), "aabbbbcccc"),
    ("aaaabbbbcccc", ClipRemove(clip="b", ripple=True), ClipSet(clip="c", opacity=0.5), "aaaabbbbcccc"),
    ("aaaabbbbcccc", ClipRemove(clip="b", ripple=True), ClipRemove(clip="a", ripple=True), "bbbbcccc"),
    ("aaaabbbbcccc", ClipRemove(clip="b"), ClipTrim(clip="a", end=42), "aa..bbbbcccc"),
    ("aaaabbbb", ClipTrim(clip="a", end=42, ripple=True),
     ClipAdd(clip="n", track="v", at=6, color="#ff0000", frames=2), "aaaabbbbnn"),
    ("aaaabbbb", ClipTrim(clip="a", end=42, ripple=True),
     ClipAdd(clip="n", track="v", at=2, color="#ff0000", frames=2, mode="insert"), "aaaannbbbb"),
    ("aaaabbbbcccc", ClipRemove(clip="b", ripple=True),
     ClipAdd(clip="n", track="v", at=4, color="#ff0000", frames=2, mode="insert"), "aaaannbbbbcccc"),
    ("aaaabbbbcccc", ClipAdd(clip="n", track="v", at=4, color="#ff0000", frames=3, mode="insert"),
     ClipTrim(clip="a", end=42, ripple=True), "aabbbbcccc"),
    ("aaaa..cccc", ClipAdd(clip="n", track="v", at=4, color="#ff0000", frames=2),
     ClipAdd(clip="k", track="v", at=10, color="#ff0000", frames=2), "aaaa..cccckk"),
    ("aaaabbbbcccc", ClipMove(clip="c", at=14), ClipTrim(clip="a", end=42, ripple=True), "aabbbbcccc"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "mine", "theirs", "left"), RIPPLED)
def test_clips_find_their_places_among_those_that_moved(before: str, mine: Op, theirs: Op, left: str) -> None:
    base = drawn(v=before)
    after = run(base, mine)
    assert picture(back(run(after, theirs), 1, base, after)) == {"v": left}


def test_what_a_ripple_moved_on_other_tracks_moves_back_with_what_came_there() -> None:
    base = drawn(v="aaaabbbb", w="....dddd", z="")
    after = run(base, ClipTrim(clip="a", end=42, ripple="all"))
    now = run(
        after,
        ClipAdd(clip="n", track="w", at=6, color="#ff0000", frames=2),
        ClipAdd(clip="k", track="z", at=3, color="#ff0000", frames=2),
    )
    assert picture(back(now, 1, base, after)) == {"v": "aaaabbbb", "w": "....ddddnn", "z": ".....kk"}


BUILT_ON: list[tuple[str, Op, Op, set[tuple[str, str, str]]]] = [
    ("aaaabbbb", ClipSet(clip="a", opacity=0.5), ClipSet(clip="a", opacity=0.7), {("clip", "a", "opacity")}),
    ("aaaabbbb", ClipSet(clip="a", opacity=0.5), ClipRemove(clip="a"), {("clip", "a", "there")}),
    ("aaaabbbb", ClipTrim(clip="a", end=42), ClipTrim(clip="a", end=43),
     {("clip", "a", "out"), ("clip", "a", "frames")}),
    ("aaaabbbb", ClipAdd(clip="n", track="v", at=8, color="#ff0000", frames=2), ClipSet(clip="n", opacity=0.5),
     {("clip", "n", "whole")}),
    ("aaaabbbb", ClipAdd(clip="n", track="v", at=8, color="#ff0000", frames=2), ClipMove(clip="n", at=12),
     {("clip", "n", "at")}),
    ("aaaabbbb", ClipMove(clip="b", at=12), ClipMove(clip="b", at=14), {("clip", "b", "at")}),
    ("aaaabbbb", ClipTrim(clip="a", end=42), ClipAdd(clip="n", track="v", at=2, color="#ff0000", frames=2),
     {("place", "v", "place")}),
    ("aaaabbbb", ClipRemove(clip="a"), ClipAdd(clip="n", track="v", at=2, color="#ff0000", frames=2),
     {("place", "v", "place")}),
    ("aaaabbbb", TrackAdd(track="y", kind="video"),
     ClipAdd(clip="n", track="y", at=2, color="#ff0000", frames=2), {("track", "y", "whole")}),
    ("aaaabbbb", ClipTrim(clip="a", end=42), TrackSet(track="v", locked=True), {("track", "v", "locked")}),
    ("aaaabbbb", ClipMove(clip="b", at=12), ClipLink(clips=("a", "b")), set()),
]  # fmt: skip


@pytest.mark.parametrize(("before", "mine", "theirs", "on"), BUILT_ON)
def test_a_later_version_that_builds_on_it_is_named(
    before: str, mine: Op, theirs: Op, on: set[tuple[str, str, str]]
) -> None:
    base = drawn(v=before)
    after = run(base, mine)
    now = run(after, theirs)
    if not on:
        back(now, 1, base, after)
        return
    with pytest.raises(BuiltOnError) as refused:
        back(now, 1, base, after)
    assert {touch[:3] for touch in refused.value.touches} == on


def test_a_transition_of_others_between_clips_that_part_is_named() -> None:
    base = drawn(v="aaaa..bbbb")
    after = run(base, ClipMove(clip="b", at=4))
    now = run(after, TransitionAdd(transition="x", left="a", right="b", kind="dissolve", frames=2))
    with pytest.raises(BuiltOnError) as refused:
        back(now, 1, base, after)
    assert ("transition", "x", "whole") in {touch[:3] for touch in refused.value.touches}


def test_versions_of_a_gesture_are_taken_back_as_one_although_others_came_between() -> None:
    states = [drawn(v="aaaabbbb")]
    for op in (
        ClipSet(clip="a", opacity=0.9), ClipSet(clip="a", opacity=0.8), ClipSet(clip="b", opacity=0.3),
        ClipSet(clip="a", opacity=0.7),
    ):  # fmt: skip
        states.append(run(states[-1], op))
    left = apply(states[-1], HistoryUndo(versions=(1, 2, 4)), MEDIA, dict(enumerate(states)).get)
    assert equal(left, run(states[0], ClipSet(clip="b", opacity=0.3)))
    assert [*runs((4, 1, 2))] == [(4, 4), (1, 2)]


def test_a_version_that_is_not_there_is_refused() -> None:
    with pytest.raises(EditError, match="there is no version 7"):
        back(BASE, 7, BASE)


@pytest.mark.parametrize(
    ("undoes", "gone"),
    [
        ({}, {}),
        ({2: (1,)}, {1: 2}),
        ({2: (1,), 3: (2,)}, {2: 3}),
        ({2: (1,), 3: (2,), 4: (3,)}, {3: 4, 1: 2}),
        ({4: (1, 2), 5: (3,)}, {1: 4, 2: 4, 3: 5}),
    ],
)
def test_an_undo_that_was_undone_counts_no_more(undoes: dict[int, tuple[int, ...]], gone: dict[int, int]) -> None:
    assert undone(undoes) == gone


def test_a_right_half_that_has_what_is_taken_back_is_named() -> None:
    base = drawn(v="aaaa")
    after = run(base, ClipSet(clip="a", opacity=0.5))
    with pytest.raises(BuiltOnError) as refused:
        back(run(after, ClipSplit(clip="a", at=2, new="s")), 1, base, after)
    assert {touch[:3] for touch in refused.value.touches} == {("clip", "s", "there")}


def test_links_are_taken_back_and_come_back() -> None:
    base = drawn(v="aaaabbbb", w="dddd")
    after = run(base, ClipLink(clips=("a", "d")))
    other = ClipSet(clip="b", opacity=0.5)
    assert equal(back(run(after, other), 1, base, after), run(base, other))
    unlinked = run(after, ClipUnlink(clips=("a", "d")))
    assert equal(back(run(unlinked, other), 1, after, unlinked), run(after, other))


def test_the_only_clip_of_a_track_comes_back() -> None:
    base = drawn(v="..aaaa", w="dddd")
    after = run(base, ClipRemove(clip="a"))
    assert picture(back(run(after, ClipSet(clip="d", opacity=0.5)), 1, base, after)) == {"v": "..aaaa", "w": "dddd"}


def test_a_track_comes_back_where_it_was_among_the_others() -> None:
    base = drawn(v="", w="dddd", x="")
    for track in "vx":
        after = run(base, TrackRemove(track=track))
        left = back(run(after, TrackSet(track="w", name="Main")), 1, base, after)
        assert [each.id for each in left.tracks] == ["v", "w", "x"]


def test_a_clip_that_shows_other_media_since_is_named() -> None:
    base = drawn(v="aaaa")
    after = run(base, ClipReplace(clip="a", media="mute", start=40))
    with pytest.raises(BuiltOnError) as refused:
        back(run(after, ClipReplace(clip="a", media="clut", start=40)), 1, base, after)
    assert {touch[:3] for touch in refused.value.touches} == {("clip", "a", "source")}
