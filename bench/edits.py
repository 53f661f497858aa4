"""What an op costs at 10, 1,000 and 10,000 clips, and how fast a history folds.

`python -m bench.edits` prints microseconds per op (the median of many, each on the same sequence) and, for folding,
ops per second. The engine alone: no log, no HTTP, one core.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

import msgspec

from cutlog.contract.media import MediaFacts
from cutlog.contract.ops import (
    ClipAdd,
    ClipLink,
    ClipMove,
    ClipRemove,
    ClipRoll,
    ClipSet,
    ClipSlide,
    ClipSlip,
    ClipSpeed,
    ClipSplit,
    ClipTrim,
    EffectAdd,
    Op,
    TrackAdd,
    TransitionAdd,
)
from cutlog.contract.properties import Keyframe, Keyframes
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas
from services.ops.edits.apply import apply, apply_all
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import TRUSTED, Known, Material

SIZES = (10, 1_000, 10_000)
LENGTH = 50
FACTS = MediaFacts(container="mov", duration="9000", fps=Fps(30, 1), frames=270_000, audio_codec="aac")
SOURCES = Known({"film": Material("video", FACTS)})


def clip(name: str, track: str, at: int) -> ClipAdd:
    return ClipAdd(clip=name, track=track, at=at, media="film", start=1_000, end=1_000 + LENGTH)


def history(clips: int) -> Iterator[Op]:
    """A film of so many clips, half on each of two tracks; every tenth pair is linked, every tenth cut dissolves."""
    yield TrackAdd(track="v1", kind="video")
    yield TrackAdd(track="v2", kind="video")
    for number in range(clips // 2):
        yield clip(f"a{number}", "v1", number * LENGTH)
        yield clip(f"b{number}", "v2", number * LENGTH)
        if number % 10 == 1:
            yield ClipLink(clips=(f"a{number}", f"b{number}"))
            yield TransitionAdd(
                transition=f"t{number}", left=f"b{number - 1}", right=f"b{number}", kind="dissolve", frames=10
            )


def measured(clips: int) -> dict[str, Op]:
    """One op of each kind, in the middle of the film."""
    middle = clips // 4
    middle -= middle % 10 - 2
    here, after, linked = f"a{middle}", f"a{middle + 1}", f"a{middle - 1}"
    at = middle * LENGTH
    ramp = Keyframes(keyframes=(Keyframe(frame=0, value=0), Keyframe(frame=20, value=1, easing="ease-in-out")))
    return {
        "clip.add place": clip("new", "v1", clips * LENGTH),
        "clip.add insert": msgspec.structs.replace(clip("new", "v1", at + 9), mode="insert"),
        "clip.add overwrite": msgspec.structs.replace(clip("new", "v1", at + 9), mode="overwrite"),
        "clip.set": ClipSet(clip=here, gain_db=-6),
        "clip.set keyframes": ClipSet(clip=here, opacity=ramp),
        "clip.move": ClipMove(clip=here, at=clips * LENGTH),
        "clip.move linked": ClipMove(clip=linked, at=clips * LENGTH),
        "clip.trim": ClipTrim(clip=here, end=1_040),
        "clip.trim ripple": ClipTrim(clip=here, end=1_040, ripple=True),
        "clip.trim ripple all": ClipTrim(clip=here, end=1_060, ripple="all"),
        "clip.split": ClipSplit(clip=here, at=at + 7, new="new"),
        "clip.slip": ClipSlip(clip=here, by=5),
        "clip.slide": ClipSlide(clip=here, by=5),
        "clip.roll": ClipRoll(left=here, right=after, by=5),
        "clip.speed ripple": ClipSpeed(clip=here, num=3, den=2, ripple=True),
        "clip.remove ripple all": ClipRemove(clip=linked, ripple="all"),
        "effect.add": EffectAdd(clip=here, effect="new", kind="blur"),
        "transition.add": TransitionAdd(transition="new", left=here, right=after, kind="dissolve", frames=10),
    }


def microseconds(work: Callable[[], object], seconds: float) -> float:
    """The median time of a call."""
    times: list[int] = []
    until = time.perf_counter() + seconds
    while not times or time.perf_counter() < until:
        start = time.perf_counter_ns()
        work()
        times.append(time.perf_counter_ns() - start)
    return statistics.median(times) / 1_000


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=0.2, help="for each figure")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args(arguments)
    costs: dict[str, dict[int, float]] = {}
    folds: dict[int, float] = {}
    for size in SIZES:
        ops = list(history(size))
        start = time.perf_counter()
        sequence = apply_all(Sequence("bench", Canvas()), ops, TRUSTED)
        folds[size] = len(ops) / (time.perf_counter() - start)
        for name, op in measured(size).items():
            cost = microseconds(partial(apply, sequence, op, SOURCES), options.seconds)
            costs.setdefault(name, {})[size] = cost
    if options.json:
        print(json.dumps({"microseconds": costs, "foldedPerSecond": folds}))
        return
    print(f"{'µs per op, at clips':26}" + "".join(f"{size:>10,}" for size in SIZES))
    for name, row in costs.items():
        print(f"{name:26}" + "".join(f"{row[size]:>10.1f}" for size in SIZES))
    print(f"{'folded ops per second':26}" + "".join(f"{folds[size]:>10,.0f}" for size in SIZES))


if __name__ == "__main__":
    main(sys.argv[1:])
