"""A timeline in the shape that EDL and FCP7 XML have room for, before the adapters write it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Final

from cutlog.contract.timeline import Clip, ColorSource, FreezeSource, MediaSource, TextSource, Timeline, Track
from services.ops.interchange import schema
from services.ops.interchange.conform import TIMECODE_RATES
from services.ops.interchange.export import Writer, file_names, rate_of

_OTHER: Final = re.compile(r"[^A-Za-z0-9]+")
_NO_TAPE: Final = ("", "AX", "BL", "BLACK", "BARS")


class CannotHold(Exception):
    """The format has no room for this timeline at all. The message says why."""


def edl(timeline: Timeline, name: str, names: Mapping[str, str]) -> tuple[schema.Timeline, Track]:
    """The lowest video track that shows something: all that an EDL holds. With it, that track. Raises CannotHold."""
    _check_rate(timeline, "An EDL")
    shown = [track for track in timeline.tracks if track.kind == "video" and track.clips]
    shown.sort(key=lambda track: track.hidden)
    if not shown:
        raise CannotHold("An EDL holds one video track, and no video track of this timeline has clips.")
    main = shown[0]
    writer = Writer(timeline.canvas.fps, timeline.media, file_names(timeline.media, names))
    track = writer.track(main)
    track.enabled = True
    written = iter(main.clips)
    for child in track.children:
        if isinstance(child, schema.Clip):
            _edl_clip(child, next(written), timeline, writer)
        elif isinstance(child, schema.Transition):
            child.name = line(child.name or "")
    return (
        schema.Timeline(name=line(name), global_start_time=writer.moment(0), tracks=schema.Stack(children=[track])),
        main,
    )


def _edl_clip(told: schema.Clip, clip: Clip, timeline: Timeline, writer: Writer) -> None:
    told.name = line(told.name or "")
    reference = told.media_references[schema.DEFAULT_MEDIA]
    comments = []
    match clip.source:
        case MediaSource(media=media) | FreezeSource(media=media):
            comments.append(mark(timeline, media))
            reference.name = line(reference.name)
            told.metadata.cmx_3600 = {"reel": _reel(told.name)}
        case _:
            told.media_references[schema.DEFAULT_MEDIA] = schema.MissingReference()
            kind = "TEXT" if isinstance(clip.source, TextSource) else "COLOR"
            comments.append(f"{kind}: {told.name}")
            told.metadata.cmx_3600 = {"reel": "BL"}
    told.metadata.cmx_3600 = {**(told.metadata.cmx_3600 or {}), "comments": comments}
    # The adapter counts backwards from the wrong end.
    told.effects = [] if clip.reversed else [each for each in told.effects if isinstance(each, schema.LinearTimeWarp)]
    for marker in timeline.markers:
        if clip.at <= marker.at < clip.at + clip.frames:
            noted = writer.marker(marker)
            noted.name = line(noted.name or "")
            told.markers.append(noted)


def _reel(name: str) -> str:
    """A tape's name as EDLs have it: eight letters and digits, and none of the words that mean no tape."""
    reel = _OTHER.sub("", name.rpartition(".")[0] or name).upper()[:8]
    return f"X{reel}"[:8] if reel in _NO_TAPE else reel


def fcp7(timeline: Timeline, name: str, names: Mapping[str, str]) -> schema.Timeline:
    """All tracks; the sound of clips on video tracks has audio tracks of its own there. Raises CannotHold."""
    _check_rate(timeline, "FCP7 XML")
    writer = Writer(timeline.canvas.fps, timeline.media, file_names(timeline.media, names))
    numbers = iter(range(1, 10**9))
    tracks = [_fcp7_track(track, timeline, writer, numbers) for track in timeline.tracks]
    sounds = [
        _fcp7_track(sound, timeline, writer, numbers)
        for track in timeline.tracks
        if track.kind == "video" and (sound := sounding(track, timeline)) is not None
    ]
    size = {"width": str(timeline.canvas.width), "height": str(timeline.canvas.height)}
    ordered = [track for track in tracks if track.kind == "Video"] + sounds
    ordered += [track for track in tracks if track.kind == "Audio"]
    return schema.Timeline(
        name=line(name),
        metadata=schema.Metadata(fcp_xml={"media": {"video": {"format": {"samplecharacteristics": size}}}}),
        global_start_time=writer.moment(0),
        tracks=schema.Stack(
            name=line(name), children=ordered, markers=[_tidy(writer.marker(m)) for m in timeline.markers]
        ),
    )


def _tidy(marker: schema.Marker) -> schema.Marker:
    marker.name = line(marker.name or "")
    return marker


def sounding(track: Track, timeline: Timeline) -> Track | None:
    """The sound of a video track's clips as a track; None if there is none."""
    clips = tuple(clip for clip in track.clips if not clip.silent and _sounds(clip, timeline))
    if not clips or track.muted:
        return None
    there = {clip.id for clip in clips}
    joints = tuple(joint for joint in track.transitions if joint.left in there and joint.right in there)
    return Track(id=f"{track.id}-sound", kind="audio", name=track.name, clips=clips, transitions=joints)


def _sounds(clip: Clip, timeline: Timeline) -> bool:
    if not isinstance(clip.source, MediaSource):
        return False
    reference = timeline.media.get(clip.source.media)
    return reference is not None and reference.facts.audio_codec is not None


def _fcp7_track(track: Track, timeline: Timeline, writer: Writer, numbers: Iterator[int]) -> schema.Track:
    told = writer.track(track)
    told.name = line(track.name)
    off = track.hidden if track.kind == "video" else track.muted
    told.metadata.fcp_xml = {"enabled": _truth(not off), "locked": _truth(track.locked)}
    written = iter(track.clips)
    for child in told.children:
        if isinstance(child, schema.Clip):
            _fcp7_clip(child, next(written), timeline, writer, next(numbers))
        elif isinstance(child, schema.Transition):
            child.name = "Cross Dissolve" if child.name == "dissolve" else child.name
            # The adapter takes equal objects for one and the same.
            child.metadata.fcp_xml = None
    return told


def _fcp7_clip(told: schema.Clip, clip: Clip, timeline: Timeline, writer: Writer, number: int) -> None:
    told.name = line(told.name or "")
    notes: dict[str, Any] = {"@id": f"clipitem-{number}", "enabled": _truth(clip.enabled)}
    reference = told.media_references[schema.DEFAULT_MEDIA]
    match clip.source:
        case MediaSource(media=media) | FreezeSource(media=media):
            notes["comments"] = {"mastercomment1": mark(timeline, media)}
            reference.name = line(reference.name)
            if reference.available_range is None:
                reference.available_range = writer.span(0, max(1, clip.frames))
        case ColorSource(color=color):
            told.media_references[schema.DEFAULT_MEDIA] = _generator("Color", "Matte", "fillcolor", _rgb(color))
        case TextSource(text=style):
            told.media_references[schema.DEFAULT_MEDIA] = _generator("Text", "Text", "str", printable(style.text))
    if filters := _filters(clip):
        notes["filter"] = filters
    told.metadata.fcp_xml = notes
    told.effects = []


def _generator(kind: str, category: str, parameter: str, value: Any) -> schema.GeneratorReference:
    notes = {
        "effecttype": "generator",
        "mediatype": "video",
        "effectcategory": category,
        "parameter": {"parameterid": parameter, "name": parameter, "value": value},
    }
    return schema.GeneratorReference(name=kind, generator_kind=kind, metadata=schema.Metadata(fcp_xml=notes))


def _filters(clip: Clip) -> list[dict[str, Any]]:
    """Final Cut's filter that tells the speed; a frame that is held has speed 0."""
    held = isinstance(clip.source, FreezeSource)
    rate = Fraction(0) if held else rate_of(clip)
    if rate == 1 or not (held or isinstance(clip.source, MediaSource)):
        return []
    parameters = {
        "variablespeed": "0",
        "speed": _percent(abs(rate)),
        "reverse": _truth(rate < 0),
        "frameblending": "FALSE",
    }
    return [
        {
            "effect": {
                "name": "Time Remap",
                "effectid": "timeremap",
                "effectcategory": "motion",
                "effecttype": "motion",
                "mediatype": "video",
                "parameter": [
                    {"parameterid": name, "name": name, "value": value} for name, value in parameters.items()
                ],
            }
        }
    ]


def _percent(rate: Fraction) -> str:
    return f"{float(rate * 100):.9g}"


def _rgb(color: str) -> dict[str, str]:
    parts = (color[1:3], color[3:5], color[5:7])
    return {"alpha": "255"} | {
        name: str(int(part, 16)) for name, part in zip(("red", "green", "blue"), parts, strict=True)
    }


def mark(timeline: Timeline, media: str) -> str:
    """What finds the media again, as a comment."""
    reference = timeline.media.get(media)
    return f"cutlog:{media}" + (f" sha256:{reference.sha256}" if reference is not None else "")


def _truth(value: bool) -> str:
    return "TRUE" if value else "FALSE"


def line(text: str) -> str:
    """Text on one line, of characters that XML may hold: else a name could begin a new event of an EDL."""
    return " ".join(printable(text).split())


def printable(text: str) -> str:
    return "".join(char for char in text if char in "\t\n" or (char >= " " and char not in "\x7f\ufffe\uffff"))


def _check_rate(timeline: Timeline, what: str) -> None:
    fps = timeline.canvas.fps
    if fps not in TIMECODE_RATES:
        raise CannotHold(f"{what} counts in timecode, which there is not at {fps.num}/{fps.den} frames per second.")
