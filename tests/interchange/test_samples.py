"""Files that this project did not write, from the sample data of OpenTimelineIO and its adapters."""

from __future__ import annotations

import lzma
import re
from pathlib import Path
from typing import Any

import aaf2
import pytest
from aaf2 import components, mobs

from cutlog.contract.time import Fps
from cutlog.contract.timeline import FreezeSource, MediaSource, Speed
from tests.interchange.conftest import SAMPLES, Bring

slow = pytest.mark.slow(reason="one more file of another program")


@pytest.mark.few(1, reason="one more file of another program")
@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir() if path.suffix != ".md"))
async def test_every_sample_is_imported_and_what_is_lost_is_told(bring: Bring, name: str) -> None:
    brought = await bring(name, Fps(25, 1) if name == "25fps.edl" else Fps(24, 1))
    for loss in brought.losses:
        assert loss.count > 0 and loss.where and len(loss.detail.split()) > 2
    for clips in brought.lanes().values():
        ends = [at + frames for _, at, frames, _ in clips]
        assert all(end <= at for end, (_, at, _, _) in zip(ends, clips[1:], strict=False)), "clips never overlap"


STATED = {
    ".edl": re.compile(r"(?m)^\d+\s+.*?((?:\d\d[:;]){3}\d\d)\s+(?!\1)(?:\d\d[:;]){3}\d\d\s*$"),
    ".xml": re.compile(r"<(?:clipitem|generatoritem)\b"),
    ".fcpxml": re.compile(r"(?s)<asset-clip [^>]*(?=.*</spine>)|<(?:title|ref-clip|mc-clip) "),
    ".kdenlive": re.compile(r"<entry "),
    ".otio": re.compile(r'"OTIO_SCHEMA"\s*:\s*"Clip\.\d"'),
}
"""What is a clip in a file, or the place of one."""
#: Its bin holds each sequence once more.
REPEATED = {"sequences.kdenlive"}
COUNTED = sorted(path.name for path in SAMPLES.iterdir() if path.suffix in STATED and path.name not in REPEATED)
TOLD = {"clip", "generator", "channel", "object", "event", "nesting"}


@pytest.mark.few(1, reason="one more file of another program")
@pytest.mark.parametrize("name", COUNTED)
async def test_each_clip_of_a_sample_is_on_the_timeline_or_told_to_be_lost(bring: Bring, name: str) -> None:
    path = SAMPLES / name
    # What is in the bin of Kdenlive is not on its timeline.
    text = re.sub(r'(?s)<playlist id="main_bin">.*?</playlist>', "", path.read_text())
    brought = await bring(name, Fps(25, 1) if name == "25fps.edl" else Fps(24, 1))
    lost = sum(loss.count for loss in brought.losses if loss.what in TOLD)
    # A clip of sound with its pictures is one clip here.
    own = [
        clip
        for clip in brought.sequence.clips()
        if isinstance(clip.piece.source, MediaSource) and not clip.piece.silent
    ]
    joined = len(own) if path.suffix in (".kdenlive", ".xml") else 0
    assert brought.sequence.clip_count + joined + lost >= len(STATED[path.suffix].findall(text))
    speeds = re.findall(r"(?m)^M2 ", path.read_text()) if path.suffix == ".edl" else []
    moving = [
        clip for clip in brought.sequence.clips() if clip.piece.speed or isinstance(clip.piece.source, FreezeSource)
    ]
    assert len(moving) == len(speeds) or path.suffix != ".edl"


def sources(segment: Any) -> int:
    """Clips in a part of an AAF, as pyaaf2 has them: with those of nested compositions."""
    match segment:
        case components.Sequence():
            return sum(map(sources, segment.components))
        case components.OperationGroup():
            return sum(map(sources, segment.segments))
        case components.NestedScope():
            return sum(map(sources, segment.slots))
        case components.Selector():
            return sources(segment["Selected"].value)
        case components.SourceClip() if isinstance(segment.mob, mobs.CompositionMob):
            return sum(sources(slot.segment) for slot in segment.mob.slots)
        case components.SourceClip():
            return int(segment.mob is not None)
        case _:
            return 0


@pytest.mark.few(1, reason="one more file of another program")
@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.aaf.xz")))
async def test_each_clip_of_an_avid_sample_is_on_the_timeline_or_told_to_be_lost(
    bring: Bring, name: str, tmp_path: Path
) -> None:
    file = tmp_path / "sample.aaf"
    file.write_bytes(lzma.decompress((SAMPLES / name).read_bytes()))
    with aaf2.open(str(file)) as opened:
        first = next(iter(opened.content.toplevel()))
        there = sum(sources(slot.segment) for slot in first.slots)
    brought = await bring(name)
    lost = sum(loss.count for loss in brought.losses if loss.what in TOLD)
    own = [c for c in brought.sequence.clips() if isinstance(c.piece.source, MediaSource) and not c.piece.silent]
    assert there > 0 and brought.sequence.clip_count + len(own) + lost >= there


@slow
async def test_the_gaps_and_timecodes_of_an_edl(bring: Bring) -> None:
    brought = await bring("gap_test.edl")
    assert brought.lanes() == {"v1": [("shot1", 0, 24, 14400), ("shot2", 40, 24, 1987200), ("shot3", 102, 24, 864000)]}
    assert brought.lost() == set()


@slow
async def test_an_edl_dissolve_is_rolled_into_the_middle_of_its_cut(bring: Bring) -> None:
    brought = await bring("dissolve_test.edl")
    # In the EDL, clip A ends at frame 9, where 10 frames of dissolve into clip B begin.
    assert brought.lanes()["v1"][:2] == [("clip-a", 0, 14, 86501), ("clip-b", 14, 5, 86605)]
    joint = brought.sequence.clip("clip-a").placed.piece.tail
    assert joint is not None and (joint.kind, joint.frames, joint.right) == ("dissolve", 10, "clip-b")


async def test_a_wipe_is_a_wipe_and_its_direction_is_told_as_lost(bring: Bring) -> None:
    brought = await bring("wipe_test.edl")
    joint = brought.sequence.clip("clip-a").placed.piece.tail
    assert joint is not None and joint.kind == "wipe-left"
    assert "transition-kind" in brought.lost()


async def test_speeds_and_frozen_frames_of_an_edl(bring: Bring) -> None:
    sequence = (await bring("speed_effects_small.edl")).sequence
    pieces = {placed.piece.id: placed.piece for placed in sequence.clips()}
    assert pieces["z686-5a-lay2-47-56-fps"].speed == Speed(num=119, den=60)  # 47.6 frames per second in 24
    assert isinstance(pieces["z682-156-lay3"].source, FreezeSource)


@slow
async def test_both_channels_of_a_sound_are_one_clip(bring: Bring) -> None:
    brought = await bring("multi_audio.edl")
    assert brought.lanes() == {"a1": [("ax", 0, 81982, 0)]}
    assert brought.lost() == {"channel"}


@slow
async def test_tracks_stack_from_the_bottom(bring: Bring) -> None:
    brought = await bring("multitrack.otio")
    assert [(track, len(clips)) for track, clips in brought.lanes().items()] == [("v1", 3), ("v2", 1), ("v3", 1)]
    assert brought.lanes()["v2"] == [("t-hawk-loop-hd-mp4", 482, 480, 0)]


async def test_nested_compositions_are_laid_out_flat_and_told(bring: Bring) -> None:
    brought = await bring("nested_example.otio")
    assert brought.lanes()["v1"] == [
        ("normal-clip-1", 0, 238, 135),
        ("clip-inside-a-stack-1", 238, 31, 373),
        ("normal-clip-2", 269, 33, 101),
        ("clip-inside-a-stack-2", 302, 24, 429),
        ("normal-clip-3", 331, 63, 179),
        ("clip-inside-a-track", 394, 1, 471),
        *brought.lanes()["v1"][6:],
    ]
    assert {"nesting", "effect"} <= brought.lost()


@slow
async def test_a_generator_that_is_not_known_is_a_gap_and_told(bring: Bring) -> None:
    brought = await bring("generator_reference_test.otio")
    assert brought.lanes() == {"v1": []} and brought.lost() == {"generator"}


async def test_a_final_cut_x_project_of_another_program(bring: Bring) -> None:
    brought = await bring("fcpx_project.fcpxml")
    assert (brought.sequence.canvas.fps, brought.sequence.duration) == (Fps(30, 1), 4_500)
    places = {track: [clip[1:3] for clip in clips] for track, clips in brought.lanes().items()}
    # The primary storyline, a clip connected above it, and detached sound below it.
    assert places["v4"] == [(0, 300), (2400, 191), (3300, 300), (3600, 300), (3900, 300), (4200, 243)]
    assert places["v8"] == [(1937, 300)]
    assert places["a9"] == [(0, 300), (629, 300), (1200, 300), (3450, 150), (3600, 300)]
    silent = {placed.piece.id for placed in brought.sequence.clips() if placed.piece.silent}
    assert {"img-0715", "img-0513"} <= silent and "img-0268-4" not in silent
    fade = brought.sequence.clip("img-0268-4").placed.piece.tail
    assert fade is not None and (fade.kind, fade.frames) == ("dissolve", 30)


async def test_a_kdenlive_project_of_another_program(bring: Bring) -> None:
    brought = await bring("kdenlive_example_v240770.kdenlive")
    assert (brought.sequence.canvas.fps, brought.sequence.duration) == (Fps(25, 1), 862)
    places = {track: [clip[1:] for clip in clips] for track, clips in brought.lanes().items()}
    assert places["v1"] == [(0, 74, "color"), (74, 218, 166), (458, 373, 508)]
    assert places["v2"] == [(0, 74, "text"), (292, 166, 95), (551, 203, 0)]
    assert [(marker.at, marker.label) for _, marker in sorted(brought.sequence.markers.items())] == [
        (466, "Green"), (230, "Purple Marker"),
    ]  # fmt: skip


@slow
async def test_kdenlive_mixes_are_transitions_and_its_sequences_are_laid_out(bring: Bring) -> None:
    mixed = (await bring("mix-luma.kdenlive")).sequence
    assert [(placed.at, placed.piece.frames) for placed in mixed.clips()] == [(0, 74), (74, 75), (149, 76)]
    assert len(mixed.transitions) == 2
    nested = await bring("sequences.kdenlive")
    assert (nested.sequence.clip_count, nested.sequence.duration) == (3, 101)
    assert nested.lost() == {"nesting"}


async def test_the_speeds_of_an_avid_sequence(bring: Bring) -> None:
    brought = await bring("misc_speed_effects.aaf.xz")
    pieces = [placed.piece for placed in brought.sequence.clips()]
    assert [piece.frames for piece in pieces] == [8] * 9 + [16]
    assert isinstance(pieces[1].source, FreezeSource)
    assert [piece.speed and (piece.speed.num, piece.speed.den) for piece in pieces[2:6]] == [
        (2, 1),
        (1, 2),
        (3, 1),
        (3, 8),
    ]
    assert [piece.reversed for piece in pieces] == [False] * 8 + [True, False]
    # The last one has a curve, which is no speed that a clip can have here.
    assert [loss.detail for loss in brought.losses if loss.what == "speed"] == [
        "its speed changes; it plays at one speed"
    ]


@slow
async def test_avid_sequences_at_an_ntsc_rate_nested_and_with_transitions(bring: Bring) -> None:
    ntsc = await bring("2997fps.aaf.xz")
    assert ntsc.sequence.canvas.fps == Fps(30000, 1001)
    assert [clip[1:] for clip in ntsc.lanes()["v1"]] == [(0, 28, 0), (28, 84, 24)]
    nested = await bring("nesting_test.aaf.xz")
    assert [clip[1:] for clip in nested.lanes()["v1"]] == [(0, 16, 24), (16, 8, 40), (24, 8, 24), (32, 16, 32)]
    assert nested.lost() == {"nesting", "effect"}
    joined = await bring("transitions.aaf.xz")
    assert [clip[1:3] for clip in joined.lanes()["v1"]] == [(0, 93), (93, 101), (247, 144), (391, 130)]
    first = next(joined.sequence.clips()).piece
    assert first.tail is not None and (first.tail.kind, first.tail.frames) == ("dissolve", 48)
    several = await bring("multiple_top_level_mobs.aaf.xz")
    assert "object" in several.lost()


async def test_a_final_cut_sequence_of_another_program(bring: Bring) -> None:
    brought = await bring("hiero_xml_export.xml")
    assert brought.sequence.canvas.fps == Fps(24, 1)
    assert [clip[1:3] for clip in brought.lanes()["v1"]] == [(14, 1055), (1085, 239)]
