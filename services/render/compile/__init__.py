"""Some segments as one run of ffmpeg. Pure, and the only module that knows ffmpeg-python.

Every filter chain counts frames, never seconds: source frames are numbered by their moment at the source's rate,
picked by number, and numbered again from 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import ffmpeg
import msgspec

from cutlog.contract.profiles import FRAGMENTED
from cutlog.contract.time import Fps
from services.render.compile.graph import COLOR, Graph
from services.render.compile.stock import Opened
from services.render.compile.titles import Drawing
from services.render.plan.geometry import Size
from services.render.plan.layers import Drawn, join
from services.render.plan.segments import Encoded

__all__ = ["OUTPUT", "Opened", "Run", "batches", "compile_run"]

OUTPUT: Final = "run.mp4"
GRAPH: Final = "graph.txt"

#: A graph that is longer goes through a file: one argument ends at 128 KiB.
_LONG: Final = 60_000

#: Threads of all filters together: those that scale have their own, and the stack of each counts as memory.
_THREADS: Final = 1200


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """Arguments of one ffmpeg process. Its folder must hold `texts` (name to content) and pictures of `drawings`.

    It reads `reads` and writes OUTPUT: the pictures of `segments`, one after the other, each from a key frame on.
    """

    args: tuple[str, ...]
    reads: tuple[Path, ...]
    texts: dict[str, str]
    drawings: dict[str, Drawing]
    segments: tuple[Encoded, ...]

    @property
    def frames(self) -> int:
        return sum(segment.frames for segment in self.segments)


def batches(segments: Iterable[Encoded], most_frames: int, most_pieces: int) -> list[tuple[Encoded, ...]]:
    """Segments in groups of one run each: at most so many frames (unless one alone has more) and separate pieces."""
    out: list[list[Encoded]] = []
    frames = pieces = 0
    for segment in segments:
        separate = len(_pieces([out[-1][-1], segment])) > 1 if out else True
        if not out or frames + segment.frames > most_frames or pieces + separate > most_pieces:
            out.append([])
            frames, pieces, separate = 0, 0, True
        out[-1].append(segment)
        frames += segment.frames
        pieces += separate
    return [tuple(batch) for batch in out]


def _pieces(segments: Sequence[Encoded]) -> list[tuple[tuple[Drawn, ...], int]]:
    """Segments that go on where the one before stops, as one piece of film: its layers and frames."""
    pieces: list[tuple[tuple[Drawn, ...], int]] = []
    for segment in segments:
        if pieces and (whole := join(*pieces[-1], segment.layers, segment.frames)) is not None:
            pieces[-1] = (whole, pieces[-1][1] + segment.frames)
        else:
            pieces.append((segment.layers, segment.frames))
    return pieces


def compile_run(
    segments: Sequence[Encoded],
    size: Size,
    fps: Fps,
    encoder: Sequence[str],
    files: Mapping[str, Opened],
    threads: int = 0,
    alpha: bool = False,
) -> Run:
    """One ffmpeg process that makes these segments. `files` has all sources by SHA-256; `threads` 0 is up to ffmpeg.
    With `alpha`, what nothing covers stays clear."""
    graph = Graph(size, fps, files, dict(clut for segment in segments for clut in segment.cluts), alpha)
    streams = [graph.piece(layers, frames) for layers, frames in _pieces(segments)]
    film = ffmpeg.concat(*streams, v=1, a=0) if len(streams) > 1 else streams[0]
    film = (
        film.filter("settb", f"{fps.den}/{fps.num}")
        .filter("setpts", "N")
        .filter("fps", f"{fps.num}/{fps.den}")
        .filter("setsar", "1")
        .filter("setparams", **COLOR)
    )
    total = sum(segment.frames for segment in segments)
    options: dict[str, Any] = dict(zip((arg.removeprefix("-") for arg in encoder[::2]), encoder[1::2], strict=True))
    options |= {
        "force_key_frames": _boundaries(segments, fps),
        "forced-idr": 1,
        "fps_mode": "passthrough",
        "frames:v": total,
        "threads": threads,
        "map_metadata": -1,
        "fflags": "+bitexact",
    }
    if options.get("f", "mp4") in ("mp4", "mov"):
        # What is whole can be read while the rest is still being encoded.
        options |= {"movflags": FRAGMENTED, "flush_packets": 1}
    args = list(
        ffmpeg.output(film, OUTPUT, **options).global_args("-copyts", "-filter_complex_threads", "1").get_args()
    )
    texts = {}
    where = args.index("-filter_complex")
    if len(args[where + 1]) > _LONG:
        texts[GRAPH] = args[where + 1]
        args[where : where + 2] = ["-/filter_complex", GRAPH]
    return Run(
        args=tuple(args),
        reads=tuple(sorted({file.path for file in graph.used})),
        texts=texts,
        drawings=graph.drawings,
        segments=tuple(segments),
    )


def _boundaries(segments: Sequence[Encoded], fps: Fps) -> str:
    """Moments for -force_key_frames, in seconds, each half a frame early: rounding can't miss the frame."""
    at, moments = 0, []
    for segment in segments:
        moments.append("0" if at == 0 else f"{float(Fraction(2 * at - 1, 2) / fps.fraction):.6f}")
        at += segment.frames
    return ",".join(moments)
