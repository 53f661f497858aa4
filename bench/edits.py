"""What an op costs at 10, 1,000 and 10,000 clips, and how fast a history folds.

Microseconds per op are the median of many, each on the same sequence. The engine alone: no log, no HTTP, one core.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

import msgspec

from bench.shape import Bench, Row
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


def run(seconds: float) -> Iterator[Row]:
    """A row for each op with its cost at each size and how that grew, and one for folding, in ops per second."""
    costs: dict[str, dict[int, float]] = {}
    folds: dict[int, float] = {}
    for size in SIZES:
        ops = list(history(size))
        start = time.perf_counter()
        sequence = apply_all(Sequence("bench", Canvas()), ops, TRUSTED)
        folds[size] = len(ops) / (time.perf_counter() - start)
        for name, op in measured(size).items():
            costs.setdefault(name, {})[size] = microseconds(partial(apply, sequence, op, SOURCES), seconds / 25)
    for name, cost in costs.items():
        row: Row = {"op": name}
        row |= {f"µs_at_{size}_clips": round(cost[size], 1) for size in SIZES}
        yield row | {"growth": round(cost[SIZES[-1]] / cost[SIZES[0]], 1)}
    yield {f"ops_folded_per_second_at_{size}_clips": round(folds[size]) for size in SIZES}


BENCH: Final = Bench("What an op costs to apply, and folding: the engine alone", run)
