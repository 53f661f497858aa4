"""Run as a script inside the sandbox: reads a file with PyAV and prints what probing.RawProbe says, as JSON.

Imports the standard library, PyAV and the modules BESIDE it only, and never touches cutlog: the sandbox does not show
it.
A space comes first, as soon as all is loaded: what ends without it has not looked at the file. Nor has what ends with
UNSEEN. Usage: examine.py PYAV_FOLDER FILE quick|times PROTOCOLS DEMUXERS DECODERS PACKAGE [PACKAGE ...]; the packages
are those of pictures.py, which looks at what ffmpeg does not show as a viewer does.
"""

from __future__ import annotations

import gc
import importlib.util
import io
import json
import os
import sys
from functools import cache, partial
from pathlib import Path
from typing import Any

MAX_STREAMS = 64
#: Modules of this folder that are loaded where they are needed.
BESIDE = ("pictures", "decoded", "transparency", "timestamps")
#: Exit code: the file is not there for us (EX_TEMPFAIL of sysexits.h).
UNSEEN = 75
#: Packets to look at before giving up on a first picture or sound.
PATIENCE = 400
#: Pictures to decode where only they tell whether a file has times of display, or fields.
SOME = 24
#: Codecs whose pictures are mostly single ones: a cover, if there is only one.
STILLS = ("mjpeg", "png", "bmp", "webp", "tiff", "gif")
#: Formats of which each picture has a length of its own.
ANIMATIONS = ("gif", "apng")
#: As in allow.py: the delays of browsers.
BRISK = {"default_fps": "10", "max_fps": "99"}
#: PyAV frees a layout of channels in an order of their own twice: what holds one lives on until the process ends.
KEPT: list[Any] = []
#: Field orders of libavcodec that are interlaced; of these, those whose bottom field is shown first.
FIELDS, BOTTOM_FIRST = range(2, 6), (3, 4)


def load_pyav(folder: str) -> Any:
    """Imports PyAV from its folder alone: site-packages itself is out of sight."""
    spec = importlib.util.spec_from_file_location("av", f"{folder}/__init__.py", submodule_search_locations=[folder])
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["av"] = module
    spec.loader.exec_module(module)
    return module


class Nameless(io.FileIO):
    """A file of which the demuxers see the bytes alone: they would judge it by the ending of its name, too."""

    name = ""


def opened(av: Any, path: str, options: dict[str, str]) -> Any:
    """The container of a file, chosen by its content."""
    name = stills().demuxer(head_of(path))
    return av.open(Nameless(path), format=name, options={**options, **BRISK} if name == "apng" else options)


def head_of(path: str) -> bytes:
    with Nameless(path) as file:
        return file.read(stills().HEAD)


def stills() -> Any:
    return beside("pictures")


@cache
def beside(name: str) -> Any:
    """A module beside this one, which is not on the path here."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pillow(packages: list[str]) -> Any:
    try:
        return stills().load(packages)
    except (ImportError, OSError):
        sys.exit(UNSEEN)


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
            KEPT.append(frames)
            found[packet.stream.index] = frames[0]
            waiting.discard(packet.stream.index)
            if not waiting:
                break
    return found


def all_times(av: Any, container: Any, streams: list[Any]) -> dict[int, Any]:
    """Times of every stream, from all packets up to the end, or to where the file breaks off."""
    times = {stream.index: beside("timestamps").Times() for stream in streams}
    if times:
        try:
            for packet in container.demux(*streams):
                times[packet.stream.index].take(packet)
        except av.FFmpegError as error:
            sys.stderr.write(f"reading stopped: {error}\n")
    return times


def single(av: Any, path: str, options: dict[str, str], streams: list[Any]) -> set[int]:
    """The streams that are no more than one still picture, as far as the beginning of the file tells."""
    waiting = {s.index: 0 for s in streams if s.type == "video" and s.frames <= 1 and s.codec_context.name in STILLS}
    if not waiting:
        return set()
    try:
        with opened(av, path, options) as container:
            for number, packet in enumerate(container.demux(*(container.streams[s.index] for s in streams))):
                if packet.size and packet.stream.index in waiting:
                    waiting[packet.stream.index] += 1
                if number > PATIENCE or all(count > 1 for count in waiting.values()):
                    break
    except av.FFmpegError:
        pass
    return {index for index, count in waiting.items() if count <= 1}


def moved(av: Any, path: str, options: dict[str, str], stream: Any, gap: int) -> int:
    """Ticks by which the demuxer shows pictures too early: where an edit of MP4 begins amid a picture, it puts the next
    one at its beginning, though the sound stays where it is."""
    found: list[dict[int, int]] = []
    for more in ({}, {"advanced_editlist": "0"}):
        with opened(av, path, {**options, **more}) as container:
            seen: dict[int, int] = {}
            for number, packet in enumerate(container.demux(container.streams[stream.index])):
                if packet.pts is not None and packet.pos is not None:
                    seen[packet.pos] = packet.pts
                if number > PATIENCE:
                    break
            found.append(seen)
    fixed, plain = found
    shift = next((plain[pos] - pts for pos, pts in fixed.items() if pos in plain), 0)
    return shift if 0 < shift < gap else 0


def timing(av: Any, path: str, options: dict[str, str], stream: Any, times: Any) -> dict[str, Any] | None:
    """What a stream's times mean, beyond what they are."""
    told: dict[str, Any] | None = times.report(
        *(ratio(stream.time_base) or (1, 1)), closed=stream.container.format.name in ANIMATIONS
    )
    if told is None or stream.type != "video":
        return told
    with opened(av, path, options) as container:
        if len(times.keys) > 1:
            told["recovery"] = beside("decoded").recovery(av, container, container.streams[stream.index], times.keys)
    if "avi" in container.format.name and stream.codec_context.has_b_frames:
        with opened(av, path, options) as container:
            shown = [f.pts for f in beside("decoded").pictures(av, container, container.streams[stream.index], SOME)]
        told["counted"] = None in shown or shown != sorted(shown)
    if "avi" in container.format.name:
        told["moved"] = (told["decoding"] or 0) - told["first"]
    if "mov" in container.format.name:
        told["moved"] = moved(av, path, options, stream, told["longest"])
    return told


def interlaced(av: Any, path: str, options: dict[str, str], stream: Any) -> bool:
    """Whether most of the first pictures are of two fields; the field order alone is told of films too."""
    with opened(av, path, options) as container:
        shown = beside("decoded").pictures(av, container, container.streams[stream.index], SOME)
    return 2 * sum(bool(frame.interlaced_frame) for frame in shown) > len(shown)


def video(stream: Any, frame: Any, fields: bool, clear: dict[str, Any]) -> dict[str, Any]:
    context = stream.codec_context
    return clear | {
        "width": context.width,
        "height": context.height,
        "sar": ratio(stream.sample_aspect_ratio),
        "rotation": -round(frame.rotation) % 360 if frame is not None else 0,
        "average_rate": ratio(stream.average_rate),
        "base_rate": ratio(stream.base_rate),
        "pix_fmt": context.pix_fmt,
        "interlaced": fields,
        "bottom_first": fields and int(context.field_order) in BOTTOM_FIRST,
        "color_range": int(context.color_range),
        "color_primaries": int(context.color_primaries),
        "color_trc": int(context.color_trc),
        "colorspace": int(context.colorspace),
    }


def shown_at(frame: Any) -> int | None:
    """When a picture is shown, or a sound begins: by its own time, else by that of its decoding."""
    if frame is None:
        return None
    found: int | None = frame.dts if frame.pts is None else frame.pts
    return found


def audio(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    layout = context.layout
    KEPT.append(layout)
    return {
        "channels": layout.nb_channels,
        "layout": layout.name,
        "places": [channel.name for channel in layout.channels],
        "sample_rate": context.sample_rate,
    }


def describe(
    av: Any, stream: Any, frame: Any, times: dict[str, Any] | None, fields: bool, alone: bool, clear: dict[str, Any]
) -> dict[str, Any]:
    context = stream.codec_context
    kind = stream.type if stream.type in ("video", "audio") and context is not None else "other"
    return {
        "index": stream.index,
        "kind": kind,
        "type": stream.type or "data",
        "language": stream.metadata.get("language"),
        "single": alone,
        "codec": context.codec.canonical_name if context is not None else "none",
        "decoder": context.codec.name if context is not None else None,
        "time_base": ratio(stream.time_base),
        "start": stream.start_time,
        "duration": stream.duration,
        "frames": stream.frames,
        "attached": bool(stream.disposition & av.stream.Disposition.attached_pic),
        "default": bool(stream.disposition & av.stream.Disposition.default),
        "decoded": frame is not None,
        "first": shown_at(frame),
        "video": video(stream, frame, fields, clear) if kind == "video" else None,
        "audio": audio(stream) if kind == "audio" else None,
        "times": times,
    }


def examine(av: Any, path: str, thorough: bool, options: dict[str, str], packages: list[str]) -> dict[str, Any]:
    try:
        head = head_of(path)
    except (FileNotFoundError, PermissionError):
        sys.exit(UNSEEN)
    # From here on it is there: ffmpeg says that a file is not, or may not be read, of damaged ones as well.
    try:
        name = stills().demuxer(head)
        if name is not None and stills().foreign(name, head):
            seen: dict[str, Any] = stills().look(pillow(packages), path, name, thorough)
            if "found" in seen or name in ("heif", "avif"):
                return seen
        container = opened(av, path, options)
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
            with opened(av, path, options) as again:
                wanted = [again.streams[stream.index] for stream in streams]
                read = all_times(av, again, wanted)
            times = {stream.index: timing(av, path, options, stream, read[stream.index]) for stream in streams}
        fields = {
            stream.index: stream.type == "video"
            and int(stream.codec_context.field_order) in FIELDS
            and interlaced(av, path, options, stream)
            for stream in streams
        }
        alone = single(av, path, options, streams)
        # Only who reads all pictures knows.
        clear = {
            stream.index: beside("transparency").found(av, partial(opened, av, path, options), path, name, stream)
            for stream in streams
            if thorough and stream.type == "video"
        }
        found = [
            describe(
                av, s, frames.get(s.index), times.get(s.index), fields.get(s.index, False), s.index in alone,
                clear.get(s.index, {}),
            )
            for s in container.streams
        ]  # fmt: skip
        return {"found": {"container": name, "duration": duration, "streams": found, "foreign": hasty(name, path)}}


def hasty(name: str, path: str) -> bool:
    """Whether ffmpeg shows pictures of a GIF faster than browsers do."""
    if name != "gif":
        return False
    with Nameless(path) as file:
        return next(stills().hasty(file), None) is not None


if __name__ == "__main__":
    gc.disable()  # the process ends with the file that it reads; the collector would take a sixth of the time to load
    folder, path, depth, protocols, demuxers, decoders, *rest = sys.argv[1:]
    pyav = load_pyav(folder)
    importlib.import_module("av.stream")
    pyav.logging.set_level(pyav.logging.ERROR)
    sys.stdout.write(" ")
    sys.stdout.flush()
    whitelists = {"protocol_whitelist": protocols, "format_whitelist": demuxers, "codec_whitelist": decoders}
    report = examine(pyav, path, depth == "times", whitelists, rest)
    if "found" in report:
        head = head_of(path)
        report["found"]["gain_map"] = stills().gain_map(stills().demuxer(head), head)
    sys.stdout.write(json.dumps(report))
    sys.stdout.flush()
    # Without freeing anything: see KEPT.
    os._exit(0)
