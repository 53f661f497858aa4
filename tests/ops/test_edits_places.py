"""Edges of edits: places that ops touch, what is left of fades, ranges that are closed, media that ops name."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cutlog.contract import ops as o
from cutlog.contract.ops import Op
from services.ops.edits.apply import DEFINITIONS, apply_all
from services.ops.edits.cues import CueError, read
from services.ops.edits.errors import EditError
from services.ops.edits.naming import media_named, media_renamed
from services.ops.edits.persistent import PersistentMap
from services.ops.edits.size import OverBudgetError
from services.ops.edits.sources import TRUSTED
from services.ops.edits.touching import Touch
from tests.ops.drawing import MEDIA, drawn, picture, run


def touched(op: Op) -> set[Touch]:
    """The places that an op touches."""
    return {touch for touch in DEFINITIONS[type(op)].touches(op, drawn(v="aaaabbbbcccc")) if touch.of == "place"}


TEXT: Any = {"text": "Title"}


@pytest.mark.parametrize(
    ("op", "where"),
    [
        ({"op": "clip.add", "at": 2, "media": "film", "in": 10, "out": 15, "mode": "overwrite"}, (2, 7)),
        ({"op": "clip.add", "at": 2, "color": "#ff0000", "frames": 3, "mode": "overwrite"}, (2, 5)),
        ({"op": "clip.add", "at": 2, "text": TEXT, "frames": 4, "mode": "overwrite"}, (2, 6)),
        ({"op": "clip.add", "at": 2, "color": "#ff0000", "frames": 3, "mode": "insert"}, (2, 2)),
        ({"op": "clip.add", "at": 20, "color": "#ff0000", "frames": 3, "mode": "place"}, None),
    ],
)
def test_a_clip_touches_what_it_takes_away_or_cuts(op: dict[str, Any], where: tuple[int, int] | None) -> None:
    found = touched(msgspec.convert({"clip": "n", "track": "v", **op}, Op))
    assert found == (set() if where is None else {Touch("place", "v", "place", where)})


def test_a_slide_touches_where_its_clip_lies() -> None:
    assert touched(o.ClipSlide(clip="b", by=1)) == {Touch("place", "v", "place", (4, 8))}
    assert touched(o.ClipSlide(clip="gone", by=1)) == set()


def test_ranges_that_overlap_are_closed_once_and_the_others_stay_apart() -> None:
    base = run(
        drawn(v="aa..bbbb......ee", w=".....cccc....", x="......dd......ff"),
        o.ClipLink(clips=("a", "b", "c")),
    )
    after = run(base, o.ClipRemove(clip="a", ripple="all"))
    # Frames 0 to 2 and 4 to 9 are gone from all tracks; what lay over them began later than it does now.
    assert picture(after)["v"] == ".......ee" and picture(after)["w"] == ""


def test_the_fade_that_is_not_set_keeps_what_a_split_left_of_it() -> None:
    for audio, left in ((9, 5), (4, 0), (3, 0), (0, 0)):
        cut = run(
            drawn(v="aaaaaaaaaaaaaaaa"),
            o.ClipSet(clip="a", fade_in=10, audio_fade_in=audio),
            o.ClipSplit(clip="a", at=4, new="r"),
            o.ClipSet(clip="r", fade_in=2),
        )
        piece = cut.clip("r").placed.piece
        assert (piece.fade_in, piece.audio_fade_in, piece.head_cut) == (2, left, 0)


@pytest.mark.parametrize(
    ("value", "named"),
    [
        ({"op": "clip.add", "media": "v_1", "text": {"text": "x", "font": "f_1"}}, ["v_1", "f_1"]),
        ([{"media": "v_1"}, {"params": {"media": "v_2"}}], ["v_1", "v_2"]),
        ({"media": "No Id"}, []), ({"font": "sans"}, []), ({"captionFont": "f_2"}, ["f_2"]), ({"font": "No Id"}, []),
        ({"media": {"media": "v_3"}}, ["v_3"]), ({"name": "v_4", "clip": "v_5"}, []), ("v_6", []), (7, []),
        (({"media": "v_7"},), ["v_7"]),
    ],
)  # fmt: skip
def test_media_are_found_by_what_arguments_are_called(value: Any, named: list[str]) -> None:
    assert list(media_named(value)) == named


def test_media_get_other_names_and_nothing_else_does() -> None:
    ops = [{"op": "clip.add", "clip": "v_1", "media": "v_1", "text": {"font": "v_1", "text": "v_1"}}, {"media": "v_2"}]
    assert media_renamed(ops, {"v_1": "n"}) == [
        {"op": "clip.add", "clip": "v_1", "media": "n", "text": {"font": "n", "text": "v_1"}}, {"media": "v_2"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("budget", "sentence"),
    [
        ("logBytes", "The history of the project would have 9 bytes; it may have 5."),
        ("batchOps", "The batch has 9 ops; one batch may have 5."),
        ("editValues", "This batch would write 9 values"),
        ("timelineValues", "The timeline would have 9 values"),
    ],
)
def test_each_budget_says_what_it_is_about(budget: str, sentence: str) -> None:
    assert OverBudgetError(budget, 5, 9).detail.startswith(sentence)


def test_what_a_map_gained_is_found_without_what_both_share() -> None:
    one = PersistentMap({f"k{number}": number for number in range(50)})
    other = one.update({"new": 1, "more": 2}).set("k3", 7).drop("k4")
    assert other.gained(one) == ["more", "new"] and one.gained(other) == ["k4"] and one.gained(one) == []
    assert other.get("k3") == 7 and other.get("k4") is None and "k4" not in other and len(other) == 51


def pasted(frames: int, out: int, **more: Any) -> Any:
    paste = {"op": "clip.paste", "clip": "n", "track": "v", "at": 40, "media": "film", "in": 0, "out": out}
    op = msgspec.convert({**paste, "frames": frames, **more}, Op)
    return run(drawn(v="aaaa"), op).clip("n").placed.piece


def test_a_pasted_clip_is_as_long_as_its_source_or_shorter_where_it_plays_at_a_speed() -> None:
    double, same = {"num": 2, "den": 1}, {"num": 1, "den": 1}
    assert pasted(5, 5).frames == 5
    assert pasted(5, 10, speed=double).frames == pasted(5, 12, speed=double).frames == 5
    assert pasted(5, 5, speed=same).speed is None
    for frames, out, more in ((4, 5, {}), (6, 5, {}), (4, 5, {"speed": same}), (6, 10, {"speed": double})):
        with pytest.raises(EditError, match="/frames"):
            pasted(frames, out, **more)


def test_captions_have_the_ids_that_were_chosen_or_free_ones_after_their_track() -> None:
    said = [o.NewCaption(start=n, end=n + 1, text=f"{n}") for n in range(3)]
    chosen = msgspec.structs.replace(said[1], caption="w-c1")
    after = run(drawn(v="aaaa", w=""), o.CaptionsAdd(track="w", captions=(said[0], chosen, said[2])))
    captions = {caption.text: name for name, caption in after.track("w")[1].captions.items()}
    assert captions == {"0": "w-c2", "1": "w-c1", "2": "w-c3"}
    again = run(after, o.CaptionsAdd(track="w", captions=(said[0],)))
    assert len(again.track("w")[1].captions) == 4 and "w-c4" in again.taken
    for wrong in ((chosen,), (msgspec.structs.replace(chosen, caption="same"),) * 2):
        with pytest.raises(EditError, match="was used before"):
            run(after, o.CaptionsAdd(track="w", captions=wrong))


def test_the_log_is_believed_that_a_media_has_sound() -> None:
    detach = o.ClipDetachAudio(clip="a", new="s", track="a1")
    after = apply_all(drawn(v="aaaa", a1=""), (detach,), TRUSTED)
    assert after.clip("s").track.id == "a1" and after.clip("a").placed.piece.silent
    mute = o.ClipReplace(clip="a", media="mute", start=0)
    with pytest.raises(EditError, match="has no sound to detach"):
        apply_all(drawn(v="aaaa", a1=""), (mute, detach), MEDIA)


@pytest.mark.parametrize(
    ("block", "line"),
    [
        ("1\n00:00:01,000 --> 00:02,500\nHi", 2), ("1\n00:01,000 --> 00:00:02,500\nHi", 2),
        ("Title\n00:00:01,000 --> 00:00:02,500\nHi", 1),
    ],
)  # fmt: skip
def test_srt_has_hours_in_both_times_and_numbers_for_names(block: str, line: int) -> None:
    with pytest.raises(CueError, match=f"^line {line}: here should be the time"):
        list(read(block, "srt"))
    assert [cue.text for cue in read(f"WEBVTT\n\n{block.replace(',', '.')}", "vtt")] == ["Hi"]
