"""Every op by tables: a drawing before, the op, a drawing after; and what is refused, with its pointer."""

from __future__ import annotations

import msgspec
import pytest

from cutlog.contract.ops import (
    ClipAdd,
    ClipMove,
    ClipProperties,
    ClipRemove,
    ClipSet,
    ClipSplit,
    ClipTrim,
    Op,
    ProjectConfigure,
    TextSet,
    TrackAdd,
    TrackMove,
    TrackRemove,
    TrackSet,
)
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas, ColorSource, MediaSource, TextSource, TextStyle
from services.ops.edits.apply import apply, apply_all
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import TRUSTED
from tests.ops.drawing import MEDIA, drawn, frames, picture, run


def add(at: int, length: int, track: str = "v", **more: object) -> ClipAdd:
    fields = {"clip": "n", "track": track, "at": at, "media": "film", "start": 0, "end": length} | more
    return ClipAdd(**fields)  # type: ignore[arg-type]


PLACING: list[tuple[str, Op, str]] = [
    ("", add(0, 2), "nn"),
    ("", add(3, 2), "...nn"),
    ("aa", add(2, 1), "aan"),
    ("aa..bb", add(2, 2), "aannbb"),
    ("...bb", add(0, 2), "nn.bb"),
    ("aabb", add(0, 1, mode="insert"), "naabb"),
    ("aabb", add(2, 1, mode="insert"), "aanbb"),
    ("aabb", add(4, 1, mode="insert"), "aabbn"),
    ("aabb", add(6, 1, mode="insert"), "aabb..n"),
    ("aaaabb", add(1, 2, mode="insert", split="z"), "annzzzbb"),
    ("a...bb", add(2, 1, mode="insert"), "a.n..bb"),
    ("a.bb.c", add(3, 2, mode="insert", split="z"), "a.bnnz.c"),
    ("aabb", add(1, 2, mode="overwrite"), "annb"),
    ("aaaa", add(1, 2, mode="overwrite", split="z"), "annz"),
    ("aabbcc", add(1, 4, mode="overwrite"), "annnnc"),
    ("aabbcc", add(0, 6, mode="overwrite"), "nnnnnn"),
    ("aa..cc", add(1, 2, mode="overwrite"), "ann.cc"),
    ("aa", add(5, 1, mode="overwrite"), "aa...n"),
    ("aabb", add(2, 2, mode="overwrite"), "aann"),
]

EDITING: list[tuple[str, Op, str]] = [
    ("aabb.cc", ClipRemove(clip="b"), "aa...cc"),
    ("aabb.cc", ClipRemove(clip="b", ripple=True), "aa.cc"),
    ("aabb", ClipRemove(clip="b"), "aa"),
    ("..aab", ClipRemove(clip="a", ripple=True), "..b"),
    ("aabb", ClipMove(clip="a", at=4), "..bbaa"),
    ("aabb", ClipMove(clip="a", at=0), "aabb"),
    ("aa.bb", ClipMove(clip="a", at=1), ".aabb"),
    ("aabb", ClipMove(clip="b", at=1, mode="overwrite"), "abb"),
    ("aabbcc", ClipMove(clip="c", at=1, mode="insert", split="z"), "acczbb"),
    ("aabbcc", ClipMove(clip="c", at=0, mode="insert"), "ccaabb"),
    ("aaabb", ClipTrim(clip="a", start=41), ".aabb"),
    ("aaabb", ClipTrim(clip="a", end=42), "aa.bb"),
    ("aaabb", ClipTrim(clip="a", start=41, ripple=True), "aabb"),
    ("aaabb", ClipTrim(clip="a", end=42, ripple=True), "aabb"),
    ("aaabb", ClipTrim(clip="a", end=45, ripple=True), "aaaaabb"),
    ("aaabb", ClipTrim(clip="a", start=38, ripple=True), "aaaaabb"),
    ("..aabb", ClipTrim(clip="a", start=38), "aaaabb"),
    ("aa..bb", ClipTrim(clip="a", end=44), "aaaabb"),
    ("aa.bb", ClipTrim(clip="a", start=41, end=43), ".aabb"),
    ("aabb", ClipTrim(clip="b", end=90, ripple="all"), "aa" + "b" * 50),
    ("aaaab", ClipSplit(clip="a", at=1, new="z"), "azzzb"),
    ("..aa", ClipSplit(clip="a", at=3, new="z"), "..az"),
    ("aabb", ClipSet(clip="a", enabled=False), "aabb"),
]


@pytest.mark.parametrize(("before", "op", "after"), PLACING + EDITING)
def test_an_op_turns_one_drawing_into_the_other(before: str, op: Op, after: str) -> None:
    assert picture(run(drawn(v=before), op)) == {"v": after}


RIPPLE_ALL: list[tuple[dict[str, str], Op, dict[str, str]]] = [
    (
        {"v1": "aaaabb", "v2": "......cc"},
        ClipTrim(clip="a", end=42, ripple="all"),
        {"v1": "aabb", "v2": "....cc"},
    ),
    (
        {"v1": "aabb", "v2": "ccccd"},
        ClipTrim(clip="a", end=44, ripple="all"),
        {"v1": "aaaabb", "v2": "cccc..d"},
    ),
    (
        {"v1": "aabb", "v2": "..cc", "v3": "d...ee"},
        ClipRemove(clip="a", ripple="all"),
        {"v1": "bb", "v2": "cc", "v3": "d.ee"},
    ),
    (
        {"v1": "aabb", "v2": ".c..d"},
        ClipRemove(clip="a", ripple=True),
        {"v1": "bb", "v2": ".c..d"},
    ),
]


@pytest.mark.parametrize(("before", "op", "after"), RIPPLE_ALL)
def test_ripple_moves_the_tracks_it_names(before: dict[str, str], op: Op, after: dict[str, str]) -> None:
    assert picture(run(drawn(**before), op)) == after


def test_ripple_all_leaves_locked_tracks_alone() -> None:
    sequence = run(drawn(v1="aabb", v2="..cc"), TrackSet(track="v2", locked=True))
    assert picture(run(sequence, ClipRemove(clip="a", ripple="all"))) == {"v1": "bb", "v2": "..cc"}


def test_the_parts_of_a_split_show_what_the_whole_showed() -> None:
    before = drawn(v="aaaa")
    after = run(before, ClipSplit(clip="a", at=1, new="z"))
    assert frames(after, "v") == frames(before, "v") == [40, 41, 42, 43]


def test_the_right_part_is_named_after_both_clips_by_default() -> None:
    after = run(drawn(v="aaaa"), add(2, 1, mode="insert"))
    assert [placed.piece.id for placed in after.clips()] == ["a", "n", "a-n"]
    assert frames(after, "v") == [40, 41, 0, 42, 43]
    assert "a-n" in after.taken


def test_an_overwritten_clip_keeps_its_frames_on_both_sides() -> None:
    after = run(drawn(v="aaaaaa"), add(2, 2, mode="overwrite"))
    assert frames(after, "v") == [40, 41, 0, 1, 44, 45]


def test_a_trim_of_the_head_keeps_every_frame_at_its_time() -> None:
    before = drawn(v="..aaaa")
    after = run(before, ClipTrim(clip="a", start=42))
    assert frames(after, "v")[4:] == frames(before, "v")[4:] == [42, 43]


def test_a_clip_moves_to_another_track_with_its_properties() -> None:
    after = run(drawn(v1="aa", v2=""), ClipSet(clip="a", gain_db=-6), ClipMove(clip="a", at=3, track="v2"))
    assert picture(after) == {"v1": "", "v2": "...aa"}
    assert after.clip("a").placed.piece.gain_db == -6


def test_text_and_colour_have_a_length_and_properties() -> None:
    after = run(
        drawn(v=""),
        ClipAdd(clip="t", track="v", at=0, text=TextStyle(text="Hello"), frames=5),
        ClipAdd(clip="c", track="v", at=5, color="#ff0000", frames=3, properties=ClipProperties(enabled=False)),
        ClipSplit(clip="t", at=2, new="u"),
        ClipTrim(clip="t", start=1),
        TextSet(clip="u", text="Bye", color="#00ff00"),
    )
    assert picture(after) == {"v": ".tuuuccc"}
    assert after.clip("t").placed.piece.source == TextSource(text=TextStyle(text="Hello"))
    assert after.clip("u").placed.piece.source == TextSource(text=TextStyle(text="Bye", color="#00ff00"))
    assert after.clip("c").placed.piece.source == ColorSource(color="#ff0000")
    assert not after.clip("c").placed.piece.enabled
    assert after.duration == 8


def test_a_still_has_no_end_and_other_media_are_conformed_to_the_projects_rate() -> None:
    after = run(
        drawn(v="", a=""),
        ClipAdd(clip="s", track="v", at=0, media="still", start=500, end=900),
        ClipAdd(clip="h", track="v", at=400, media="mute", start=0, end=200),
        ClipAdd(clip="m", track="a", at=0, media="song", start=0, end=30),
    )
    assert after.duration == 600


def test_uses_count_the_clips_of_each_media() -> None:
    sequence = run(drawn(v="aaaa"), add(1, 1, mode="insert"), add(0, 1, clip="k", media="mute", mode="insert"))
    assert dict(sequence.uses.items()) == {"film": 3, "mute": 1}
    sequence = run(sequence, ClipRemove(clip="k"), ClipRemove(clip="n"))
    assert dict(sequence.uses.items()) == {"film": 2}
    assert dict(run(sequence, TrackRemove(track="v")).uses.items()) == {}


def test_an_overwrite_forgets_the_media_of_the_clips_under_it() -> None:
    sequence = run(drawn(v="aabbcc"), add(1, 4, mode="overwrite", media="mute"))
    assert dict(sequence.uses.items()) == {"film": 2, "mute": 1}


def test_tracks_are_added_moved_changed_and_removed() -> None:
    sequence = Sequence("p", Canvas())
    sequence = run(
        sequence, TrackAdd(track="v1", kind="video"), TrackAdd(track="a1", kind="audio"),
        TrackAdd(track="v0", kind="video", index=0), TrackMove(track="a1", index=0), TrackMove(track="v0", index=2),
        TrackSet(track="v1", name="Main", muted=True, gain_db=-3), TrackRemove(track="a1"),
    )  # fmt: skip
    assert [(track.id, track.name, track.muted, track.gain_db) for track in sequence.tracks] == [
        ("v1", "Main", True, -3), ("v0", "", False, 0),
    ]  # fmt: skip


def test_configure_changes_canvas_and_name() -> None:
    canvas = ProjectConfigure(width=640, height=360, fps=Fps(25, 1), background="#102030")
    sequence = run(drawn(), canvas, ProjectConfigure(name="Film"))
    assert sequence.canvas == Canvas(width=640, height=360, fps=Fps(25, 1), background="#102030")
    assert sequence.name == "Film"


def test_the_same_fps_may_be_given_while_there_are_clips() -> None:
    assert run(drawn(v="aa"), ProjectConfigure(fps=Fps(30, 1))).canvas.fps == Fps(30, 1)


LONG = "x" * 64

REFUSED: list[tuple[dict[str, str], Op, str, str]] = [
    # what there is, the op, the pointer, words of the sentence
    ({"v": "aa"}, add(1, 2), "/at", "frames 0 to 2"),
    ({"v": "..aa"}, add(1, 2), "/at", "insert or overwrite"),
    ({"v": "aa"}, add(5, 1, clip="a"), "/clip", "used before"),
    ({"v": "aa"}, add(5, 1, clip="v"), "/clip", "used before"),
    ({"v": "aa"}, add(5, 1, "w"), "/track", "the tracks are: v"),
    ({}, add(5, 1, "w"), "/track", "track.add"),
    ({"v": ""}, add(0, 101), "/out", "at most 100"),
    ({"v": ""}, add(0, 5, media="nope"), "/media", "upload"),
    ({"v": ""}, add(0, 5, start=5), "/out", "greater than in"),
    ({"v": ""}, add(0, 5, start=7), "/out", "greater than in"),
    ({"v": ""}, add(0, 5, frames=5), "/frames", "leave frames out"),
    ({"v": ""}, add(0, 5, color="#000000"), "", "one source"),
    ({"v": ""}, ClipAdd(clip="n", track="v", at=0), "", "one source"),
    ({"v": ""}, ClipAdd(clip="n", track="v", at=0, media="film", start=0), "", "out is missing"),
    ({"v": ""}, ClipAdd(clip="n", track="v", at=0, color="#000000"), "", "needs frames"),
    ({"v": ""}, ClipAdd(clip="n", track="v", at=0, color="#000000", frames=2, end=3), "/out", "no source frames"),
    ({"a": ""}, ClipAdd(clip="n", track="a", at=0, color="#000000", frames=2), "/track", "video track"),
    ({"a": ""}, add(0, 5, "a", media="mute"), "/track", "no sound"),
    ({"v": ""}, add(0, 5, media="song"), "/track", "audio track"),
    ({"v": ""}, add(9_999_999, 5), "", "at most 10000000"),
    ({"v": "aaaa"}, add(2, 1, mode="insert", clip=LONG), "/split", "name its right part"),
    ({"v": "aaaab"}, add(2, 1, mode="insert", split="b"), "/split", "used before"),
    ({"v": "aaaab"}, add(2, 1, mode="overwrite", split="v"), "/split", "used before"),
    ({"v": "aa"}, ClipRemove(clip="b"), "/clip", "no clip b"),
    ({"v1": "aabb", "v2": "cc.dd"}, ClipRemove(clip="a", ripple="all"), "/ripple", "clip d on track v2"),
    ({"v": "aabb"}, ClipMove(clip="a", at=3), "/at", "clip b"),
    ({"v": "aa"}, ClipMove(clip="a", at=3, track="w"), "/track", "no track w"),
    ({"v": "aabb"}, ClipTrim(clip="a"), "", "at least one of in, out"),
    ({"v": "aabb"}, ClipTrim(clip="a", end=40), "/out", "greater than in"),
    ({"v": "aabb"}, ClipTrim(clip="a", start=42), "/in", "greater than in"),
    ({"v": "aabb"}, ClipTrim(clip="a", end=43), "/out", "clip b"),
    ({"v": "aabb"}, ClipTrim(clip="b", start=39), "/in", "clip a"),
    ({"v": "aabb"}, ClipTrim(clip="a", start=39), "/in", "at least 40"),
    ({"v": "aa"}, ClipTrim(clip="a", end=101), "/out", "at most 100"),
    ({"v": "aa"}, ClipSplit(clip="a", at=0, new="z"), "/at", "split at 1 to 1"),
    ({"v": "aa"}, ClipSplit(clip="a", at=2, new="z"), "/at", "split at 1 to 1"),
    ({"v": "a"}, ClipSplit(clip="a", at=0, new="z"), "/at", "only one"),
    ({"v": "aa"}, ClipSplit(clip="a", at=1, new="a"), "/new", "used before"),
    ({"v": "aa"}, ClipSet(clip="a"), "", "at least one of enabled, fit, x"),
    ({"v": "aa"}, TextSet(clip="a", text="x"), "/clip", "not a text"),
    ({"v": "aa"}, TrackAdd(track="a", kind="video"), "/track", "used before"),
    ({"v": "aa"}, TrackAdd(track="w", kind="video", index=2), "/index", "0 to 1"),
    ({"v": "aa"}, TrackMove(track="v", index=1), "/index", "0 to 0"),
    ({"v": "aa"}, TrackRemove(track="w"), "/track", "no track w"),
    ({"v": "aa"}, TrackSet(track="v"), "", "at least one of name"),
    ({"v": "aa"}, ProjectConfigure(fps=Fps(25, 1)), "/fps", "no clips"),
    ({"v": "aa"}, ProjectConfigure(), "", "at least one of width"),
]


@pytest.mark.parametrize(("before", "op", "pointer", "words"), REFUSED)
def test_what_does_not_apply_is_refused_with_a_pointer_and_a_sentence(
    before: dict[str, str], op: Op, pointer: str, words: str
) -> None:
    with pytest.raises(EditError) as refusal:
        run(drawn(**before), op)
    assert (refusal.value.pointer, words in refusal.value.detail) == (pointer, True), refusal.value


LOCKED: list[Op] = [
    add(5, 1, "v2"),
    ClipRemove(clip="b"),
    ClipMove(clip="b", at=5),
    ClipMove(clip="a", at=5, track="v2"),
    ClipTrim(clip="b", end=41),
    ClipSplit(clip="b", at=1, new="z"),
    ClipSet(clip="b", enabled=False),
    TextSet(clip="b", text="x"),
    TrackRemove(track="v2"),
]


@pytest.mark.parametrize("op", LOCKED)
def test_nothing_on_a_locked_track_can_be_edited(op: Op) -> None:
    sequence = run(drawn(v1="aa", v2="bb"), TrackSet(track="v2", locked=True))
    with pytest.raises(EditError, match="locked"):
        run(sequence, op)


def test_an_id_stays_taken_when_its_clip_is_gone() -> None:
    sequence = run(drawn(v="aa"), ClipRemove(clip="a"))
    with pytest.raises(EditError, match="used before"):
        run(sequence, add(0, 1, clip="a"))
    with pytest.raises(EditError, match="any more"):
        run(sequence, ClipRemove(clip="a"))


def test_a_batch_points_to_its_faulty_op_and_may_use_ids_it_made() -> None:
    before = drawn(v="")
    good = (add(0, 4), ClipSplit(clip="n", at=1, new="z"))
    assert picture(apply_all(before, good, MEDIA)) == {"v": "nzzz"}
    with pytest.raises(EditError) as refusal:
        apply_all(before, (*good, ClipTrim(clip="z", end=200)), MEDIA)
    assert refusal.value.pointer == "/ops/2/out"
    assert picture(before) == {"v": ""}


def test_facts_of_the_log_are_folded_without_asking_what_the_media_are() -> None:
    sequence = apply(drawn(v=""), add(0, 5000), TRUSTED)
    assert sequence.clip("n").placed.piece.source == MediaSource(media="film", start=0, end=5000)


NOT_OPS: list[tuple[str, str]] = [
    ('{"op":"clip.remove"}', "missing required field `clip`"),
    ('{"op":"clip.remove","clip":"a","now":1}', "unknown field `now`"),
    ('{"op":"clip.remove","clip":"A"}', "matching regex"),
    ('{"op":"clip.remove","clip":"a","ripple":"some"}', "Invalid enum value 'some'"),
    ('{"op":"clip.add","clip":"a","track":"v","at":-1,"color":"#000000","frames":1}', ">= 0"),
    ('{"op":"clip.add","clip":"a","track":"v","at":1.5,"color":"#000000","frames":1}', "got `float`"),
    ('{"op":"clip.add","clip":"a","track":"v","at":true,"color":"#000000","frames":1}', "got `bool`"),
    ('{"op":"clip.add","clip":"a","track":"v","at":0,"color":"red","frames":1}', "matching regex"),
    ('{"op":"clip.add","clip":"a","track":"v","at":0,"color":"#000000","frames":0}', ">= 1"),
    ('{"op":"clip.set","clip":"a","gainDb":true}', "got `bool`"),
    ('{"op":"clip.set","clip":"a","gainDb":1e9}', "<= 40"),
    ('{"op":"clip.set","clip":"a","glow":0.5}', "unknown field `glow`"),
    ('{"op":"clip.set","clip":"a","fit":null}', "got `null`"),
    ('{"op":"clip.warp","clip":"a","num":2,"den":1}', "Invalid value 'clip.warp'"),
    ('{"op":"text.set","clip":"a","text":"a\\u0000b"}', "matching regex"),
    ('{"op":"clip.set","clip":"a","x":{"keyframes":[]}}', "length >= 1"),
    ('{"op":"clip.set","clip":"a","x":{"keyframes":[{"frame":-1,"value":0}]}}', ">= 0"),
    ('{"op":"clip.set","clip":"a","x":{"keyframes":[{"frame":0,"value":true}]}}', "got `bool`"),
    ('{"op":"clip.set","clip":"a","x":{"keyframes":[{"frame":0,"value":0,"easing":"bounce"}]}}', "Invalid enum"),
    ('{"op":"clip.set","clip":"a","crop":{"left":1}}', "< 1.0"),
    ('{"op":"clip.speed","clip":"a","num":0,"den":1}', ">= 1"),
    ('{"op":"clip.link","clips":["a"]}', "length >= 2"),
    ('{"op":"effect.add","clip":"a","effect":"e","kind":"blur","params":{"radius":null}}', "got `null`"),
    ('{"op":"history.revert","toVersion":-1}', ">= 0"),
    ('{"clip":"a"}', "missing required field `op`"),
]


@pytest.mark.parametrize(("text", "words"), NOT_OPS)
def test_what_is_not_an_op_of_this_build_is_refused_where_it_is_decoded(text: str, words: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=words):
        msgspec.json.decode(text, type=Op)
