"""Run as a script inside the sandbox: reads a file with PyAV and prints what probing.RawProbe says, as JSON.

Imports the standard library and PyAV only, and never touches cutlog: the sandbox does not show it.
A space comes first, as soon as all is loaded: what ends without it has not looked at the file. Nor has what ends with
UNSEEN. Usage: examine.py PYAV_FOLDER FILE quick|times PROTOCOLS DEMUXERS DECODERS
"""

from __future__ import annotations

import importlib.util
import json
import sys
from array import array
from collections import Counter
from itertools import pairwise
from typing import Any

MAX_STREAMS = 64
#: Exit code: the file is not there for us (EX_TEMPFAIL of sysexits.h).
UNSEEN = 75
#: Packets to look at before giving up on a first picture or sound.
PATIENCE = 400


def load_pyav(folder: str) -> Any:
    """Imports PyAV from its folder alone: site-packages itself is out of sight."""
    spec = importlib.util.spec_from_file_location("av", f"{folder}/__init__.py", submodule_search_locations=[folder])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["av"] = module
    spec.loader.exec_module(module)
    return module


def ratio(value: Any) -> list[int] | None:
    """A fraction as [num, den]; None if unknown or zero."""
    return None if not value else [value.numerator, value.denominator]


def first_frames(av: Any, container: Any, streams: list[Any]) -> dict[int, Any]:
    """The first decoded frame of each stream that yields one early on."""
    found: dict[int, Any] = {}
    waiting = {stream.index for stream in streams}
    if not waiting:
        return found
    for count, packet in enumerate(container.demux(*streams)):
        if count > PATIENCE * len(streams):
            break
        if packet.stream.index not in waiting:
            continue
        try:
            frames = packet.decode()
        except av.FFmpegError:
            continue
        if frames:
            found[packet.stream.index] = frames[0]
            waiting.discard(packet.stream.index)
            if not waiting:
                break
    return found


class Times:
    """Presentation times of one stream's packets."""

    def __init__(self) -> None:
        self.starts = array("q")
        self.end: int | None = None
        self.keys = 0

    def take(self, packet: Any) -> None:
        if packet.pts is None or packet.is_discard:
            return
        self.starts.append(packet.pts)
        self.keys += packet.is_keyframe
        end = packet.pts + (packet.duration or 0)
        self.end = end if self.end is None else max(self.end, end)

    def report(self) -> dict[str, Any] | None:
        if not self.starts:
            return None
        starts = sorted(self.starts)
        gaps = Counter(after - before for before, after in pairwise(starts))
        return {
            "packets": len(starts),
            "first": starts[0],
            "last": starts[-1],
            "end": self.end,
            "gaps": gaps.most_common(16),
            "shortest": min(gaps, default=0),
            "longest": max(gaps, default=0),
            "key_frames": self.keys,
        }


def all_times(av: Any, container: Any, streams: list[Any]) -> dict[int, dict[str, Any] | None]:
    """Times of every stream, from all packets up to the end, or to where the file breaks off."""
    times = {stream.index: Times() for stream in streams}
    if times:
        try:
            for packet in container.demux(*streams):
                times[packet.stream.index].take(packet)
        except av.FFmpegError as error:
            sys.stderr.write(f"reading stopped: {error}\n")
    return {index: found.report() for index, found in times.items()}


def video(stream: Any, frame: Any) -> dict[str, Any]:
    context = stream.codec_context
    return {
        "width": context.width,
        "height": context.height,
        "sar": ratio(stream.sample_aspect_ratio),
        "rotation": -round(frame.rotation) % 360 if frame is not None else 0,
        "average_rate": ratio(stream.average_rate),
        "base_rate": ratio(stream.base_rate),
        "pix_fmt": context.pix_fmt,
        "interlaced": bool(frame.interlaced_frame) if frame is not None else False,
        "color_range": int(context.color_range),
        "color_primaries": int(context.color_primaries),
        "color_trc": int(context.color_trc),
        "colorspace": int(context.colorspace),
    }


def audio(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    return {"channels": context.channels, "layout": context.layout.name, "sample_rate": context.sample_rate}


def describe(av: Any, stream: Any, frame: Any, times: dict[str, Any] | None) -> dict[str, Any]:
    context = stream.codec_context
    kind = stream.type if stream.type in ("video", "audio") and context is not None else "other"
    return {
        "index": stream.index,
        "kind": kind,
        "codec": context.codec.canonical_name if context is not None else "none",
        "decoder": context.codec.name if context is not None else None,
        "time_base": ratio(stream.time_base),
        "start": stream.start_time,
        "duration": stream.duration,
        "frames": stream.frames,
        "attached": bool(stream.disposition & av.stream.Disposition.attached_pic),
        "default": bool(stream.disposition & av.stream.Disposition.default),
        "decoded": frame is not None,
        "video": video(stream, frame) if kind == "video" else None,
        "audio": audio(stream) if kind == "audio" else None,
        "times": times,
    }


def examine(av: Any, path: str, thorough: bool, options: dict[str, str]) -> dict[str, Any]:
    try:
        container = av.open(path, options=options)
    except (FileNotFoundError, PermissionError):
        sys.exit(UNSEEN)
    except (av.FFmpegError, ValueError, UnicodeError) as error:
        return {"refused": f"not readable as media: {getattr(error, 'strerror', None) or error}"}
    with container:
        if len(container.streams) > MAX_STREAMS:
            return {"refused": f"{len(container.streams)} streams are more than {MAX_STREAMS}"}
        streams = [s for s in container.streams if s.type in ("video", "audio") and s.codec_context is not None]
        frames = first_frames(av, container, streams)
        name, duration = container.format.name, container.duration
        times: dict[int, dict[str, Any] | None] = {}
        if thorough:
            with av.open(path, options=options) as again:
                wanted = [again.streams[stream.index] for stream in streams]
                times = all_times(av, again, wanted)
        found = [describe(av, s, frames.get(s.index), times.get(s.index)) for s in container.streams]
        return {"found": {"container": name, "duration": duration, "streams": found}}


if __name__ == "__main__":
    folder, path, depth, protocols, demuxers, decoders = sys.argv[1:]
    pyav = load_pyav(folder)
    importlib.import_module("av.stream")
    pyav.logging.set_level(pyav.logging.ERROR)
    sys.stdout.write(" ")
    sys.stdout.flush()
    whitelists = {"protocol_whitelist": protocols, "format_whitelist": demuxers, "codec_whitelist": decoders}
    sys.stdout.write(json.dumps(examine(pyav, path, depth == "times", whitelists)))
