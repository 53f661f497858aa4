"""What a file costs grows with its clips and no faster, in both directions; thousands of clips come through."""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from cutlog.contract.timeline import Timeline
from cutlog.ffmpeg.scripts import package
from services.ops.interchange import convert
from services.ops.interchange.converter import _PACKAGES, Converter, ReadFormat
from services.ops.interchange.writing import Format, read_again, unread, written
from tests.interchange.conftest import imported
from tests.interchange.histories import FILES, LIBRARY
from tests.interchange.large import FPS, avid, cuts

T = TypeVar("T")

FORMATS: list[Format] = ["otio", "edl", "fcp7xml", "fcpxml", "kdenlive"]
FEW = 60
ROUNDS = (FEW, FEW, 2 * FEW, 4 * FEW)
DEAREST = 3_000
"""Calls of functions for a clip, each way: a fifth of a microsecond each, or 4,000 clips in 2 s."""
THOUSANDS = 4_000

COUNTING = """
import runpy, sys
calls = 0
def called(frame, event, argument):
    global calls
    calls += event in ("call", "c_call")
main = runpy.run_path(sys.argv[1])["main"]
out, sys.stdout = sys.stdout, sys.stderr
sys.setprofile(called)
verdict, _, document = main(*sys.argv[2:]).partition("\\n")
sys.setprofile(None)
out.buffer.write(f"{verdict} {calls}\\n{document}".encode())
"""
"""The script of the sandbox, with the functions counted that it calls."""


def counted(act: Callable[[], T]) -> tuple[T, int]:
    """What comes of it, and how many functions were called."""
    calls = 0

    def called(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(called)
    try:
        found = act()
    finally:
        sys.setprofile(None)
    return found, calls


def parsed(kind: ReadFormat, path: Path) -> tuple[Any, int]:
    """What the confined script makes of a file, and its calls."""
    folders = ":".join(str(package(name)) for name in _PACKAGES)
    command = [sys.executable, "-c", COUNTING, convert.__file__, folders, "read", kind, "24", str(path)]
    verdict, _, document = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.partition(b"\n")
    assert verdict.startswith(b"ok "), document
    return msgspec.json.decode(document), int(verdict[3:])


def both_ways(timeline: Timeline, kind: Format, path: Path) -> tuple[int, int]:
    """Calls to write a file, read it again and compare; and to read it and make ops of it."""
    made, writing = counted(lambda: unread(timeline, "Film", FILES, kind))
    path.write_bytes(made.content)
    back, reading = parsed(kind, path)
    found, building = counted(lambda: imported(back, LIBRARY))
    assert found.sequence.clip_count == len(timeline.tracks[0].clips)
    if kind == "otio":
        return writing, reading + building
    _, comparing = counted(lambda: read_again(timeline, FILES, made, back))
    return writing + reading + comparing, reading + building


def grows_with_the_clips(costs: Iterable[int]) -> None:
    # The first round also loads and remembers things.
    _, few, more, many = costs
    each = (many - more) / (2 * FEW)
    assert many - more < 2.2 * (more - few), f"more for each clip, the more there are: {few}, {more}, {many}"
    assert each < DEAREST, f"{each:.0f} calls for a clip"


@pytest.mark.slow(reason="reads timelines of thousands of clips")
@pytest.mark.parametrize("kind", FORMATS)
def test_twice_the_clips_are_twice_the_work_in_both_directions(kind: Format, tmp_path: Path) -> None:
    costs = [both_ways(cuts(clips), kind, tmp_path / "film") for clips in ROUNDS]
    for way in zip(*costs, strict=True):
        grows_with_the_clips(way)


@pytest.mark.slow(reason="writes and reads an AAF of many clips")
def test_twice_the_clips_of_an_avid_sequence_are_twice_the_work(tmp_path: Path) -> None:
    costs: list[int] = []
    for clips in ROUNDS:
        path = tmp_path / f"{len(costs)}.aaf"
        avid(clips, path)
        back, reading = parsed("aaf", path)
        found, building = counted(functools.partial(imported, back))
        assert found.sequence.clip_count == clips
        costs.append(reading + building)
    grows_with_the_clips(costs)


@pytest.mark.slow(reason="4,000 clips in each format")
@pytest.mark.parametrize("kind", FORMATS)
async def test_thousands_of_clips_go_out_and_come_in(converter: Converter, kind: Format) -> None:
    timeline = cuts(THOUSANDS)
    file = await written(converter, timeline, "Film", FILES, kind)
    assert {loss.what for loss in file.losses} <= {"canvas"}
    found = imported(await converter.read(kind, FPS, file.content), LIBRARY)
    there = [(clip.at, clip.frames) for clip in timeline.tracks[0].clips]
    assert [(placed.at, placed.piece.frames) for placed in found.sequence.clips()] == there
    assert len(list(found.sequence.transitions)) == THOUSANDS // 10


@pytest.mark.slow(reason="4,000 clips of an AAF")
async def test_thousands_of_clips_come_in_from_avid(converter: Converter, tmp_path: Path) -> None:
    avid(THOUSANDS, tmp_path / "film.aaf")
    found = imported(await converter.read("aaf", FPS, (tmp_path / "film.aaf").read_bytes()))
    assert found.sequence.clip_count == THOUSANDS
