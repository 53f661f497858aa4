"""FCPXML 1.8 to 1.13, as Final Cut Pro and Resolve write it.

https://developer.apple.com/documentation/professional-video-applications/fcpxml-reference. Times are fractions of
seconds. A clip's children count in its own time; those with a lane are beside it, above (1, 2, …) or below (-1, …).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, NamedTuple

from . import otio, xml
from .fcpxml_values import Format, color_of, lane_of, nearest, order, retimed, seconds
from .lanes import Placed, apart, children
from .otio import Json, Losses, RefusedError
from .xml import Element

MAX_NESTED: Final = 16
_ITEMS: Final = (
    "asset-clip", "clip", "video", "audio", "title", "gap", "ref-clip", "sync-clip", "mc-clip", "audition", "spine",
    "caption", "live-drawing",
)  # fmt: skip
#: Adjustments that change nothing as Final Cut writes them with every clip.
_USUAL: Final = {"adjust-conform": ("type", "fit"), "adjust-blend": ("amount", "1"), "adjust-volume": ("amount", "0dB")}


class _Scope:
    """Where a sequence is laid out: its lanes, by number, and the transitions on them."""

    def __init__(self, rate: Fraction) -> None:
        self.rate = rate
        self.things: dict[tuple[str, int], list[Placed]] = {}
        #: Transitions of a lane, by their cut.
        self.joints: dict[int, dict[Fraction, Json]] = {}
        self.markers: list[Json] = []

    def tracks(self, losses: Losses) -> list[Json]:
        """Its tracks from the bottom, those of sound after all of pictures. Transitions are of pictures."""
        found = []
        for (kind, lane), things in sorted(self.things.items(), key=lambda each: order(*each[0])):
            joints = self.joints.get(lane, {}) if kind == "Video" else {}
            found += [otio.track("", kind, children(row, joints, self.rate)) for row in apart(things)]
        for joint in (each for joints in self.joints.values() for each in joints.values()):
            losses.add("transition", joint["name"], "there are no clips at its cut")
        return found


class _Place(NamedTuple):
    """A moment of the sequence, in seconds, and what lasts until when is shown from there; on a lane."""

    start: Fraction
    end: Fraction
    lane: int


class _Reader:
    def __init__(self, root: Element) -> None:
        self._root = root
        self._resources = {each.get("id", ""): each for each in root.iterfind("resources/*")}
        self._styles = {each.get("id", ""): each for each in root.iter("text-style-def")}
        self._nested: list[str] = []
        self.losses = Losses()

    def timeline(self) -> Json:
        """The first project. Raises RefusedError."""
        projects = [each for each in self._root.iter("project") if each.find("sequence") is not None]
        if not projects:
            raise RefusedError("it has no project with a sequence")
        for other in projects[1:]:
            self.losses.add("object", other.get("name", ""), "only the first project of the file was imported")
        sequence = projects[0].find("sequence")
        assert sequence is not None
        form = self._format(sequence)
        name = projects[0].get("name", "")
        notes = otio.sized(form.width, form.height)
        return otio.timeline(name, self._sequence(sequence, name), form.rate, self.losses, notes, own_sound=True)

    def _format(self, sequence: Element) -> Format:
        form = Format.of(self._resources.get(sequence.get("format", ""), sequence))
        if form is None:
            self.losses.add("canvas", "fps", "the format of the sequence tells no rate; 24 was taken")
        return form or Format(Fraction(24), "", "")

    def _sequence(self, sequence: Element, name: str, extent: Json | None = None) -> Json:
        """A sequence as a stack of tracks."""
        rate = self._format(sequence).rate
        scope = _Scope(rate)
        origin = seconds(sequence.get("tcStart")) or Fraction(0)
        end = origin + (seconds(sequence.get("duration")) or Fraction(10**9))
        for spine in sequence.findall("spine"):
            self._spine(spine, scope, origin, _Place(Fraction(0), end - origin, 0))
        markers = [*self._markers(sequence, origin, rate), *scope.markers]
        rest = {"source_range": extent} if extent is not None else {}
        return otio.stack(name, scope.tracks(self.losses), markers=markers, **rest)

    def _spine(self, spine: Element, scope: _Scope, origin: Fraction, place: _Place) -> None:
        """What follows each other in a storyline whose own time is `origin` at the start of its place."""
        at = origin
        items = list(spine)
        for index, item in enumerate(items):
            told = seconds(item.get("offset"))
            at = at if told is None else told
            if item.tag == "transition":
                first, last = index == 0, index == len(items) - 1
                self._transition(item, scope, place.start + at - origin, place.lane, first, last)
                # The next one follows the one before the transition, which lies over both.
                at += (seconds(item.get("duration")) or Fraction(0)) / (1 if last else 2)
                continue
            if item.tag in _ITEMS:
                start = place.start + at - origin
                self._item(item, scope, _Place(start, min(start + self._length(item), place.end), place.lane))
                at += self._length(item)

    @staticmethod
    def _transition(item: Element, scope: _Scope, start: Fraction, lane: int, first: bool, last: bool) -> None:
        """A transition in the middle of its cut; the first and the last of a storyline are within a clip."""
        length = seconds(item.get("duration")) or Fraction(0)
        frames = nearest(length * scope.rate)
        before = Fraction(0) if first else frames if last else frames // 2
        cut = start + (length * 0 if first else length if last else length / 2)
        name = item.get("name", "transition")
        kind = "SMPTE_Dissolve" if "dissolve" in name.casefold() else name
        joint = otio.transition(name, kind, before, frames - before, scope.rate)
        scope.joints.setdefault(lane, {})[nearest(cut * scope.rate)] = joint

    def _length(self, item: Element) -> Fraction:
        length = seconds(item.get("duration"))
        if length is not None:
            return length
        if item.tag == "audition" and len(item):
            return self._length(item[0])
        if item.tag == "spine":
            return sum((self._length(each) for each in item if each.tag in _ITEMS), Fraction(0))
        asset = self._resources.get(item.get("ref", ""))
        return (seconds(asset.get("duration")) if asset is not None else None) or Fraction(0)

    def _item(self, item: Element, scope: _Scope, place: _Place) -> None:
        """An item in its place, and what is connected with it."""
        if item.tag == "audition":
            picks = [each for each in item if each.tag in _ITEMS]
            if len(picks) > 1:
                self.losses.add("audition", picks[0].get("name", "a clip"), "only the clip that is picked was imported")
            if picks:
                self._item(picks[0], scope, place)
            return
        if item.tag == "spine":
            self._spine(item, scope, Fraction(0), place)
            return
        own = self._start(item)
        if place.end > place.start:
            self._content(item, scope, place, own)
        for child in item:
            if child.tag in _ITEMS and child.get("lane") is not None:
                start = place.start + (seconds(child.get("offset")) or Fraction(0)) - own
                lane = place.lane + lane_of(child)
                self._connected(child, scope, start, lane)

    def _connected(self, item: Element, scope: _Scope, start: Fraction, lane: int) -> None:
        end = start + self._length(item)
        if start < 0:
            self.losses.add("clip", item.get("name", item.tag), "it begins before the sequence, and was left out")
        else:
            self._item(item, scope, _Place(start, end, lane))

    def _start(self, item: Element) -> Fraction:
        """Where an item's own time begins."""
        told = seconds(item.get("start"))
        if told is not None:
            return told
        asset = self._resources.get(item.get("ref", "")) if item.tag in ("asset-clip", "video", "audio") else None
        return (seconds(asset.get("start")) if asset is not None else None) or Fraction(0)

    # --- what an item shows ---

    def _content(self, item: Element, scope: _Scope, place: _Place, own: Fraction) -> None:
        name = item.get("name", item.tag)
        match item.tag:
            case "gap":
                scope.markers += self._markers(item, own - place.start, scope.rate)
            case "caption" | "live-drawing":
                self.losses.add("captions" if item.tag == "caption" else "object", name, f"a {item.tag} was left out")
                return
            case "title":
                self._put(scope, place, "Video", self._title(item, scope.rate, place))
            case "ref-clip":
                self._compound(item, scope, place, own)
            case "mc-clip":
                self._multicam(item, scope, place, own)
            case "clip" | "sync-clip":
                self._container(item, scope, place, own)
            case _:
                self._media(item, item, scope, place, own)

    def _container(self, item: Element, scope: _Scope, place: _Place, own: Fraction) -> None:
        """A clip of a clip: what it holds, in the part of its time that is shown."""
        inside = [each for each in item if each.tag in _ITEMS and (each.get("lane") is None or item.tag == "sync-clip")]
        shown = [each for each in inside if each.tag == "video"] or inside
        for each in shown:
            if each.tag == "spine":
                window = _Place(place.start, place.end, place.lane)
                self._clipped(each, scope, window, own, item)
                continue
            begin = seconds(each.get("offset")) or Fraction(0)
            source = self._start(each) + own - begin
            if each.tag == "gap":
                # Sound without pictures is connected with a gap.
                for inner in each:
                    if inner.tag in ("audio", "video", "asset-clip"):
                        at = begin + (seconds(inner.get("offset")) or Fraction(0)) - self._start(each)
                        beside = place._replace(lane=place.lane + lane_of(inner))
                        self._media(inner, item, scope, beside, self._start(inner) + own - at)
            elif each.tag in ("video", "audio", "asset-clip"):
                nested = [inner for inner in each if inner.tag == "audio"]
                silent = each.tag == "video" and not nested and item.find("audio") is None
                self._media(each, item, scope, place, source, silent)
            elif each.tag in ("clip", "ref-clip", "sync-clip", "mc-clip", "title"):
                self._content(each, scope, place, source)

    def _clipped(self, spine: Element, scope: _Scope, place: _Place, own: Fraction, item: Element) -> None:
        """A storyline within a synchronized clip, as a stack that is shown in part."""
        inner = _Scope(scope.rate)
        self._spine(spine, inner, Fraction(0), _Place(Fraction(0), Fraction(10**9), 0))
        begin = seconds(spine.get("offset")) or Fraction(0)
        extent = otio.span((own - begin) * scope.rate, (place.end - place.start) * scope.rate, scope.rate)
        self._put(
            scope, place, "Video", otio.stack(item.get("name", ""), inner.tracks(self.losses), source_range=extent)
        )

    def _compound(self, item: Element, scope: _Scope, place: _Place, own: Fraction) -> None:
        name, ident = item.get("name", "compound"), item.get("ref", "")
        media = self._resources.get(ident)
        sequence = media.find("sequence") if media is not None else None
        if sequence is None:
            self.losses.add("clip", name, "the compound clip that it shows is not in the file")
            return
        if ident in self._nested or len(self._nested) >= MAX_NESTED:
            raise RefusedError(f"compound clips are in each other, or more than {MAX_NESTED} deep")
        self._nested.append(ident)
        own -= seconds(sequence.get("tcStart")) or Fraction(0)
        extent = otio.span(own * scope.rate, (place.end - place.start) * scope.rate, scope.rate)
        stack = self._sequence(sequence, name, extent)
        self._nested.pop()
        if item.find("timeMap") is not None:
            stack["effects"] = [otio.effect("speed")]
        self._put(scope, place, "Video", stack)

    def _multicam(self, item: Element, scope: _Scope, place: _Place, own: Fraction) -> None:
        name = item.get("name", "multicam")
        self.losses.add("multicam", name, "of its angles only the active one was imported")
        media = self._resources.get(item.get("ref", ""))
        sources = {each.get("angleID"): each.get("srcEnable", "all") for each in item.findall("mc-source")}
        wanted = next((angle for angle, use in sources.items() if use in ("all", "video")), None)
        angles = media.findall("multicam/mc-angle") if media is not None else []
        angle = next((each for each in angles if each.get("angleID") == wanted), angles[0] if angles else None)
        if angle is None:
            self.losses.add("clip", name, "the multicam clip that it shows is not in the file")
            return
        self._clipped(angle, scope, place, own, item)

    def _media(
        self, item: Element, clip: Element, scope: _Scope, place: _Place, source: Fraction, silent: bool = False
    ) -> None:
        """A part of an asset; `clip` has its name, its speed and what else was done to it."""
        name = clip.get("name") or item.get("name") or item.tag
        asset = self._resources.get(item.get("ref", ""))
        rate = scope.rate
        if asset is not None and asset.tag == "effect":
            self._put(scope, place, "Video", self._generator(item, asset, name, place, rate))
            return
        use = clip.get("srcEnable", "all")
        sounds = item.tag == "audio" or use == "audio" or (asset is not None and asset.get("hasVideo", "1") == "0")
        if item.tag != "audio" and asset is not None and asset.get("hasVideo") is None and asset.get("hasAudio") == "1":
            sounds = True
        source, effects = self._timed(clip, source, place, name, rate)
        effects += self._effects(clip, name)
        shown = place.end - place.start
        notes: Json = {"read": {"silent": silent or use == "video"}}
        if (note := clip.findtext("note")) is not None:
            notes["fcp_xml"] = {"comments": {"note": note}}
        made = otio.clip(
            name, otio.span(source * rate, shown * rate, rate), self._reference(asset, name, rate), effects=effects,
            enabled=clip.get("enabled", "1") != "0", metadata=notes,
            markers=self._markers(clip, self._start(clip) - source, rate),
        )  # fmt: skip
        self._put(scope, place, "Audio" if sounds else "Video", made)

    @staticmethod
    def _reference(asset: Element | None, name: str, rate: Fraction) -> Json:
        if asset is None:
            return otio.missing(name)
        rep = asset.find("media-rep")
        url = asset.get("src", "") or (rep.get("src", "") if rep is not None else "")
        length = seconds(asset.get("duration"))
        start = seconds(asset.get("start")) or Fraction(0)
        available = otio.span(start * rate, length * rate, rate) if length else None
        return otio.external(asset.get("name", ""), url, available)

    def _timed(
        self, clip: Element, source: Fraction, place: _Place, name: str, rate: Fraction
    ) -> tuple[Fraction, list[Json]]:
        """Where in its media a clip begins, and its speed."""
        conform = clip.find("conform-rate")
        if conform is not None and conform.get("scaleEnabled", "1") != "0" and conform.get("srcFrameRate"):
            self.losses.add(
                "speed", name, "its frames are not stretched to the rate of the sequence; they keep their time"
            )
        begin = self._start(clip)
        told = retimed(clip, begin, nearest((place.end - place.start) * rate), rate)
        if told is None:
            return source, []
        if told.changes:
            self.losses.add("speed", name, "its speed changes; it plays at the speed that it has at its start")
        return max(Fraction(0), told.first), [otio.speed(told.speed)] if told.speed != 1 else []

    def _effects(self, clip: Element, name: str) -> list[Json]:
        found = []
        for each in clip:
            if each.tag in ("filter-video", "filter-audio", "filter-video-mask") and each.get("enabled", "1") != "0":
                found.append(otio.effect(each.get("name", each.tag)))
            elif each.tag.startswith("adjust-") and each.get("autoOrManual") != "automatic":
                key, usual = _USUAL.get(each.tag, ("enabled", "0"))
                if each.get(key, usual if each.tag in _USUAL else "") != usual or len(each):
                    found.append(otio.effect(each.tag.removeprefix("adjust-")))
        return found

    def _title(self, item: Element, rate: Fraction, place: _Place) -> Json:
        words, color = [], ""
        for each in item.iterfind("text"):
            styled = each.findall("text-style")
            words.append("".join("".join(style.itertext()) for style in styled) or (each.text or "").strip())
            for style in each.iter("text-style"):
                found = self._styles.get(style.get("ref", ""), style).find("text-style")
                color = color or color_of((found if found is not None else style).get("fontColor", ""))
        frames = (place.end - place.start) * rate
        reference = otio.generator("Text", text="\n".join(words), color=color or "#ffffff")
        self.losses.add("style", item.get("name", "title"), "of a title only its words and colour are kept")
        return otio.clip(
            item.get("name", "title"), otio.span(0, frames, rate), reference,
            enabled=item.get("enabled", "1") != "0", markers=self._markers(item, self._start(item), rate),
        )  # fmt: skip

    @staticmethod
    def _generator(item: Element, effect: Element, name: str, place: _Place, rate: Fraction) -> Json:
        color = next(
            (color_of(each.get("value", "")) for each in item.findall("param") if each.get("name") == "Color"), ""
        )
        reference = (
            otio.generator("SolidColor", color=color) if color else otio.generator(effect.get("name", "generator"))
        )
        extent = otio.span(0, (place.end - place.start) * rate, rate)
        return otio.clip(name, extent, reference, enabled=item.get("enabled", "1") != "0")

    def _markers(self, element: Element, shift: Fraction, rate: Fraction) -> list[Json]:
        """Markers, moved from the element's own time to that of its media."""
        found = []
        for each in element:
            at = seconds(each.get("start"))
            if each.tag in ("marker", "chapter-marker") and at is not None:
                found.append(otio.marker(each.get("value", ""), (at - shift) * rate, rate))
        return found

    @staticmethod
    def _put(scope: _Scope, place: _Place, kind: str, item: Json) -> None:
        start, end = nearest(place.start * scope.rate), nearest(place.end * scope.rate)
        scope.things.setdefault((kind, place.lane), []).append(Placed(start, max(start, end), item))


def read(document: bytes) -> Json:
    """The timeline of a file. Raises RefusedError."""
    return _Reader(xml.root(document, "fcpxml")).timeline()
