"""What changed, in editors' words: by drawings, ops and sentences."""

from __future__ import annotations

import msgspec
import pytest

from cutlog.contract.ops import (
    CaptionRemove,
    CaptionsImport,
    ClipAdd,
    ClipLink,
    ClipMove,
    ClipRemove,
    ClipReplace,
    ClipReverse,
    ClipRoll,
    ClipSet,
    ClipSlip,
    ClipSpeed,
    ClipSplit,
    ClipTrim,
    EffectAdd,
    EffectMove,
    EffectRemove,
    EffectSet,
    MarkerAdd,
    MarkerMove,
    Op,
    ProjectConfigure,
    TextSet,
    TrackAdd,
    TrackMove,
    TrackRemove,
    TrackSet,
    TransitionAdd,
    TransitionSet,
)
from cutlog.contract.timeline import TextStyle
from services.ops.timeline.diff import diff
from tests.ops.drawing import drawn, run

CUE = "1\n00:00:00,000 --> 00:00:01,000\nHi"

START = run(
    drawn(v="aaabbb", w="..ccc.dd.eee"),
    ClipAdd(clip="t", track="v", at=9, text=TextStyle(text="Hi"), frames=3),
    EffectAdd(clip="a", effect="e1", kind="blur"),
    EffectAdd(clip="a", effect="e2", kind="hue"),
    TransitionAdd(transition="x", left="a", right="b", kind="dissolve", frames=2),
    MarkerAdd(marker="m", at=3),
    CaptionsImport(track="w", format="srt", content=CUE),
)

#: An edit, and its changes: what, of what, which.
SAID: list[tuple[tuple[Op, ...], list[tuple[str, str, str]]]] = [
    ((), []),
    ((ClipRemove(clip="e"),), [("removed", "clip", "e")]),
    ((ClipAdd(clip="n", track="v", at=20, color="#ff0000", frames=1),), [("added", "clip", "n")]),
    ((ClipMove(clip="e", at=20),), [("moved", "clip", "e")]),
    ((ClipMove(clip="e", at=20, track="v"),), [("moved", "clip", "e")]),
    ((ClipRemove(clip="c", ripple=True),), [("removed", "clip", "c"), ("shifted", "clip", "d")]),
    ((ClipTrim(clip="e", end=42),), [("trimmed", "clip", "e")]),
    ((ClipTrim(clip="e", start=41),), [("trimmed", "clip", "e")]),
    ((ClipTrim(clip="e", start=41, ripple=True),), [("trimmed", "clip", "e")]),
    ((ClipTrim(clip="t", end=2),), [("trimmed", "clip", "t")]),
    ((ClipRoll(left="a", right="b", by=1),), [("trimmed", "clip", "a"), ("trimmed", "clip", "b")]),
    ((ClipSlip(clip="e", by=-2),), [("slipped", "clip", "e")]),
    ((ClipSplit(clip="e", at=10, new="f"),), [("trimmed", "clip", "e"), ("added", "clip", "f")]),
    ((ClipSet(clip="e", gain_db=-6),), [("set", "clip", "e")]),
    ((ClipReverse(clip="e", reversed=True),), [("set", "clip", "e")]),
    ((ClipSpeed(clip="e", num=3, den=1),), [("set", "clip", "e")]),
    ((ClipReplace(clip="e", media="mute", start=7),), [("replaced", "clip", "e")]),
    ((ClipLink(clips=("d", "e")),), [("set", "clip", "d"), ("set", "clip", "e")]),
    ((TextSet(clip="t", text="Bye"),), [("set", "clip", "t")]),
    ((EffectSet(clip="a", effect="e1", params={"radius": 0.1}),), [("set", "effect", "e1")]),
    ((EffectRemove(clip="a", effect="e1"),), [("removed", "effect", "e1")]),
    ((EffectMove(clip="a", effect="e2", index=0),), [("moved", "effect", "e2"), ("moved", "effect", "e1")]),
    ((TransitionSet(transition="x", kind="radial"),), [("set", "transition", "x")]),
    ((MarkerMove(marker="m", at=5),), [("set", "marker", "m")]),
    ((CaptionRemove(caption="w-c1"),), [("removed", "caption", "w-c1")]),
    ((TrackAdd(track="z", kind="audio"),), [("added", "track", "z")]),
    ((TrackMove(track="w", index=0),), [("moved", "track", "w"), ("moved", "track", "v")]),
    ((TrackSet(track="w", muted=True),), [("set", "track", "w")]),
    ((ProjectConfigure(width=640, name="Film"),), [("set", "project", ""), ("set", "project", "")]),
    (
        (TrackRemove(track="v"),),
        [("removed", "track", "v"), *(("removed", "clip", clip) for clip in "abt"), ("removed", "transition", "x")],
    ),
]


@pytest.mark.parametrize(("ops", "said"), SAID)
def test_an_edit_is_told_in_editors_words(ops: tuple[Op, ...], said: list[tuple[str, str, str]]) -> None:
    changes = diff(START, run(START, *ops))
    assert [(change.change, change.of, change.id) for change in changes] == said
    assert all(change.text for change in changes)
    assert len(msgspec.json.decode(msgspec.json.encode(changes))) == len(said)


TRIMS: list[tuple[Op, int | None, int | None]] = [
    (ClipTrim(clip="e", end=42), 0, -1),
    (ClipTrim(clip="e", end=45), 0, 2),
    (ClipTrim(clip="e", start=41), -1, 0),
    (ClipTrim(clip="e", start=39), 1, 0),
    (ClipTrim(clip="e", start=41, end=44), -1, 1),
]


@pytest.mark.parametrize(("op", "head", "tail"), TRIMS)
def test_a_trim_says_by_how_much(op: Op, head: int, tail: int) -> None:
    (change,) = diff(START, run(START, op))
    assert (change.change, change.head, change.tail) == ("trimmed", head, tail)


def test_a_move_says_from_where_to_where_and_a_ripple_by_how_much() -> None:
    (moved,) = diff(START, run(START, ClipMove(clip="e", at=20, track="v")))
    assert msgspec.to_builtins(moved)["from"] == {"track": "w", "at": 9}
    assert msgspec.to_builtins(moved)["to"] == {"track": "v", "at": 20}
    _, shifted = diff(START, run(START, ClipRemove(clip="c", ripple=True)))
    assert (shifted.by, shifted.clips) == (-3, ("d", "e"))
