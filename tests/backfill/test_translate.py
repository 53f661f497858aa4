"""Legacy ops in the edit language: by a table, by frames, and by folding what came in pages of any size."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cutlog.contract.events import VersionCommitted
from cutlog.contract.media import MediaFacts
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas
from services.ops.decide.importing import ImportVersions, LegacyVersion, UndoImport, decide_import
from services.ops.decide.project_state import ProjectState, evolve
from services.ops.decide.refusals import NotImportedError
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Known, Material
from services.ops.legacy.reading import UntranslatableError
from services.ops.legacy.translate import translated
from tests.support.chance import examples

FACTS = MediaFacts(
    container="mov", duration="20", width=160, height=90, sar=(1, 1), fps=Fps(25, 1), frames=500, video_codec="h264",
    audio_codec="aac", channels=2, sample_rate=48_000, start_offset="0",
)  # fmt: skip
KNOWN = Known({"v_1": Material("video", FACTS)})
VIDEOS = {"11": "v_1", "clip b": "v_1"}
EMPTY = Sequence("test", Canvas(fps=Fps(25, 1)))
ADD = {"type": "addClip", "videoId": 11, "start": 1, "end": 5, "clipId": "c"}


def after(*legacy: Any, sequence: Sequence = EMPTY) -> tuple[list[dict[str, Any]], Sequence]:
    found = translated(legacy, sequence, VIDEOS, KNOWN, 1)
    if found.kept:
        raise UntranslatableError(found.why[0])
    return found.ops, found.sequence


@pytest.mark.parametrize(
    ("legacy", "ours"),
    [
        ({"type": "trim", "clipId": "c", "end": 4}, {"op": "clip.trim", "clip": "c", "out": 100}),
        ({"type": "trim", "endFrame": 80}, {"op": "clip.trim", "clip": "c", "out": 80}),
        ({"action": "split", "params": {"clipId": "c", "at": "00:00:01.6"}},
         {"op": "clip.split", "clip": "c", "at": 40, "new": "c1-1"}),
        ({"type": "move_clip", "clipId": "c", "position": 10},
         {"op": "clip.move", "clip": "c", "at": 250, "mode": "place"}),
        ({"type": "delete", "clipId": "c"}, {"op": "clip.remove", "clip": "c", "ripple": False}),
        ({"type": "speed", "clipId": "c", "rate": 2},
         {"op": "clip.speed", "clip": "c", "num": 2, "den": 1, "ripple": True}),
        ({"type": "volume", "clipId": "c", "volume": 0.5}, {"op": "clip.set", "clip": "c", "gainDb": -6.0206}),
        ({"type": "mute", "clipId": "c"}, {"op": "clip.set", "clip": "c", "gainDb": -120.0}),
        ({"type": "fadeIn", "clipId": "c", "duration": 1}, {"op": "clip.set", "clip": "c", "fadeIn": 25}),
        ({"type": "opacity", "clipId": "c", "value": "0.25"}, {"op": "clip.set", "clip": "c", "opacity": 0.25}),
        ({"op": "clip.set", "clip": "c", "flipH": True}, {"op": "clip.set", "clip": "c", "flipH": True}),
        ({"type": "addMarker", "at": 2, "label": "here", "id": "m"},
         {"op": "marker.add", "marker": "m", "at": 50, "label": "here"}),
        ({"op": "project.configure", "name": "a\nb\u202ec"}, {"op": "project.configure", "name": "a b c"}),
        ({"type": "resize", "width": 640, "height": 360}, {"op": "project.configure", "width": 640, "height": 360}),
    ],
)  # fmt: skip
def test_an_op_that_is_known_becomes_ours(legacy: dict[str, Any], ours: dict[str, Any]) -> None:
    ops, _ = after(ADD, legacy)
    assert ops[2:] == [ours]


@pytest.mark.parametrize(
    ("legacy", "why"),
    [
        ({"type": "applyMagic"}, "no kind of edit"), ({}, "does not say what it is"), ("text", "no object"),
        ({"type": "trim", "clipId": "nobody", "start": 1}, "there is no clip nobody"),
        ({"type": "trim", "clipId": "c"}, "neither where the clip begins"),
        ({"type": "trim", "clipId": "c", "end": 900}, "does not apply"),
        ({"type": "trim", "clipId": "c", "start": "soon"}, "no number"),
        ({"type": "addClip", "videoId": 12, "start": 0, "end": 1}, "video '12' is not there"),
        ({"type": "addClip", "videoId": 11}, "where the clip ends"),
        ({"type": "speed", "clipId": "c", "rate": -1}, "is none"),
        ({"type": "opacity", "clipId": "c", "opacity": 7}, "opacity"),
        ({"op": "history.revert", "toVersion": 1}, "goes back"),
        ({"op": "clip.nonsense", "clip": "c"}, "clip.nonsense"),
        ({"type": "split", "clipId": "c", "at": 1e300}, "no time of a film"),
    ],
)  # fmt: skip
def test_an_op_that_is_not_sure_is_none(legacy: Any, why: str) -> None:
    with pytest.raises(UntranslatableError, match=why):
        after(ADD, legacy)


def test_a_clip_whose_start_is_trimmed_keeps_its_place() -> None:
    ops, sequence = after(ADD, {"type": "trim", "clipId": "c", "start": 2, "end": 4})
    assert ops[2] == {"op": "clip.trim", "clip": "c", "in": 50, "out": 100}
    assert [(placed.at, placed.piece.frames) for placed in sequence.clips()] == [(0, 50)]


def test_an_op_that_names_no_clip_means_the_only_one() -> None:
    assert after(ADD, {"type": "reverse"})[0][-1]["clip"] == "c"
    with pytest.raises(UntranslatableError, match="there are 2"):
        after(ADD, ADD | {"clipId": "d"}, {"type": "reverse"})


OPS = st.sampled_from(
    [
        ADD, {"type": "trim", "clipId": "c", "end": 4}, {"type": "split", "clipId": "c", "at": 1}, {"type": "delete"},
        {"type": "title", "text": "x", "start": 3, "duration": 1}, {"type": "applyMagic"}, {"type": "mute"}, 7,
    ]
)  # fmt: skip
VERSIONS = st.lists(st.lists(OPS, max_size=3), max_size=8)


def imported(versions: list[list[Any]], pages: list[int]) -> tuple[ProjectState | None, list[Any]]:
    """The state after an import in pages of those sizes, each sent twice, and the versions' events."""
    rows = tuple(LegacyVersion(number, ops=tuple(ops)) for number, ops in enumerate(versions, 1))
    state: ProjectState | None = None
    events: list[Any] = []
    start = 0
    for size in [*pages, len(rows) + 1]:
        page, start = rows[start : start + size], start + size
        command = ImportVersions("b_1", "legacy", "7", "Seven", EMPTY.canvas, None, page, VIDEOS, KNOWN, lambda m: m)
        for _ in range(2):
            for event in decide_import(state, command):
                state = evolve(state, event, "default")
                events.append(event)
    return state, [event for event in events if isinstance(event, VersionCommitted)]


@given(VERSIONS, st.lists(st.integers(1, 4), max_size=4))
@settings(max_examples=examples(150))
def test_pages_of_any_size_and_sent_twice_lead_to_the_same_project(versions: list[list[Any]], pages: list[int]) -> None:
    state, events = imported(versions, pages)
    whole, expected = imported(versions, [])
    assert state == whole and events == expected
    assert state is not None and state.version == len(versions)
    assert [event.version for event in events] == list(range(1, len(versions) + 1))


@given(VERSIONS)
@settings(max_examples=examples(150))
def test_from_the_first_that_is_not_understood_ops_are_kept_as_they_were(versions: list[list[Any]]) -> None:
    state, events = imported(versions, [])
    assert state is not None and state.imported is not None
    first = state.imported.kept_from
    for event, ops in zip(events, versions, strict=True):
        came = event.imported
        if first is not None and event.version >= first and ops:
            assert came.why is not None and not came.live and not event.ops
            assert came.legacy == tuple(op if isinstance(op, dict) else {"value": op} for op in ops)
        elif came.live:  # looks and sounds only, on which nothing depends
            assert came.why is not None and all(op in ops and op["type"] in ("mute", "title") for op in came.legacy)
        else:
            assert came.why is None and not came.legacy
    if first is not None:
        before = events[first - 2].duration if first > 1 else 0
        assert state.sequence.duration == before


def test_what_was_taken_back_can_begin_again_and_nobody_else_can_be_imported_over() -> None:
    state, _ = imported([[ADD]], [])
    assert state is not None
    (undone,) = decide_import(state, UndoImport("b_1", "legacy"))
    gone = evolve(state, undone, "default")
    assert gone.undone and gone.deleted
    again = ImportVersions(
        "b_2", "legacy", "7", "Seven", EMPTY.canvas, None, (LegacyVersion(1, ops=(ADD,)),), VIDEOS, KNOWN, lambda m: m
    )
    for event in decide_import(gone, again):
        gone = evolve(gone, event, "default")
    assert gone.sequence == state.sequence and gone.version == 1
    with pytest.raises(NotImportedError):
        decide_import(gone, UndoImport("b_1", "elsewhere"))
