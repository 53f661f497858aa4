"""Speed, reverse, freeze and detached sound: which source frame is shown when."""

from __future__ import annotations

import pytest

from cutlog.contract.ops import (
    ClipDetachAudio,
    ClipFreeze,
    ClipRemove,
    ClipReverse,
    ClipSet,
    ClipSpeed,
    ClipSplit,
    ClipTrim,
    EffectAdd,
    Op,
)
from cutlog.contract.timeline import FreezeSource, Speed
from services.ops.edits.errors import EditError
from tests.ops.drawing import drawn, frames, picture, run

SPEEDS: list[tuple[str, Op, list[int | None]]] = [
    ("aaaa", ClipSpeed(clip="a", num=2, den=1), [40, 42]),
    ("aaaaa", ClipSpeed(clip="a", num=2, den=1), [40, 42, 44]),
    ("aaa", ClipSpeed(clip="a", num=1, den=2), [40, 40, 41, 41, 42, 42]),
    ("aaa", ClipSpeed(clip="a", num=2, den=3), [40, 40, 41, 42, 42]),
    ("aaaa", ClipSpeed(clip="a", num=3, den=2), [40, 41, 43]),
    ("aa", ClipSpeed(clip="a", num=100, den=1), [40]),
    ("aaaabb", ClipSpeed(clip="a", num=2, den=1), [40, 42, None, None, 40, 41]),
    ("aaaabb", ClipSpeed(clip="a", num=2, den=1, ripple=True), [40, 42, 40, 41]),
    ("aabb", ClipSpeed(clip="a", num=1, den=2, ripple=True), [40, 40, 41, 41, 40, 41]),
    ("aa..bb", ClipSpeed(clip="a", num=1, den=2), [40, 40, 41, 41, 40, 41]),
]


@pytest.mark.parametrize(("before", "op", "shown"), SPEEDS)
def test_frame_k_shows_in_plus_the_floor_of_k_num_over_den(before: str, op: Op, shown: list[int | None]) -> None:
    sequence = run(drawn(v=before), op)
    assert frames(sequence, "v") == shown


def test_a_reversed_clip_shows_out_minus_one_minus_that() -> None:
    sequence = run(drawn(v="aaaaa"), ClipReverse(clip="a", reversed=True))
    assert frames(sequence, "v") == [44, 43, 42, 41, 40]
    assert frames(run(sequence, ClipSpeed(clip="a", num=2, den=1)), "v") == [44, 42, 40]
    assert frames(run(sequence, ClipReverse(clip="a", reversed=False)), "v") == [40, 41, 42, 43, 44]


def test_speed_with_ripple_all_moves_the_other_tracks() -> None:
    sequence = run(drawn(v="aaaabb", w="c...dd"), ClipSpeed(clip="a", num=2, den=1, ripple="all"))
    assert picture(sequence) == {"v": "aabb", "w": "c.dd"}


def test_a_speed_of_one_is_no_speed_and_fractions_are_reduced() -> None:
    sequence = run(drawn(v="aaaa"), ClipSpeed(clip="a", num=6, den=4, pitch="vary"))
    assert sequence.clip("a").placed.piece.speed == Speed(num=3, den=2, pitch="vary")
    assert run(sequence, ClipSpeed(clip="a", num=5, den=5)) == drawn(v="aaaa")


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("num", "den"), [(1, 2), (2, 3), (3, 2), (3, 1), (5, 4), (1, 7)])
def test_a_split_of_a_slow_or_fast_clip_shows_what_the_whole_showed(num: int, den: int, backwards: bool) -> None:
    whole = run(
        drawn(v="aaaaaaa"),
        ClipReverse(clip="a", reversed=backwards),
        ClipSpeed(clip="a", num=num, den=den, ripple=True),
    )
    length = whole.duration
    for at in range(1, length):
        parts = run(whole, ClipSplit(clip="a", at=at, new="b"))
        assert frames(parts, "v") == frames(whole, "v")
        back = ClipTrim(clip="a", start=40) if backwards else ClipTrim(clip="a", end=47)
        again = run(parts, ClipRemove(clip="b"), back)
        assert frames(again, "v") == frames(whole, "v")
        if length - at > 1:
            thirds = run(parts, ClipSplit(clip="b", at=at + 1, new="c"))
            assert frames(thirds, "v") == frames(whole, "v")


def test_a_trim_in_source_frames_of_a_fast_clip_keeps_the_other_end() -> None:
    fast = run(drawn(v="..aaaaaaaa"), ClipSpeed(clip="a", num=2, den=1))
    assert frames(fast, "v") == [None, None, 40, 42, 44, 46]
    assert frames(run(fast, ClipTrim(clip="a", start=44)), "v") == [None] * 4 + [44, 46]
    assert frames(run(fast, ClipTrim(clip="a", start=44, ripple=True)), "v") == [None] * 2 + [44, 46]
    assert frames(run(fast, ClipTrim(clip="a", end=44)), "v") == [None] * 2 + [40, 42]
    assert frames(run(fast, ClipTrim(clip="a", start=36)), "v") == [36, 38, 40, 42, 44, 46]


def test_a_freeze_holds_the_frame_and_moves_what_follows() -> None:
    sequence = run(drawn(v="aaaabb", w="cccccc"), ClipFreeze(clip="a", at=2, frames=3, new="f", right="r"))
    assert picture(sequence) == {"v": "aafffrrbb", "w": "cccccc"}
    assert sequence.clip("f").placed.piece.source == FreezeSource(media="film", frame=42)
    assert frames(sequence, "v") == [40, 41, 42, 42, 42, 42, 43, 40, 41]
    assert dict(sequence.uses.items()) == {"film": 5}


def test_a_frozen_frame_keeps_its_looks_and_has_no_sound() -> None:
    sequence = run(
        drawn(v="aaaa"),
        EffectAdd(clip="a", effect="e1", kind="blur"),
        EffectAdd(clip="a", effect="e2", kind="lowpass"),
        ClipSet(clip="a", opacity=0.5, fade_in=2, fade_out=1),
        ClipFreeze(clip="a", at=1, frames=2, new="f", right="r"),
    )
    piece = sequence.clip("f").placed.piece
    assert (piece.opacity, piece.fade_in, piece.fade_out) == (0.5, 0, 0)
    assert [effect.kind for effect in piece.effects] == ["blur"]


def test_the_sound_of_a_clip_goes_to_a_track_of_its_own_with_what_shaped_it() -> None:
    sequence = run(
        drawn(v="..aa", a1=""),
        EffectAdd(clip="a", effect="e1", kind="blur"),
        EffectAdd(clip="a", effect="e2", kind="lowpass"),
        EffectAdd(clip="a", effect="e3", kind="denoise", params={"of": "sound"}),
        ClipSet(clip="a", gain_db=-6, pan=0.5, audio_fade_in=2, fade_in=1),
        ClipDetachAudio(clip="a", new="s", track="a1"),
    )
    assert picture(sequence) == {"v": "..aa", "a1": "..ss"}
    assert frames(sequence, "a1") == frames(sequence, "v")
    silent, sound = sequence.clip("a").placed.piece, sequence.clip("s").placed.piece
    assert (silent.silent, silent.gain_db, silent.pan, silent.audio_fade_in, silent.fade_in) == (True, 0, 0, 0, 1)
    assert (sound.silent, sound.gain_db, sound.pan, sound.audio_fade_in, sound.fade_in) == (False, -6, 0.5, 2, 0)
    assert [effect.id for effect in silent.effects] == ["e1"]
    assert [effect.id for effect in sound.effects] == ["e2", "e3"]
    assert sequence.links.get("a") == ("a", "s")
    assert picture(run(sequence, ClipRemove(clip="s"))) == {"v": "", "a1": ""}


REFUSED: list[tuple[dict[str, str], tuple[Op, ...], str, str]] = [
    ({"v": "aabb"}, (ClipSpeed(clip="a", num=1, den=2),), "/num", "clip b on track v is in the way by 2 frames"),
    ({"v": "aa"}, (ClipSpeed(clip="a", num=101, den=1),), "/num", "1/100 to 100"),
    ({"v": "aa"}, (ClipSpeed(clip="a", num=1, den=101),), "/num", "1/100 to 100"),
    ({"v": "aaa"}, (ClipFreeze(clip="a", at=0, frames=2, new="f", right="r"),), "/at", "at 1 to 2"),
    ({"v": "aaa"}, (ClipFreeze(clip="a", at=1, frames=2, new="a", right="r"),), "/new", "used before"),
    ({"v": "aaa"}, (ClipFreeze(clip="a", at=1, frames=2, new="f", right="f"),), "/right", "used before"),
    ({"a": "bbb"}, (ClipFreeze(clip="b", at=1, frames=2, new="f", right="r"),), "/clip", "sound only"),
    (
        {"v": "aaa"},
        (ClipFreeze(clip="a", at=1, frames=2, new="f", right="r"), ClipReverse(clip="f", reversed=True)),
        "/clip",
        "no source frames to play backwards",
    ),
    ({"v": "aa"}, (ClipDetachAudio(clip="a", new="s", track="v"),), "/track", "is a video track"),
    ({"v": "aa", "a1": "b"}, (ClipDetachAudio(clip="a", new="s", track="a1"),), "/track", "clip b stands on"),
    ({"v": "", "a1": "b", "a2": ""}, (ClipDetachAudio(clip="b", new="s", track="a2"),), "/clip", "only sound"),
    (
        {"v": "aa", "a1": "", "a2": ""},
        (ClipDetachAudio(clip="a", new="s", track="a1"), ClipDetachAudio(clip="a", new="t", track="a2")),
        "/clip",
        "detached before",
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
