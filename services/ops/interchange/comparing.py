"""What a file has lost of a timeline: the timeline, compared with what the file reads as. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cutlog.contract.answers.edits import Loss
from cutlog.contract.timeline import Clip, Marker, MediaSource, TextSource, Timeline, Track
from services.ops.interchange.losses import Ledger
from services.ops.interchange.reading import Draft

_CLIP: Final = {
    "enabled": "enabled", "fit": "fit", "gain_db": "gain", "x": "place", "y": "place", "scale": "scale",
    "rotation": "rotation", "opacity": "opacity", "pan": "pan", "crop": "crop", "flip_h": "flip", "flip_v": "flip",
    "fade_in": "fade", "fade_out": "fade", "audio_fade_in": "fade", "audio_fade_out": "fade", "blend": "blend",
    "reversed": "reversed", "silent": "silent",
}  # fmt: skip
_GROUPS: Final = tuple(
    (what, tuple(name for name, group in _CLIP.items() if group == what)) for what in dict.fromkeys(_CLIP.values())
)
_TRACK: Final = ("name", "hidden", "muted", "locked", "gain_db")


def compare(before: Timeline, kept: Iterable[Track], after: Draft) -> tuple[Loss, ...]:
    """The losses. `kept` are the tracks that were written; those that came back are in the same order, kind by kind."""
    ledger = Ledger()
    written = list(kept)
    names = {track.id for track in written}
    for track in before.tracks:
        if track.id not in names:
            things = len(track.clips) + len(track.captions)
            ledger.add("track", track.id, f"the format holds fewer tracks; this one has {things} clips and captions")
    for name in ("width", "height", "background"):
        if getattr(before.canvas, name) != getattr(after.canvas, name):
            ledger.add("canvas", name, f"{getattr(before.canvas, name)} is not in the file")
    if before.canvas.fps != after.canvas.fps:
        ledger.add("canvas", "fps", "the rate is not in the file")
    for kind in ("video", "audio"):
        mine = [track for track in written if track.kind == kind]
        theirs = [track for track in after.tracks if track.kind == kind]
        for index, track in enumerate(mine):
            _track(track, theirs[index] if index < len(theirs) else Track(id="", kind=track.kind), ledger)
    _markers(before.markers, after.markers, ledger)
    return ledger.report()


def _track(before: Track, after: Track, ledger: Ledger) -> None:
    for name in _TRACK:
        if getattr(before, name) != getattr(after, name) and (name != "name" or before.name):
            ledger.add(f"track-{name.removesuffix('_db')}", before.id, f"{getattr(before, name)} is not in the file")
    if before.captions:
        ledger.add("captions", before.id, "the format has no captions", len(before.captions))
    there = {clip.at: clip for clip in after.clips}
    for clip in before.clips:
        other = there.get(clip.at)
        if other is None:
            ledger.add("clip", clip.id, "it is not in the file")
        else:
            _clip(clip, other, ledger)
    ends, others = _ends(before), _ends(after)
    cuts = {others.get(joint.left): joint for joint in after.transitions}
    for joint in before.transitions:
        found = cuts.get(ends[joint.left])
        if found is None or found.frames != joint.frames:
            ledger.add("transition", joint.id, f"{joint.kind} of {joint.frames} frames is not in the file")
        elif found.kind != joint.kind:
            ledger.add("transition-kind", joint.id, f"{joint.kind} became {found.kind}")


def _ends(track: Track) -> dict[str, int]:
    return {clip.id: clip.at + clip.frames for clip in track.clips}


def _clip(before: Clip, after: Clip, ledger: Ledger) -> None:
    where = before.id
    if type(before.source) is not type(after.source):
        told = before.source.text.text[:60] if isinstance(before.source, TextSource) else ""
        kind = str(before.source.__struct_config__.tag)
        ledger.add(kind, where, f"the {kind} {told!r} is not in the file" if told else f"the {kind} is not in the file")
        return
    if before.frames != after.frames:
        ledger.add("length", where, f"{before.frames} frames became {after.frames}")
    if isinstance(before.source, MediaSource) and isinstance(after.source, MediaSource):
        one, other = before.source, after.source
        if (one.media, one.start) != (other.media, other.start):
            ledger.add("source-range", where, f"frames {one.start} to {one.end} became {other.start} to {other.end}")
        if one.stream != other.stream:
            ledger.add("stream", where, "which streams of its media it shows and plays is not in the file")
    elif isinstance(before.source, TextSource) and isinstance(after.source, TextSource):
        if before.source.text.text != after.source.text.text:
            ledger.add("text", where, "the words are not in the file as they were")
        elif before.source != after.source:
            ledger.add("text-style", where, "how the text looks is not in the file")
    elif before.source != after.source:
        ledger.add("source", where, "what it shows became something else")
    for what, names in _GROUPS:
        if any(getattr(before, name) != getattr(after, name) for name in names):
            ledger.add(what, where, f"{what} is not in the file")
    if before.link is not None and after.link is None:
        ledger.add("link", where, "links are not in the file")
    _speed(before, after, ledger)
    for effect in before.effects:
        ledger.add("effect", where, f"{effect.kind} is not in the file")


def _speed(before: Clip, after: Clip, ledger: Ledger) -> None:
    one, other = before.speed, after.speed
    if (one and (one.num, one.den)) != (other and (other.num, other.den)):
        ledger.add("speed", before.id, "the speed is not in the file")
    elif one is not None and other is not None and (one.pitch, one.phase) != (other.pitch, other.phase):
        ledger.add("speed", before.id, "pitch, or the part of a frame where it was cut, is not in the file")


def _markers(before: Iterable[Marker], after: Iterable[Marker], ledger: Ledger) -> None:
    there = {(marker.at, marker.label): marker for marker in after}
    places = {marker.at for marker in there.values()}
    for marker in before:
        found = there.get((marker.at, marker.label))
        if found is None and marker.at in places:
            ledger.add("marker-label", marker.id, "the label is not in the file as it was")
        elif found is None:
            ledger.add("marker", marker.id, "it is not in the file")
        elif found.color != marker.color:
            ledger.add("marker-color", marker.id, f"{marker.color} is not in the file")
