"""A timeline as FCPXML 1.9. Pure. `readers/fcpxml.py` reads what this writes.

The lowest track of pictures is the primary storyline; all others are connected with it, those with transitions as
storylines of their own. Times are exact fractions of seconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from fractions import Fraction
from itertools import groupby
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree as Xml

from cutlog.contract.media import conformed_frames
from cutlog.contract.timeline import Clip, ColorSource, FreezeSource, MediaSource, TextSource, Timeline, Track
from services.ops.interchange.export import file_names, rate_of, seen_or_heard
from services.ops.interchange.formats import line, mark, printable

_EFFECTS: Final = {
    "title": ("Basic Title", ".../Titles.localized/Bumper:Opener.localized/Basic Title.localized/Basic Title.moti"),
    "color": ("Custom", ".../Generators.localized/Solids.localized/Custom.localized/Custom.motn"),
}
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE fcpxml>\n'


def fcpxml(timeline: Timeline, name: str, names: Mapping[str, str]) -> tuple[str, tuple[Track, ...]]:
    """The file, and the tracks that are in it. `names` has the file names of media."""
    writer = _Writer(timeline, file_names(timeline.media, names))
    root = writer.document(line(name))
    Xml.indent(root)
    return _DECLARATION + Xml.tostring(root, "unicode") + "\n", writer.kept


class _Writer:
    def __init__(self, timeline: Timeline, names: Mapping[str, str]) -> None:
        self._timeline, self._names = timeline, names
        self._frame = 1 / timeline.canvas.fps.fraction
        self._assets = {media: f"r{number}" for number, media in enumerate(seen_or_heard(timeline), 10)}
        self._titles = 0
        shown = [track for track in timeline.tracks if track.clips]
        self._pictures = [track for track in shown if track.kind == "video"]
        self._sounds = [track for track in shown if track.kind == "audio"]
        self.kept = (*self._pictures, *self._sounds)

    def document(self, name: str) -> Xml.Element:
        root = Xml.Element("fcpxml", version="1.9")
        self._resources(Xml.SubElement(root, "resources"))
        event = Xml.SubElement(Xml.SubElement(root, "library"), "event", name=name)
        project = Xml.SubElement(event, "project", name=name)
        sequence = Xml.SubElement(
            project, "sequence", format="r1", duration=self._time(self._timeline.duration), tcStart="0s", tcFormat="NDF"
        )
        spine = Xml.SubElement(sequence, "spine")
        items = self._primary(spine, self._pictures[0] if self._pictures else None)
        for lane, track in enumerate(self._pictures[1:], 1):
            self._connect(track, lane, items)
        for lane, track in enumerate(self._sounds, 1):
            self._connect(track, -lane, items)
        for marker in self._timeline.markers:
            at, item = _under(items, marker.at)
            told = {"start": self._time(_start(item) + marker.at - at), "duration": self._time(1)}
            Xml.SubElement(item, "marker", told, value=line(marker.label))
        for element in root.iter():
            element.attrib.pop(_START, None)
        return root

    def _time(self, frames: int | Fraction) -> str:
        moment = frames * self._frame
        return f"{moment.numerator}/{moment.denominator}s" if moment.denominator != 1 else f"{moment.numerator}s"

    def _resources(self, resources: Xml.Element) -> None:
        canvas = self._timeline.canvas
        Xml.SubElement(
            resources,
            "format",
            id="r1",
            frameDuration=self._time(1),
            width=str(canvas.width),
            height=str(canvas.height),
        )
        for number, (name, uid) in enumerate(_EFFECTS.values(), 2):
            Xml.SubElement(resources, "effect", id=f"r{number}", name=name, uid=uid)
        for media, ident in self._assets.items():
            reference = self._timeline.media[media]
            name = self._names.get(media, media)
            frames = conformed_frames(reference.kind, reference.facts, canvas.fps)
            told = {"id": ident, "name": line(name), "src": "media/" + quote(name), "start": "0s"}
            if frames:
                told["duration"] = self._time(frames)
            if reference.kind != "audio":
                told |= {"hasVideo": "1", "format": "r1"}
            if reference.facts.audio_codec is not None:
                told["hasAudio"] = "1"
            Xml.SubElement(resources, "asset", told)

    # --- storylines ---

    def _primary(self, spine: Xml.Element, track: Track | None) -> list[tuple[int, Xml.Element]]:
        """Fills the primary storyline up to the end of all; its items with their places."""
        items: list[tuple[int, Xml.Element]] = []
        end = 0
        joints = _joints(track) if track is not None else {}
        for clip in track.clips if track is not None else ():
            if clip.at > end:
                items.append((end, self._gap(spine, end, clip.at - end)))
            items.append((clip.at, self._clip(spine, clip, clip.at)))
            end = clip.at + clip.frames
            if clip.id in joints:
                self._transition(spine, end, joints[clip.id])
        if (last := self._timeline.duration) > end or not items:
            items.append((end, self._gap(spine, end, max(1, last - end))))
        return items

    def _gap(self, parent: Xml.Element, offset: int, frames: int) -> Xml.Element:
        told = {"name": "Gap", "offset": self._time(offset), "start": "0s", "duration": self._time(frames)}
        return Xml.SubElement(parent, "gap", {**told, _START: "0"})

    def _connect(self, track: Track, lane: int, items: list[tuple[int, Xml.Element]]) -> None:
        """The clips of a track beside the items that they begin with; runs with transitions as storylines."""
        joints = _joints(track)
        for joined, clips in _runs(track.clips, joints):
            at, item = _under(items, clips[0].at)
            offset = _start(item) + clips[0].at - at
            if not joined:
                self._clip(item, clips[0], offset, lane < 0).set("lane", str(lane))
                continue
            spine = Xml.SubElement(item, "spine", lane=str(lane), offset=self._time(offset))
            for clip in clips:
                within = clip.at - clips[0].at
                self._clip(spine, clip, within, lane < 0)
                if clip.id in joints:
                    self._transition(spine, within + clip.frames, joints[clip.id])

    def _transition(self, spine: Xml.Element, cut: int, frames: int) -> None:
        """A cross dissolve, which is all that needs no effect of Final Cut's own."""
        told = {"name": "Cross Dissolve", "offset": self._time(cut - Fraction(frames, 2))}
        Xml.SubElement(spine, "transition", told, duration=self._time(frames))

    # --- clips ---

    def _clip(self, parent: Xml.Element, clip: Clip, offset: int, sound: bool = False) -> Xml.Element:
        told = {"offset": self._time(offset), "duration": self._time(clip.frames)}
        if not clip.enabled:
            told["enabled"] = "0"
        match clip.source:
            case MediaSource(media=media) | FreezeSource(media=media):
                return self._media(parent, clip, media, told, sound)
            case ColorSource(color=color):
                made = Xml.SubElement(parent, "video", {"ref": "r3", "name": color, "start": "0s", **told, _START: "0"})
                Xml.SubElement(made, "param", name="Color", value=_parts(color))
                return made
            case TextSource(text=text):
                self._titles += 1
                told |= {"ref": "r2", "name": line(text.text)[:100], "start": "0s", _START: "0"}
                made = Xml.SubElement(parent, "title", told)
                style = f"ts{self._titles}"
                Xml.SubElement(Xml.SubElement(made, "text"), "text-style", ref=style).text = printable(text.text)
                defined = Xml.SubElement(made, "text-style-def", id=style)
                Xml.SubElement(
                    defined, "text-style", font="Helvetica", fontSize="60", fontColor=_parts(text.color) + " 1"
                )
                return made

    def _media(self, parent: Xml.Element, clip: Clip, media: str, told: dict[str, str], sound: bool) -> Xml.Element:
        rate = Fraction(0) if isinstance(clip.source, FreezeSource) else rate_of(clip)
        match clip.source:
            case MediaSource(start=begin, end=end):
                first = end if rate < 0 else begin
            case FreezeSource(frame=first):
                pass
            case _:
                raise AssertionError("it shows a media")
        start = first if rate == 1 else 0
        told |= {"name": line(self._names.get(media, media)), "start": self._time(start), _START: str(start)}
        if media in self._assets:
            told["ref"] = self._assets[media]
        if clip.silent:
            told["srcEnable"] = "video"
        elif sound:
            told["srcEnable"] = "audio"
        made = Xml.SubElement(parent, "asset-clip", told)
        Xml.SubElement(made, "note").text = mark(self._timeline, media)
        if rate != 1:
            remap = Xml.SubElement(made, "timeMap")
            for time in (0, clip.frames):
                value = first + time * rate
                Xml.SubElement(remap, "timept", time=self._time(time), value=self._time(value), interp="linear")
        return made


#: Where an item's own time begins, in frames; taken out before the file is written.
_START: Final = "own-start"


def _start(item: Xml.Element) -> int:
    return int(item.get(_START, "0"))


def _under(items: list[tuple[int, Xml.Element]], frame: int) -> tuple[int, Xml.Element]:
    """The item of the primary storyline at a frame."""
    return items[max(0, bisect_right(items, frame, key=lambda each: each[0]) - 1)]


def _joints(track: Track) -> dict[str, int]:
    return {joint.left: joint.frames for joint in track.transitions}


def _runs(clips: Iterable[Clip], joints: Mapping[str, object]) -> Iterable[tuple[bool, list[Clip]]]:
    """Clips one by one, and those that transitions join together."""
    run = 0
    numbered: list[tuple[int, Clip]] = []
    for clip in clips:
        numbered.append((run, clip))
        run += clip.id not in joints
    for _, group in groupby(numbered, key=lambda each: each[0]):
        found = [clip for _, clip in group]
        yield len(found) > 1, found


def _parts(color: str) -> str:
    return " ".join(f"{int(color[at : at + 2], 16) / 255:.6g}" for at in (1, 3, 5))
