"""Laws of editing, held over random histories, and against a plain model: a track as a list of frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cutlog.contract.ops import (
    ClipAdd,
    ClipMove,
    ClipRemove,
    ClipSet,
    ClipSplit,
    ClipTrim,
    Mode,
    Op,
    Ripple,
    TrackAdd,
    TrackMove,
    TrackRemove,
    TrackSet,
)
from cutlog.contract.timeline import Canvas, MediaSource
from services.ops.edits.apply import apply, apply_all
from services.ops.edits.errors import EditError
from services.ops.edits.lane import CHUNK
from services.ops.edits.sequence import Sequence
from services.ops.edits.size import size
from services.ops.edits.sources import TRUSTED
from tests.ops.drawing import MEDIA, drawn, frames
from tests.support.chance import examples

Chooser = Callable[[st.SearchStrategy[Any]], Any]

MODES: st.SearchStrategy[Mode] = st.sampled_from(("place", "insert", "overwrite"))
RIPPLES: st.SearchStrategy[Ripple] = st.sampled_from((False, True, "all"))
TRACKS = st.sampled_from(["v1", "v2", "a1"])
KINDS = ["add", "add", "add", "color", "remove", "move", "move", "trim head", "trim tail", "split", "split", "set"]


@st.composite
def histories(draw: Chooser) -> list[Op]:
    """Ops with ids that were mostly made before; many do not apply."""
    ops: list[Op] = [
        TrackAdd(track="v1", kind="video"),
        TrackAdd(track="v2", kind="video"),
        TrackAdd(track="a1", kind="audio"),
    ]
    ids = ["c0"]
    for number in range(draw(st.integers(1, 40))):
        ops.append(an_op(draw, draw(st.sampled_from(ids)), f"c{number}"))
        ids += [f"c{number}", f"c{number}r"]
    return ops


def an_op(draw: Chooser, clip: str, new: str) -> Op:
    """An op on a clip, or one that makes a new clip."""
    at, frame, length = draw(st.integers(0, 60)), draw(st.integers(0, 100)), draw(st.integers(1, 20))
    kind = draw(st.sampled_from(KINDS if draw(st.integers(0, 9)) else ["lock", "track move", "track remove"]))
    match kind:
        case "add":
            return ClipAdd(
                clip=new, track=draw(TRACKS), at=at, media="film", start=frame, end=frame + length,
                mode=draw(MODES), split=f"{new}r",
            )  # fmt: skip
        case "color":
            return ClipAdd(clip=new, track=draw(TRACKS), at=at, color="#ff0000", frames=length, mode=draw(MODES))
        case "remove":
            return ClipRemove(clip=clip, ripple=draw(RIPPLES))
        case "move":
            return ClipMove(clip=clip, at=at, track=draw(TRACKS), mode=draw(MODES), split=f"{new}r")
        case "trim head":
            return ClipTrim(clip=clip, start=frame, ripple=draw(RIPPLES))
        case "trim tail":
            return ClipTrim(clip=clip, end=frame, ripple=draw(RIPPLES))
        case "split":
            return ClipSplit(clip=clip, at=at, new=new)
        case "set":
            return ClipSet(clip=clip, enabled=draw(st.booleans()))
        case "lock":
            return TrackSet(track=draw(TRACKS), locked=draw(st.booleans()))
        case "track move":
            return TrackMove(track=draw(TRACKS), index=draw(st.integers(0, 2)))
        case _:
            return TrackRemove(track=draw(TRACKS))


def assert_sound(sequence: Sequence) -> None:
    """What holds for every sequence."""
    seen: set[str] = {track.id for track in sequence.tracks}
    uses: dict[str, int] = {}
    for track in sequence.tracks:
        end = 0
        for rank, placed in enumerate(track.lane):
            assert placed.at >= end, "clips of a track never overlap and are in order"
            end = placed.end
            assert placed.piece.frames > 0
            assert placed.piece.id not in seen, "an id is unique"
            seen.add(placed.piece.id)
            assert track.lane.find(placed.piece.id) == track.lane.place(rank) == placed
            assert track.lane.after(placed.at) == track.lane.after(placed.end - 1) == placed
            source = placed.piece.source
            if isinstance(source, MediaSource):
                assert 0 <= source.start < source.end <= 100, "[in, out) is inside the source"
                assert source.end - source.start == placed.piece.frames
                uses[source.media] = uses.get(source.media, 0) + 1
        assert track.lane.end == end
        assert all(0 < len(chunk.pieces) <= CHUNK for chunk in track.lane.chunks)
    assert seen <= set(sequence.taken)
    assert dict(sequence.uses.items()) == uses
    assert sequence.size == size(sequence.tracks)
    assert sequence.clip_count == sum(1 for _ in sequence.clips())


@settings(max_examples=examples(200))
@given(histories())
def test_every_history_keeps_the_sequence_sound_and_folds_to_the_same(history: list[Op]) -> None:
    sequence = Sequence("p", Canvas())
    applied: list[Op] = []
    for op in history:
        before = msgspec.structs.asdict(sequence)
        try:
            after = apply(sequence, op, MEDIA)
        except EditError:
            assert msgspec.structs.asdict(sequence) == before, "a refused op changes nothing"
            continue
        assert_sound(after)
        sequence = after
        applied.append(op)
    assert apply_all(Sequence("p", Canvas()), applied, TRUSTED) == sequence, "facts fold to what was decided"


DRAWINGS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(1, 4)), min_size=0, max_size=8
).map(lambda runs: "".join("." * gap + chr(ord("a") + n) * length for n, (gap, length) in enumerate(runs)))  # fmt: skip


def shown(sequence: Sequence) -> list[int | None]:
    """The frames of track v without the gap at its end."""
    return frames(sequence, "v")


def stripped(model: list[int | None]) -> list[int | None]:
    while model and model[-1] is None:
        model = model[:-1]
    return model


@settings(max_examples=examples(300))
@given(DRAWINGS, st.integers(0, 30), st.integers(1, 6), MODES)
def test_adding_is_a_splice_of_a_list_of_frames(picture: str, at: int, length: int, mode: Mode) -> None:
    before = drawn(v=picture)
    model = shown(before)
    model += [None] * (at - len(model))
    new = list(range(length))
    expected: list[int | None] | None
    op = ClipAdd(clip="new", track="v", at=at, media="film", start=0, end=length, mode=mode)
    match mode:
        case "place":
            free = all(frame is None for frame in model[at : at + length])
            expected = model[:at] + new + model[at + length :] if free else None
        case "insert":
            expected = model[:at] + new + model[at:]
        case _:
            expected = model[:at] + new + model[at + length :]
    try:
        after = apply(before, op, MEDIA)
    except EditError:
        assert expected is None
    else:
        assert expected is not None
        assert shown(after) == stripped(expected)


@settings(max_examples=examples(300))
@given(DRAWINGS.filter(lambda picture: len(picture) > 0), st.data())
def test_removing_and_trimming_are_cuts_of_a_list_of_frames(picture: str, data: st.DataObject) -> None:
    before = drawn(v=picture)
    placed = data.draw(st.sampled_from(list(before.clips())))
    ripple: Ripple = data.draw(st.booleans())
    model = shown(before)
    lost: list[int | None]
    if data.draw(st.booleans()):
        after = apply(before, ClipRemove(clip=placed.piece.id, ripple=ripple), MEDIA)
        start, end = placed.at, placed.end
    else:
        by = data.draw(st.integers(0, placed.piece.frames - 1))
        if data.draw(st.booleans()):
            after = apply(before, ClipTrim(clip=placed.piece.id, start=40 + by, ripple=ripple), MEDIA)
            start, end = placed.at, placed.at + by
        else:
            after = apply(
                before, ClipTrim(clip=placed.piece.id, end=40 + placed.piece.frames - by, ripple=ripple), MEDIA
            )
            start, end = placed.end - by, placed.end
    lost = [] if ripple else [None] * (end - start)
    expected = model[:start] + lost + model[end:]
    if ripple and not any(frame is not None for frame in expected[start:]):
        expected = expected[:start]
    assert shown(after) == stripped(expected)


@settings(max_examples=examples(200))
@given(DRAWINGS.filter(lambda picture: len(picture) > 0), st.data())
def test_splitting_never_changes_what_is_shown(picture: str, data: st.DataObject) -> None:
    before = drawn(v=picture)
    at = data.draw(st.integers(0, len(picture)))
    covered = [placed for placed in before.clips() if placed.at < at < placed.end]
    for placed in covered:
        after = apply(before, ClipSplit(clip=placed.piece.id, at=at, new="new"), MEDIA)
        assert shown(after) == shown(before)
        assert after.clip_count == before.clip_count + 1
        joined = apply(
            apply(after, ClipRemove(clip="new"), MEDIA),
            ClipTrim(clip=placed.piece.id, end=40 + placed.piece.frames),
            MEDIA,
        )
        assert list(joined.clips()) == list(before.clips()), "undoing a split gives the clip back"


@settings(max_examples=examples(200))
@given(DRAWINGS.filter(lambda picture: len(picture) > 0), st.data())
def test_ripple_keeps_order_and_gaps(picture: str, data: st.DataObject) -> None:
    before = drawn(v=picture)
    placed = data.draw(st.sampled_from(list(before.clips())))
    clip = placed.piece.id
    ops: list[Op] = [
        ClipRemove(clip=clip, ripple=True),
        ClipTrim(clip=clip, end=60, ripple=True),
        ClipTrim(clip=clip, start=30, ripple=True),
    ]
    op = data.draw(st.sampled_from(ops))
    after = apply(before, op, MEDIA)

    def later(sequence: Sequence) -> list[tuple[str, int]]:
        clips = [other for other in sequence.clips() if other.piece.id > clip]
        return [(other.piece.id, other.at - clips[0].at) for other in clips]

    assert later(after) == later(before)
