"""Slip, slide, roll, replace, and clips that are linked: by drawings and source frames."""

from __future__ import annotations

import pytest

from cutlog.contract.ops import (
    ClipAdd,
    ClipLink,
    ClipMove,
    ClipRemove,
    ClipReplace,
    ClipReverse,
    ClipRoll,
    ClipSlide,
    ClipSlip,
    ClipSplit,
    ClipTrim,
    ClipUnlink,
    Op,
    TrackSet,
)
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence
from tests.ops.drawing import drawn, frames, picture, run

#: before, op, the drawing after, the source frames after. Every clip shows `film` from frame 40 on.
SHIFTING: list[tuple[str, Op, str, list[int | None]]] = [
    ("aabbb", ClipSlip(clip="b", by=2), "aabbb", [40, 41, 42, 43, 44]),
    ("aabbb", ClipSlip(clip="b", by=-40), "aabbb", [40, 41, 0, 1, 2]),
    ("aaabbccc", ClipSlide(clip="b", by=1), "aaaabbcc", [40, 41, 42, 43, 40, 41, 41, 42]),
    ("aaabbccc", ClipSlide(clip="b", by=-2), "abbccccc", [40, 40, 41, 38, 39, 40, 41, 42]),
    ("aaabbccc", ClipSlide(clip="b", by=0), "aaabbccc", [40, 41, 42, 40, 41, 40, 41, 42]),
    ("aaabbb", ClipRoll(left="a", right="b", by=2), "aaaaab", [40, 41, 42, 43, 44, 42]),
    ("aaabbb", ClipRoll(left="a", right="b", by=-2), "abbbbb", [40, 38, 39, 40, 41, 42]),
    ("aabb", ClipReplace(clip="b", media="mute", start=7), "aabb", [40, 41, 7, 8]),
]


@pytest.mark.parametrize(("before", "op", "after", "shown"), SHIFTING)
def test_the_cut_or_the_source_moves_and_nothing_else(before: str, op: Op, after: str, shown: list[int | None]) -> None:
    sequence = run(drawn(v=before), op)
    assert picture(sequence) == {"v": after}
    assert frames(sequence, "v") == shown


def test_a_reversed_clip_grows_and_shrinks_at_the_end_that_is_shown_there() -> None:
    sequence = run(drawn(v="aaabbb"), ClipReverse(clip="a", reversed=True), ClipReverse(clip="b", reversed=True))
    assert frames(sequence, "v") == [42, 41, 40, 42, 41, 40]
    assert frames(run(sequence, ClipRoll(left="a", right="b", by=1)), "v") == [42, 41, 40, 39, 41, 40]
    assert frames(run(sequence, ClipRoll(left="a", right="b", by=-1)), "v") == [42, 41, 43, 42, 41, 40]
    assert frames(run(sequence, ClipTrim(clip="b", end=42)), "v") == [42, 41, 40, None, 41, 40]
    assert frames(run(sequence, ClipTrim(clip="b", start=41)), "v") == [42, 41, 40, 42, 41]
    assert frames(run(sequence, ClipTrim(clip="b", end=42, ripple=True)), "v") == [42, 41, 40, 41, 40]


LINKED: list[tuple[Op, dict[str, str]]] = [
    (ClipMove(clip="a", at=4), {"v": "..bbaa", "x": "..ddcc"}),
    (ClipMove(clip="c", at=4), {"v": "..bbaa", "x": "..ddcc"}),
    (ClipMove(clip="a", at=2, mode="insert"), {"v": "..aabb", "x": "..ccdd"}),
    (ClipMove(clip="a", at=1, mode="overwrite"), {"v": ".aab", "x": ".ccd"}),
    (ClipRemove(clip="c"), {"v": "..bb", "x": "..dd"}),
    (ClipRemove(clip="c", ripple=True), {"v": "bb", "x": "dd"}),
    (ClipRemove(clip="a", ripple="all"), {"v": "bb", "x": "dd"}),
    (ClipTrim(clip="a", end=41), {"v": "a.bb", "x": "c.dd"}),
    (ClipTrim(clip="a", start=41), {"v": ".abb", "x": ".cdd"}),
    (ClipTrim(clip="a", end=41, ripple=True), {"v": "abb", "x": "cdd"}),
    (ClipTrim(clip="c", start=41, ripple="all"), {"v": "abb", "x": "cdd"}),
    (ClipTrim(clip="a", end=45, ripple="all"), {"v": "aaaaabb", "x": "cccccdd"}),
]


@pytest.mark.parametrize(("op", "after"), LINKED)
def test_linked_clips_move_trim_and_go_together(op: Op, after: dict[str, str]) -> None:
    sequence = run(drawn(v="aabb", x="ccdd"), ClipLink(clips=("a", "c")))
    assert picture(run(sequence, op)) == after


def test_a_clip_moves_to_another_track_and_the_linked_one_stays_on_its_own() -> None:
    sequence = run(drawn(v="aa", x="cc", y=""), ClipLink(clips=("a", "c")), ClipMove(clip="a", at=1, track="y"))
    assert picture(sequence) == {"v": "", "x": ".cc", "y": ".aa"}


def test_a_split_leaves_the_link_with_the_left_part() -> None:
    sequence = run(drawn(v="aaaa", x="cccc"), ClipLink(clips=("a", "c")), ClipSplit(clip="a", at=2, new="z"))
    assert dict(sequence.links.items()) == {"a": ("a", "c"), "c": ("a", "c")}
    assert picture(run(sequence, ClipMove(clip="z", at=8))) == {"v": "aa......zz", "x": "cccc"}


def links(sequence: Sequence) -> set[tuple[str, ...]]:
    return {members for _, members in sequence.links.items()}


def test_links_dissolve_when_one_clip_is_left() -> None:
    sequence = run(drawn(v="aabbcc", x="dd"), ClipLink(clips=("a", "b", "c")))
    assert links(run(sequence, ClipUnlink(clips=("b",)))) == {("a", "c")}
    assert links(run(sequence, ClipUnlink(clips=("b", "c")))) == set()
    assert links(run(sequence, ClipLink(clips=("c", "d")))) == {("a", "b"), ("c", "d")}
    over = ClipAdd(clip="n", track="v", at=2, media="film", start=0, end=4, mode="overwrite")
    assert links(run(sequence, over)) == set()


REFUSED: list[tuple[dict[str, str], tuple[Op, ...], str, str]] = [
    ({"v": "aabb"}, (ClipSlip(clip="a", by=-41),), "/by", "1 frame before its source"),
    ({"v": "aabb"}, (ClipSlip(clip="a", by=59),), "/by", "1 frame more than media film has"),
    ({"v": "aabb"}, (ClipSlide(clip="b", by=1),), "/clip", "no clip touches b on its right"),
    ({"v": "aabb"}, (ClipSlide(clip="a", by=1),), "/clip", "no clip touches a on its left"),
    ({"v": "aabb.cc"}, (ClipSlide(clip="b", by=1),), "/clip", "on its right"),
    ({"v": "aabbcc"}, (ClipSlide(clip="b", by=2),), "/by", "from -1 to 1"),
    ({"v": "aabbb"}, (ClipRoll(left="a", right="b", by=3),), "/by", "from -1 to 2"),
    ({"v": "aa.bb"}, (ClipRoll(left="a", right="b", by=1),), "/right", "without a gap; no clip does"),
    ({"v": "aabbcc"}, (ClipRoll(left="a", right="c", by=1),), "/right", "b does"),
    ({"v": "aabb"}, (ClipSlip(clip="b", by=-40), ClipRoll(left="a", right="b", by=-1)), "/by", "before its source"),
    ({"v": "aabb"}, (ClipReplace(clip="b", media="film", start=99),), "/in", "1 frame more"),
    ({"v": "aabb"}, (ClipReplace(clip="b", media="none", start=9),), "/media", "no media none"),
    ({"v": "aabb"}, (ClipReplace(clip="b", media="song", start=9),), "/media", "no picture"),
    ({"v": "aabb"}, (ClipLink(clips=("a", "a")),), "/clips/1", "twice"),
    ({"v": "aabb"}, (ClipLink(clips=("a", "x")),), "/clips/1", "no clip x"),
    ({"v": "aabb"}, (ClipUnlink(clips=("a",)),), "/clips/0", "not linked"),
    ({"v": "..aab"}, (ClipLink(clips=("a", "b")), ClipMove(clip="b", at=1)), "/at", "at is at least 2"),
    ({"v": "aab"}, (ClipLink(clips=("a", "b")), ClipTrim(clip="a", end=41)), "/out", "all of which would be removed"),
    (
        {"v": "aa", "x": "b"},
        (ClipLink(clips=("a", "b")), TrackSet(track="x", locked=True), ClipMove(clip="a", at=9)),
        "/clip",
        "linked with b on track x, which is locked",
    ),
]


@pytest.mark.parametrize(("before", "ops", "pointer", "words"), REFUSED)
def test_what_does_not_apply_is_refused_with_a_pointer_and_a_sentence(
    before: dict[str, str], ops: tuple[Op, ...], pointer: str, words: str
) -> None:
    sequence = run(drawn(**before), *ops[:-1])
    with pytest.raises(EditError) as refusal:
        run(sequence, ops[-1])
    assert (refusal.value.pointer, words in refusal.value.detail) == (pointer, True), refusal.value
