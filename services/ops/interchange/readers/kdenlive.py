"""Kdenlive's projects, which are MLT XML, and what other programs write of that.

https://github.com/KDE/kdenlive/blob/master/dev-docs/fileformat.md, https://www.mltframework.org/docs/mltxml. A track is
two playlists on which clips that are mixed with each other lie in turn. Ends are inclusive, times are frames or clocks.
"""

from __future__ import annotations

import json
import re
from fractions import Fraction
from typing import Final, NamedTuple

from . import otio, xml
from .lanes import Placed, apart, children
from .otio import Json, Losses, RefusedError
from .xml import Element

MAX_NESTED: Final = 16
_CLOCK: Final = re.compile(r"(?:(\d{1,4}):)?(\d{1,3}):(\d{1,2})(?:[.,](\d{1,9})|[:;](\d{1,3}))?")
_HEX: Final = re.compile(r"(?:0x|#)?([0-9a-fA-F]{6})([0-9a-fA-F]{2})?")
_MIXES: Final = ("luma", "mix")
_INTERNAL: Final = "237"
#: What Kdenlive itself adds to lay tracks over each other, in the versions that do not mark it.
_COMPOSITING: Final = ("mix", "composite", "qtblend", "frei0r.cairoblend", "movit.overlay")
#: Filters that only measure.
_METERS: Final = ("audiolevel", "audiowaveform", "loudness_meter")


class _Clip(NamedTuple):
    """An entry of a playlist on [start, end) frames of its track."""

    start: int
    end: int
    entry: Element


class _Mix(NamedTuple):
    """Two clips that lie over each other on [start, end), and how they are mixed."""

    start: int
    end: int
    name: str


class _Reader:
    def __init__(self, root: Element) -> None:
        self._root = root
        self._known = {each.get("id", ""): each for each in root if each.get("id")}
        self._rate = self._profile()
        self._nested: list[str] = []
        self._seen: set[str] = set()
        self.losses = Losses()

    def _profile(self) -> Fraction:
        profile = self._root.find("profile")
        if profile is None:
            return Fraction(25)
        num, den = xml.number(profile.get("frame_rate_num")), xml.number(profile.get("frame_rate_den", "1"))
        return num / den if num and den else Fraction(25)

    def timeline(self) -> Json:
        """The sequence that is open. Raises RefusedError."""
        main = self._main()
        name = _property(main, "kdenlive:clipname") or self._root.get("title", "")
        profile = self._root.find("profile")
        notes = otio.sized(profile.get("width", ""), profile.get("height", "")) if profile is not None else {}
        stack = otio.stack(name, self._tracks(main), markers=self._guides(main))
        self._seen.add(_property(main, "kdenlive:uuid"))
        for other in self._root.iterfind("tractor"):
            if _property(other, "kdenlive:uuid") not in ("", *self._seen):
                title = _property(other, "kdenlive:clipname") or "a sequence"
                self.losses.add("object", title, "it is not in the sequence that is open, and was not imported")
        return otio.timeline(name, stack, self._rate, self.losses, notes)

    def _main(self) -> Element:
        tractors = self._root.findall("tractor")
        if not tractors:
            raise RefusedError("it has no timeline")
        last = tractors[-1]
        if _property(last, "kdenlive:projectTractor") == "1":
            active = self._known.get(_property(self._known.get("main_bin"), "kdenlive:docproperties.activetimeline"))
            inner = [self._known.get(track.get("producer", "")) for track in last.findall("track")]
            found = active if active is not None else next((each for each in inner if each is not None), None)
            if found is not None and found.tag == "tractor":
                return found
        return last

    def _tracks(self, sequence: Element, kinds: tuple[str, ...] = ("Video", "Audio")) -> list[Json]:
        pictures: list[Json] = []
        sounds: list[Json] = []
        for track in sequence.findall("track"):
            told = self._known.get(track.get("producer", ""))
            if told is None or told.tag not in ("tractor", "playlist"):
                continue
            inner = told.findall("track") if told.tag == "tractor" else [track]
            hidden = {each.get("hide", "") for each in inner}
            sound = _property(told, "kdenlive:audio_track") == "1" or hidden == {"video"} or _shotcut(told, "audio")
            kind = "Audio" if sound else "Video"
            off = track.get("hide", "") in ("both", "audio" if sound else "video") and told.tag == "tractor"
            off = off or hidden == {"both"}
            if kind in kinds:
                (sounds if sound else pictures).append(self._track(told, kind, not off))
        for each in sequence.findall("transition"):
            name = _property(each, "kdenlive_id") or _property(each, "mlt_service")
            if "Video" in kinds and name not in _COMPOSITING and _property(each, "internal_added") != _INTERNAL:
                self.losses.add("composition", name, "it is not kept; the upper track covers the lower")
        # Tracks of sound are listed from the farthest to the nearest.
        return [*pictures, *reversed(sounds)]

    def _track(self, track: Element, kind: str, enabled: bool) -> Json:
        playlists = [track]
        if track.tag == "tractor":
            found = [self._known.get(each.get("producer", "")) for each in track.findall("track")]
            playlists = [each for each in found if each is not None and each.tag == "playlist"]
        clips = sorted((clip for playlist in playlists for clip in self._clips(playlist)), key=lambda clip: clip.start)
        mixes = [mix for each in track.findall("transition") if (mix := self._mix(each)) is not None]
        for each in track.findall("filter"):
            self._filter(each, _property(track, "kdenlive:track_name") or track.get("id", "a track"))
        placed, joints = self._mixed(clips, mixes, kind)
        rows = apart(placed)
        if len(rows) > 1:
            self.losses.add(
                "clip", track.get("id", "a track"), "clips lie on each other without a mix; the first counts"
            )
        made = children(rows[0] if rows else [], joints, self._rate)
        for joint in joints.values():
            self.losses.add("transition", joint["name"], "there are no clips at its cut")
        notes = {"locked": "TRUE"} if _property(track, "kdenlive:locked_track") == "1" else {}
        name = _property(track, "kdenlive:track_name")
        return otio.track(name, kind, made, enabled=enabled, metadata={"fcp_xml": notes})

    def _clips(self, playlist: Element) -> list[_Clip]:
        found, at = [], 0
        for each in playlist:
            if each.tag == "blank":
                at += self._frames(each.get("length")) or 0
            elif each.tag == "entry":
                length = self._length(each)
                if length > 0:
                    found.append(_Clip(at, at + length, each))
                at += max(0, length)
        return found

    def _length(self, entry: Element) -> int:
        producer = self._known.get(entry.get("producer", ""))
        begin, end = self._frames(entry.get("in")), self._frames(entry.get("out"))
        if producer is not None:
            begin = begin if begin is not None else self._frames(producer.get("in"))
            end = end if end is not None else self._frames(producer.get("out"))
        return 0 if end is None else end - (begin or 0) + 1

    def _mix(self, transition: Element) -> _Mix | None:
        if _property(transition, "internal_added") == _INTERNAL:
            return None
        start, end = self._frames(transition.get("in")), self._frames(transition.get("out"))
        service = _property(transition, "mlt_service")
        if start is None or end is None or end < start:
            return None
        plain = service in _MIXES and not _property(transition, "resource")
        return _Mix(start, end + 1, "dissolve" if plain else _property(transition, "kdenlive_id") or service)

    def _mixed(self, clips: list[_Clip], mixes: list[_Mix], kind: str) -> tuple[list[Placed], dict[Fraction, Json]]:
        """Clips cut in the middle of their mixes, and transitions there."""
        heads: dict[int, int] = {}
        tails: dict[int, int] = {}
        joints: dict[Fraction, Json] = {}
        for mix in mixes:
            # The end of a mix is a frame early or late in some versions.
            ending = (n for n, clip in enumerate(clips) if abs(clip.end - mix.end) <= 1 and clip.start < mix.start)
            left = next(ending, None)
            right = next((n for n, clip in enumerate(clips) if clip.start == mix.start and clip.end > mix.end), None)
            if left is None or right is None:
                self.losses.add("transition", mix.name, "the clips that it mixes are not where it is")
                continue
            frames = clips[left].end - mix.start
            cut = mix.start + frames // 2
            heads[right], tails[left] = cut, cut
            named = "SMPTE_Dissolve" if mix.name == "dissolve" else mix.name
            joints[Fraction(cut)] = otio.transition(mix.name, named, frames // 2, frames - frames // 2, self._rate)
        placed = []
        for number, clip in enumerate(clips):
            start, end = heads.get(number, clip.start), tails.get(number, clip.end)
            if end > start:
                item = self._item(clip.entry, start - clip.start, end - start, kind)
                if item is not None:
                    placed.append(Placed(Fraction(start), Fraction(end), item))
        return placed, joints

    # --- what an entry shows ---

    def _item(self, entry: Element, skipped: int, frames: int, kind: str) -> Json | None:
        producer = self._known.get(entry.get("producer", ""))
        begin = self._frames(entry.get("in"))
        if producer is None:
            self.losses.add("clip", entry.get("producer", "a clip"), "what it shows is not in the file")
            return None
        if begin is None:
            begin = self._frames(producer.get("in")) or 0
        begin += skipped
        name = _property(producer, "kdenlive:clipname") or _base(_property(producer, "resource")) or "clip"
        if producer.tag == "tractor":
            return self._sequence(producer, name, begin, frames, kind)
        effects: list[Json] = []
        service = _property(producer, "mlt_service")
        resource = _property(producer, "kdenlive:originalurl") or _property(producer, "resource")
        if service == "timewarp":
            begin, speed = self._warped(producer, begin, frames)
            resource = _property(producer, "warp_resource") or resource.partition(":")[2]
            name = _property(producer, "kdenlive:clipname") or _base(resource)
            effects.append(otio.speed(speed))
        for each in entry.findall("filter"):
            held = self._frozen(each)
            if held is not None:
                begin = held
                effects.append(otio.speed(0))
            else:
                self._filter(each, name)
        off = _property(producer, "set.test_audio") == "1" and _property(producer, "set.test_image") == "1"
        notes = {"comments": {"media": mark}} if (mark := _property(producer, "cutlog:media")) else {}
        return otio.clip(
            name, otio.span(begin, frames, self._rate), self._reference(service, producer, resource, name),
            effects=effects, enabled=not off, metadata={"fcp_xml": notes},
            markers=[each for each in self._noted(_property(producer, "kdenlive:markers"), name)
                     if begin <= each["marked_range"]["start_time"]["value"] < begin + frames],
        )  # fmt: skip

    def _warped(self, producer: Element, begin: int, frames: int) -> tuple[int, Fraction]:
        """Where a clip of another speed begins in its media, in whose frames its own are counted faster or slower."""
        speed = xml.number(_property(producer, "warp_speed") or _property(producer, "resource").partition(":")[0])
        if not speed:
            self.losses.add("speed", _property(producer, "kdenlive:clipname") or "a clip", "its speed can't be read")
            return begin, Fraction(1)
        if speed > 0:
            return round(begin * speed), speed
        # Played backwards, its first frame is the last of the media.
        length = self._frames(_property(producer, "length")) or (self._frames(producer.get("out")) or 0) + 1
        last = round((length - begin) * -speed)
        return max(0, last - ((frames - 1) * -speed).__floor__() - 1), speed

    def _frozen(self, element: Element) -> int | None:
        """The frame that a filter holds for the whole of a clip."""
        if _property(element, "mlt_service") != "freeze" or _property(element, "disable") == "1":
            return None
        if _property(element, "freeze_before") == "1" or _property(element, "freeze_after") == "1":
            return None
        return self._frames(_property(element, "frame"))

    def _sequence(self, sequence: Element, name: str, begin: int, frames: int, kind: str) -> Json:
        ident = sequence.get("id", "")
        if ident in self._nested or len(self._nested) >= MAX_NESTED:
            raise RefusedError(f"sequences are in each other, or more than {MAX_NESTED} deep")
        self._nested.append(ident)
        self._seen.add(_property(sequence, "kdenlive:uuid"))
        tracks = self._tracks(sequence, (kind,))
        self._nested.pop()
        return otio.stack(name, tracks, source_range=otio.span(begin, frames, self._rate))

    def _reference(self, service: str, producer: Element, resource: str, name: str) -> Json:
        match service:
            case "color" | "colour":
                color = _color(resource)
                return otio.generator("SolidColor", color=color) if color else otio.generator(f"color {resource}")
            case "kdenlivetitle":
                return self._title(_property(producer, "xmldata"), name)
            case "avformat" | "avformat-novalidate" | "qimage" | "pixbuf" | "timewarp" | "xml" | "":
                return otio.external(_base(resource), resource)
            case _:
                return otio.generator(service)

    def _title(self, text: str, name: str) -> Json:
        """The words of a title, which is XML within XML; no declaration, so no entities."""
        if "<!" in text:
            raise RefusedError("a title has a document type declaration; leave it out, as entities are never read")
        root = xml.root(text.encode(), "kdenlivetitle")
        content = [each for each in root.iterfind("item/content") if (each.text or "").strip()]
        self.losses.add("style", name, "of a title only its words and colour are kept")
        color = ""
        if content and len(parts := content[0].get("font-color", "").split(",")) >= 3:
            numbers = [xml.number(part) for part in parts[:3]]
            if all(part is not None and 0 <= part < 256 for part in numbers):
                color = "#" + "".join(f"{int(part):02x}" for part in numbers if part is not None)
        return otio.generator("Text", text="\n".join(each.text or "" for each in content), color=color or "#ffffff")

    def _filter(self, element: Element, where: str) -> None:
        if _property(element, "internal_added") == _INTERNAL or _property(element, "disable") == "1":
            return
        name = _property(element, "kdenlive_id") or _property(element, "mlt_service")
        if name in _METERS:
            return
        self.losses.add("effect", where, f"effect {name} is not one of ours")

    def _guides(self, sequence: Element) -> list[Json]:
        """Guides of the sequence, or, in older projects, of the project."""
        text = _property(sequence, "kdenlive:sequenceproperties.guides")
        text = text or _property(self._known.get("main_bin"), "kdenlive:docproperties.guides")
        return self._noted(text, "timeline")

    def _noted(self, text: str, where: str) -> list[Json]:
        """Markers as JSON has them."""
        try:
            found = json.loads(text or "[]")
            return [otio.marker(str(each.get("comment", "")), float(each["pos"]), self._rate) for each in found]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.losses.add("marker", where, "its markers can't be read")
            return []

    def _frames(self, text: str | None) -> int | None:
        """A time in frames: a count of them, or hours, minutes and seconds."""
        text = (text or "").strip()
        if text.isascii() and text.isdigit() and len(text) < 12:
            return int(text)
        match = _CLOCK.fullmatch(text)
        if match is None:
            return None
        seconds = Fraction((int(match[1] or 0) * 60 + int(match[2])) * 60 + int(match[3]))
        if match[4] is not None:
            seconds += Fraction(int(match[4]), 10 ** len(match[4]))
        return (seconds * self._rate + Fraction(1, 2)).__floor__() + int(match[5] or 0)


def _property(element: Element | None, name: str) -> str:
    for each in element if element is not None else ():
        if each.tag == "property" and each.get("name") == name:
            return (each.text or "").strip("\r\n")
    return ""


def _shotcut(element: Element, kind: str) -> bool:
    return _property(element, f"shotcut:{kind}") == "1"


def _base(resource: str) -> str:
    return resource.replace("\\", "/").rpartition("/")[2]


def _color(text: str) -> str:
    """`0xrrggbbaa`, `#rrggbb` or a name of black or white; empty if it is none of them, or shows nothing."""
    named = {"black": "#000000", "white": "#ffffff", "red": "#ff0000", "green": "#008000", "blue": "#0000ff"}
    match = _HEX.fullmatch(text.strip())
    return named.get(text.strip().casefold(), "") if match is None else f"#{match[1].lower()}"


def read(document: bytes) -> Json:
    """The timeline of a project. Raises RefusedError."""
    return _Reader(xml.root(document, "mlt")).timeline()
