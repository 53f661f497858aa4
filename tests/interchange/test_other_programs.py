"""Files of ours that another program has changed, and files that know nothing of us."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cutlog.contract import ops as o
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas, Timeline
from services.ops.edits.apply import apply_all
from services.ops.edits.sequence import Sequence
from services.ops.interchange.conform import project_rate, rate, speed
from services.ops.interchange.export import export
from tests.interchange.conftest import imported
from tests.interchange.histories import FILES, LIBRARY, MEDIA, timeline_of

OPS: tuple[o.Op, ...] = (
    o.TrackAdd(track="v1", kind="video"),
    o.ClipAdd(clip="a", track="v1", at=0, media="film", start=40, end=60),
    o.ClipAdd(clip="b", track="v1", at=20, media="film", start=100, end=130),
    o.ClipSet(clip="a", opacity=0.5),
    o.ClipSpeed(clip="b", num=3, den=1),
)


def document(*more: o.Op) -> dict[str, Any]:
    timeline: Timeline = timeline_of(apply_all(Sequence("p", Canvas()), (*OPS, *more), MEDIA))
    found = msgspec.json.decode(msgspec.json.encode(export(timeline, "film", FILES)))
    assert isinstance(found, dict)
    return found


def clips(found: dict[str, Any]) -> list[dict[str, Any]]:
    children = found["tracks"]["children"][0]["children"]
    return [child for child in children if child["OTIO_SCHEMA"] == "Clip.2"]


def forget(value: Any) -> Any:
    """The same document without anything of ours in it."""
    if isinstance(value, dict):
        return {key: forget(item) for key, item in value.items() if key != "cutlog"}
    return [forget(item) for item in value] if isinstance(value, list) else value


def test_what_another_program_changed_wins_and_the_looks_stay() -> None:
    found = document()
    clips(found)[0]["source_range"]["duration"]["value"] = 12.0
    brought = imported(found, LIBRARY)
    assert brought.lanes()["v1"] == [("a", 0, 12, 40), ("b", 12, 10, 100)]
    assert brought.sequence.clip("a").placed.piece.opacity == 0.5
    assert [(loss.what, loss.where) for loss in brought.losses] == [("changed", "a")]


def test_a_track_that_another_program_turned_off_is_hidden() -> None:
    found = document()
    found["tracks"]["children"][0]["enabled"] = False
    brought = imported(found, LIBRARY)
    assert brought.sequence.tracks[0].hidden and brought.losses == ()


def test_a_clip_that_another_program_moved_keeps_all_the_rest() -> None:
    found = document()
    children = found["tracks"]["children"][0]["children"]
    children.reverse()
    brought = imported(found, LIBRARY)
    assert brought.lanes()["v1"] == [("b", 0, 10, 100), ("a", 10, 20, 40)] and brought.losses == ()


def test_without_our_metadata_media_are_found_by_name_and_speeds_by_their_effects() -> None:
    brought = imported(forget(document()), LIBRARY)
    assert brought.lanes() == {"v1": [("film-mov", 0, 20, 40), ("film-mov-2", 20, 10, 100)]}
    piece = brought.sequence.clip("film-mov-2").placed.piece
    assert piece.speed is not None and (piece.speed.num, piece.speed.den) == (3, 1)
    assert brought.lost() == set()


def test_damaged_metadata_count_as_none() -> None:
    found = document()
    clips(found)[0]["metadata"]["cutlog"]["document"] = '{"id": "a", "at": -'
    clips(found)[1]["metadata"]["cutlog"] = [1, 2]
    assert imported(found, LIBRARY).lanes()["v1"] == [("film-mov", 0, 20, 40), ("film-mov-2", 20, 10, 100)]


def test_metadata_that_lie_are_stopped_by_the_engine_and_told() -> None:
    found = document()
    told = clips(found)[0]["metadata"]["cutlog"]
    told["document"] = told["document"].replace('"opacity":0.5', '"opacity":50.0')
    brought = imported(found, LIBRARY)
    assert brought.lanes()["v1"] == [("b", 20, 10, 100)]
    assert [(loss.what, loss.where) for loss in brought.losses] == [("clip", "a")]


def test_times_at_another_rate_are_conformed_without_drift() -> None:
    found = forget(document())
    found["global_start_time"]["rate"] = 24.0
    child = clips(found)[0]
    # 1,000 clips of one third of a frame less than a frame of 24: gaps or overlaps would add up to 333 frames.
    child["effects"] = []
    child["source_range"]["duration"] = {"OTIO_SCHEMA": "RationalTime.1", "value": 5.0, "rate": 60.0}
    found["tracks"]["children"][0]["children"] = [child] * 1_000
    brought = imported(found, LIBRARY)
    track = brought.sequence.tracks[0].lane
    assert brought.sequence.canvas.fps == Fps(24, 1) and len(track) == 1_000
    assert {placed.piece.frames for placed in track} == {2}
    assert track.end == 2_000


@pytest.mark.parametrize(
    ("told", "meant"),
    [(23.976, (24000, 1001)), (23.98, (24000, 1001)), (29.97, (30000, 1001)), (59.94, (60000, 1001)), (25.0, (25, 1)),
     (24.0000001, (24, 1)), (12.5, (25, 2)), (30000 / 1001, (30000, 1001)), (119.88, (120000, 1001))],
)  # fmt: skip
def test_rates_are_taken_for_what_they_mean(told: float, meant: tuple[int, int]) -> None:
    assert (rate(told).numerator, rate(told).denominator) == meant


def test_the_commonest_rate_is_the_projects_and_of_two_the_higher() -> None:
    assert project_rate([24.0, 30.0, 24.0]) == Fps(24, 1)
    assert project_rate([24.0, 30.0]) == Fps(30, 1)
    assert project_rate([0.5, 1000.0]) is None


@pytest.mark.parametrize(("told", "num", "den"), [(0.333333, 1, 3), (0.5, 1, 2), (-2.0, -2, 1), (1.1, 11, 10)])
def test_speeds_are_fractions_of_small_numbers(told: float, num: int, den: int) -> None:
    assert (speed(told).numerator, speed(told).denominator) == (num, den)
