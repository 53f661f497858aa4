"""Ops that make short films and long ones."""

from __future__ import annotations

from typing import Any

import msgspec

from cutlog.contract.ops import Op
from cutlog.contract.timeline import Canvas
from services.ops.edits.apply import apply_all
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Known, Sources

Json = dict[str, Any]
FILM: list[Json] = [
    {"op": "track.add", "track": "v", "kind": "video"},
    {"op": "clip.add", "clip": "c0", "track": "v", "at": 0, "color": "#336699", "frames": 9000},
]


def animated(clip: str, keyframes: int) -> Json:
    frames = [{"frame": frame, "value": 0.5} for frame in range(keyframes)]
    return {"op": "clip.set", "clip": clip, "opacity": {"keyframes": frames}}


def splits(count: int) -> list[Json]:
    """Ops that cut a clip in two, then its right part, and so on."""
    return [{"op": "clip.split", "clip": f"c{n}", "at": n + 1, "new": f"c{n + 1}"} for n in range(count)]


def edited(sequence: Sequence, ops: list[Json], sources: Sources) -> Sequence:
    return apply_all(sequence, msgspec.convert(ops, tuple[Op, ...]), sources)


def begun(keyframes: int = 1000) -> Sequence:
    return edited(Sequence("Film", Canvas()), [*FILM, animated("c0", keyframes)], Known({}))
