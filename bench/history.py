"""What a version costs to decide, what a project weighs in memory, and how fast a history folds from its facts."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Iterator
from functools import partial
from typing import Final

import msgspec

from bench.edits import SIZES, history, microseconds
from bench.shape import Bench, Plot, Row
from cutlog.contract.envelope import decode, encode
from cutlog.contract.events import ProjectCreated, VersionCommitted
from cutlog.contract.ops import ClipSet, Op
from cutlog.contract.timeline import Canvas
from services.ops.decide.commands import CommitOps
from services.ops.decide.project import decide_with_past
from services.ops.decide.project_state import ProjectState, evolve
from services.ops.edits.apply import apply_all
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import TRUSTED
from services.ops.project import snapshot

FOLDED: Final = 2_000
TENANT: Final = "default"


def state(clips: int) -> ProjectState:
    """A project of so many clips."""
    return ProjectState(TENANT, apply_all(Sequence("bench", Canvas()), list(history(clips)), TRUSTED))


def committing(op: Op) -> CommitOps:
    return CommitOps((op,), (msgspec.to_builtins(op),), TRUSTED, lambda _: "ab" * 32)


def commit(project: ProjectState, command: CommitOps) -> ProjectState:
    """All that a version costs apart from HTTP and the database."""
    (event,), past = decide_with_past(project, command)
    encode(event)
    return evolve(project, event, TENANT, past)


def folded(payloads: list[bytes]) -> ProjectState | None:
    """A fold from stored facts, as the log gives them."""
    project = evolve(None, ProjectCreated(name="bench", canvas=Canvas()), TENANT)
    for payload in payloads:
        event = decode("VersionCommitted", payload)
        assert isinstance(event, VersionCommitted)
        project = evolve(project, event, TENANT)
    return project


def facts(count: int) -> list[bytes]:
    """As many versions of one op each."""
    ops = list(history(count * 2))[:count]
    return [
        encode(VersionCommitted(version=n, ops=(msgspec.to_builtins(op),), duration=n, digest="ab" * 32))
        for n, op in enumerate(ops, 1)
    ]


def weight(clips: int) -> int:
    """Bytes of a cached project, by Python's own count, as its snapshot makes it."""
    data = snapshot.dump(state(clips))
    gc.collect()
    tracemalloc.start()
    kept = snapshot.load(data)
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept.sequence.clip_count
    return size


def run(seconds: float) -> Iterator[Row]:
    """A row for each number of clips."""
    payloads = facts(FOLDED)
    start = time.perf_counter()
    folded(payloads)
    rate = len(payloads) / (time.perf_counter() - start)
    for clips in SIZES:
        project = state(clips)
        command = committing(ClipSet(clip=f"a{clips // 4}", gain_db=-6))
        commit(project, command)
        yield {
            "clips": clips,
            "microseconds_per_version": round(microseconds(partial(commit, project, command), seconds / 4)),
            "bytes_in_memory": weight(clips),
            "versions_folded_per_second": round(rate),
        }


BENCH: Final = Bench(
    "What a version costs to decide, a project in memory, and folding",
    run,
    plots=(Plot("Microseconds per version, by clips", "clips", ("microseconds_per_version",)),),
)
