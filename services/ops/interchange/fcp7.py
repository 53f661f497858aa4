"""A timeline as Final Cut Pro 7 XML (xmeml 4). Pure. `readers/fcp7.py` reads what this writes.

https://developer.apple.com/library/archive/documentation/AppleApplications/Reference/FinalCutPro_XML. The sound of
clips on tracks of pictures has tracks of its own. A clip beside a transition leaves its start or end to it (-1), and
counts its source frames from where the transition begins, to where it ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from urllib.parse import quote
from xml.etree import ElementTree as Xml

from cutlog.contract.media import conformed_frames
from cutlog.contract.timeline import Clip, ColorSource, FreezeSource, MediaSource, TextSource, Timeline, Track
from services.ops.interchange.export import file_names, rate_of, title
from services.ops.interchange.formats import check_rate, line, mark, printable
from services.ops.interchange.sound import sounding


def fcp7(timeline: Timeline, name: str, names: Mapping[str, str]) -> tuple[str, tuple[Track, ...]]:
    """The file, and the tracks that are in it. `names` has the file names of media. Raises CannotHold."""
    check_rate(timeline, "FCP7 XML")
    root = _Writer(timeline, file_names(timeline.media, names)).document(line(name))
    Xml.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{Xml.tostring(root, "unicode")}\n', timeline.tracks


class _Writer:
    def __init__(self, timeline: Timeline, names: Mapping[str, str]) -> None:
        self._timeline, self._names, self._fps = timeline, names, timeline.canvas.fps
        self._files: dict[str, str] = {}
        self._clips = 0

    def document(self, name: str) -> Xml.Element:
        """The whole file."""
        timeline = self._timeline
        root = Xml.Element("xmeml", version="4")
        sequence = Xml.SubElement(root, "sequence", id="sequence-1")
        _texts(sequence, name=name, duration=str(timeline.duration))
        self._rate(sequence)
        self._timecode(sequence)
        media = Xml.SubElement(sequence, "media")
        video, audio = Xml.SubElement(media, "video"), Xml.SubElement(media, "audio")
        size = Xml.SubElement(Xml.SubElement(video, "format"), "samplecharacteristics")
        _texts(size, width=str(timeline.canvas.width), height=str(timeline.canvas.height))
        self._rate(size)
        pictures = [track for track in timeline.tracks if track.kind == "video"]
        for track in pictures:
            self._track(video, track)
        sounds = [sound for track in pictures if (sound := sounding(track, timeline)) is not None]
        for track in (*sounds, *(track for track in timeline.tracks if track.kind == "audio")):
            self._track(audio, track)
        for marker in timeline.markers:
            told = Xml.SubElement(sequence, "marker")
            _texts(told, **{"name": line(marker.label), "in": str(marker.at), "out": str(marker.at)})
        return root

    def _rate(self, parent: Xml.Element) -> None:
        fraction = self._fps.fraction
        told = Xml.SubElement(parent, "rate")
        _texts(told, timebase=str(round(fraction)), ntsc=_truth(fraction.denominator != 1))

    def _timecode(self, parent: Xml.Element) -> None:
        code = Xml.SubElement(parent, "timecode")
        self._rate(code)
        _texts(code, string="00:00:00:00", frame="0", displayformat="NDF")

    # --- tracks ---

    def _track(self, parent: Xml.Element, track: Track) -> None:
        told = Xml.SubElement(parent, "track")
        if track.name:
            told.set("MZ.TrackName", line(track.name))
        off = track.hidden if track.kind == "video" else track.muted
        joints = {joint.left: joint for joint in track.transitions}
        before = 0
        for clip in track.clips:
            joint = joints.get(clip.id)
            after = joint.frames - joint.frames // 2 if joint is not None else 0
            self._clip(told, clip, track.kind, before, after)
            before = joint.frames // 2 if joint is not None else 0
            if joint is not None:
                cut = clip.at + clip.frames
                made = Xml.SubElement(told, "transitionitem")
                _texts(made, start=str(cut - before), end=str(cut + after), alignment="center")
                self._rate(made)
                effect = Xml.SubElement(made, "effect")
                name = "Cross Dissolve" if joint.kind == "dissolve" else joint.kind
                _texts(effect, name=name, effectid="Cross Dissolve", effecttype="transition", mediatype=track.kind)
        _texts(told, enabled=_truth(not off), locked=_truth(track.locked))

    def _clip(self, parent: Xml.Element, clip: Clip, kind: str, before: int, after: int) -> None:
        """A clip between transitions that begin so many frames before it and last so many after it."""
        self._clips += 1
        drawn = not isinstance(clip.source, MediaSource | FreezeSource)
        told = Xml.SubElement(parent, "generatoritem" if drawn else "clipitem", id=f"clipitem-{self._clips}")
        first = self._first(clip, before)
        _texts(told, name=line(title(clip, self._names)), enabled=_truth(clip.enabled))
        _texts(told, duration=str(self._length(clip)))
        self._rate(told)
        _texts(told, start=str(-1 if before else clip.at), end=str(-1 if after else clip.at + clip.frames))
        _texts(told, **{"in": str(first), "out": str(first + before + clip.frames + after)})
        match clip.source:
            case MediaSource(media=media) | FreezeSource(media=media):
                self._file(told, media, clip.frames)
                self._speed(told, clip, kind)
                _texts(Xml.SubElement(told, "comments"), mastercomment1=mark(self._timeline, media))
            case ColorSource(color=color):
                value = _generator(told, "Color", "Matte", "fillcolor")
                _texts(value, alpha="255")
                for name, at in (("red", 1), ("green", 3), ("blue", 5)):
                    _texts(value, **{name: str(int(color[at : at + 2], 16))})
            case TextSource(text=text):
                _generator(told, "Text", "Text", "str").text = printable(text.text)

    @staticmethod
    def _first(clip: Clip, before: int) -> int:
        """The source frame at which a clip begins, where the transition does; the reader adds what it has taken off."""
        match clip.source:
            case MediaSource(start=start):
                return (start - before * abs(rate_of(clip)) - Fraction(1, 2)).__ceil__()
            case FreezeSource(frame=held):
                return held
            case _:
                return 0

    def _length(self, clip: Clip) -> int:
        """Frames of a clip's source."""
        if not isinstance(clip.source, MediaSource | FreezeSource):
            return clip.frames
        reference = self._timeline.media.get(clip.source.media)
        frames = conformed_frames(reference.kind, reference.facts, self._fps) if reference is not None else None
        return frames or clip.frames

    def _file(self, parent: Xml.Element, media: str, frames: int) -> None:
        """A media, in full where it comes first."""
        known = self._files.get(media)
        if known is not None:
            Xml.SubElement(parent, "file", id=known)
            return
        known = self._files[media] = f"file-{len(self._files) + 1}"
        told = Xml.SubElement(parent, "file", id=known)
        name, reference = self._names.get(media, media), self._timeline.media.get(media)
        length = conformed_frames(reference.kind, reference.facts, self._fps) if reference is not None else None
        _texts(told, name=line(name), pathurl="media/" + quote(name))
        self._rate(told)
        _texts(told, duration=str(length or max(1, frames)))
        self._timecode(told)
        kinds = Xml.SubElement(told, "media")
        if reference is None or reference.kind != "audio":
            Xml.SubElement(kinds, "video")
        if reference is None or reference.facts.audio_codec is not None:
            Xml.SubElement(kinds, "audio")

    def _speed(self, parent: Xml.Element, clip: Clip, kind: str) -> None:
        """Final Cut's filter that tells the speed; a frame that is held has speed 0."""
        rate = Fraction(0) if isinstance(clip.source, FreezeSource) else rate_of(clip)
        if rate == 1:
            return
        effect = Xml.SubElement(Xml.SubElement(parent, "filter"), "effect")
        _texts(
            effect,
            name="Time Remap",
            effectid="timeremap",
            effectcategory="motion",
            effecttype="motion",
            mediatype=kind,
        )
        told = {"variablespeed": "0", "speed": f"{float(abs(rate) * 100):.9g}", "reverse": _truth(rate < 0)}
        for name, value in (told | {"frameblending": "FALSE"}).items():
            _texts(Xml.SubElement(effect, "parameter"), parameterid=name, name=name, value=value)


def _generator(parent: Xml.Element, name: str, category: str, parameter: str) -> Xml.Element:
    """What Final Cut draws; the value of its one parameter is returned."""
    effect = Xml.SubElement(parent, "effect")
    _texts(effect, name=name, effectid=name, effectcategory=category, effecttype="generator", mediatype="video")
    told = Xml.SubElement(effect, "parameter")
    _texts(told, parameterid=parameter, name=parameter)
    return Xml.SubElement(told, "value")


def _texts(parent: Xml.Element, **texts: str) -> None:
    for name, text in texts.items():
        Xml.SubElement(parent, name).text = text


def _truth(value: bool) -> str:
    return "TRUE" if value else "FALSE"
