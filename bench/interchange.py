"""Timelines to and from files of other editors, beside OpenTimelineIO's adapters for the same formats.

Ours writes a file, reads it again and tells what is lost; or reads it and makes ops of it. The peer makes a file of
OpenTimelineIO's objects, or these of a file, and no more. Processor time of one process without the sandbox.
"""

from __future__ import annotations

import contextlib
import gc
import io
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import opentimelineio
from otio_aaf_adapter.adapters import advanced_authoring_format

from bench.shape import Bench, Row, Target, skipped
from cutlog.contract.timeline import Timeline
from services.ops.interchange.readers import aaf, cmx3600, fcp7, fcpxml, kdenlive
from services.ops.interchange.writing import Format, otio, read_again, unread
from tests.interchange.conftest import imported
from tests.interchange.histories import FILES, LIBRARY
from tests.interchange.large import FPS, avid, cuts

BESIDE: Final = 1_000
"""Clips of the timeline that both handle: of more, an adapter takes minutes."""
MANY: Final = 4_000
PEERS: Final[dict[Format, tuple[str, str]]] = {
    "edl": ("otio-cmx3600-adapter", "cmx_3600"),
    "fcp7xml": ("otio-fcp-adapter", "fcp_xml"),
    "fcpxml": ("otio-fcpx-xml-adapter", "fcpx_xml"),
    "kdenlive": ("otio-kdenlive-adapter", "kdenlive"),
    "otio": ("opentimelineio", "otio_json"),
}
READERS: Final[dict[Format, Callable[[bytes], Any]]] = {
    "edl": lambda content: cmx3600.read(content.decode(), FPS.fraction),
    "fcp7xml": fcp7.read,
    "fcpxml": fcpxml.read,
    "kdenlive": kdenlive.read,
    "otio": msgspec.json.decode,
}


def run(_: float) -> Iterator[Row]:
    """A row for each format and direction."""
    few, many = cuts(BESIDE), cuts(MANY)
    for kind in PEERS:
        yield from _format(kind, few, many)
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small.aaf"), Path(folder, "large.aaf")
        avid(BESIDE, small)
        avid(MANY, large)
        # Ours changes the adapter, so the peer is measured first.
        theirs = _seconds(lambda: advanced_authoring_format.read_from_file(str(small)))
        yield _row(
            "aaf", "in", "otio-aaf-adapter", _seconds(lambda: _avid(small)), theirs, _seconds(lambda: _avid(large))
        )


def _format(kind: Format, few: Timeline, many: Timeline) -> Iterator[Row]:
    name, adapter = PEERS[kind]
    plugin = opentimelineio.adapters
    rate = {"rate": float(FPS.fraction)} if kind == "edl" else {}
    objects = plugin.read_from_string(otio(few, "Film", FILES).decode(), "otio_json")
    for way, ours, theirs in (
        ("out", _out, lambda _: plugin.write_to_string(objects, adapter, **rate)),
        ("in", _in, lambda content: plugin.read_from_string(content.decode(), adapter, **rate)),
    ):
        content = unread(few, "Film", FILES, kind).content
        mine, most = ours(few, kind), ours(many, kind)
        try:
            # One of them tells what it does not do, clip by clip.
            with contextlib.redirect_stdout(io.StringIO()):
                peer = _seconds(partial(theirs, content))
            yield _row(kind, way, name, mine, peer, most)
        except Exception as error:  # an adapter may raise anything
            yield skipped(f"{name} does not: {type(error).__name__}: {error}"[:200], format=kind, way=way)
            yield {"format": kind, "way": way, f"seconds_at_{MANY}_clips": round(most, 2)}


def _row(kind: str, way: str, peer: str, ours: float, theirs: float, many: float) -> Row:
    return {
        "format": kind, "way": way, "peer": peer, f"seconds_at_{BESIDE}_clips": round(ours, 2),
        "peer_seconds": round(theirs, 2), "ratio": round(theirs / ours, 1), f"seconds_at_{MANY}_clips": round(many, 2),
    }  # fmt: skip


def _out(timeline: Timeline, kind: Format) -> float:
    def write() -> None:
        made = unread(timeline, "Film", FILES, kind)
        if kind != "otio":
            read_again(timeline, FILES, made, READERS[kind](made.content))

    return _seconds(write)


def _in(timeline: Timeline, kind: Format) -> float:
    content = unread(timeline, "Film", FILES, kind).content
    return _seconds(lambda: imported(READERS[kind](content), LIBRARY))


def _avid(path: Path) -> None:
    found = aaf.read(advanced_authoring_format, str(path))
    imported(msgspec.json.decode(opentimelineio.core.serialize_json_to_string(found, indent=-1)))


def _seconds(act: Callable[[], Any]) -> float:
    # What is alive from before is no part of it.
    gc.collect()
    gc.disable()  # as in the process that reads a file
    try:
        before = time.process_time()
        act()
        return time.process_time() - before
    finally:
        gc.enable()


BENCH: Final = Bench(
    "Timelines to and from files of other editors",
    run,
    (
        Target("X1", "4,000 clips out or in, any format", column=f"seconds_at_{MANY}_clips", at_most=2.0),
        Target(
            "X2",
            "an EDL of 1,000 clips out",
            "otio-cmx3600-adapter",
            at_least=1.0,
            where={"format": "edl", "way": "out"},
        ),
    ),
)
