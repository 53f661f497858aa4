"""Final Cut Pro 7 XML (xmeml), as Premiere, Resolve, Final Cut, Hiero, and OpenTimelineIO write it.

https://developer.apple.com/library/archive/documentation/AppleApplications/Reference/FinalCutPro_XML. An element with
an id stands for the first that had it. A clip beside a transition may leave its start or end to it (-1). A sequence in
a sequence becomes a stack: of its tracks of pictures on one of pictures, of its tracks of sound on one of sound.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

from . import otio, xml
from .otio import Json, Losses, RefusedError
from .xml import Element

_ITEMS: Final = ("clipitem", "generatoritem", "transitionitem")
MAX_NESTED: Final = 16
#: Values that Premiere and Final Cut write with every clip, and that change nothing.
_NOTHING: Final = {
    "scale": (100.0,), "rotation": (0.0,), "opacity": (100.0,), "level": (1.0,), "pan": (0.0,), "left": (0.0,),
    "right": (0.0,), "top": (0.0,), "bottom": (0.0,), "antiflicker": (0.0,),
}  # fmt: skip


class _Joint:
    """A transition of a track, from `start` to `end` around `cut`, in frames of the sequence."""

    def __init__(self, element: Element, start: Fraction, end: Fraction, cut: Fraction) -> None:
        self.element, self.start, self.end, self.cut = element, start, end, cut


class _Reader:
    def __init__(self, root: Element) -> None:
        self._root = root
        self._known: dict[tuple[str, str], Element] = {}
        for element in root.iter():
            if (ident := element.get("id")) is not None:
                key = (element.tag, ident)
                # Some programs write the reference before the thing itself.
                if key not in self._known or (not len(self._known[key]) and len(element)):
                    self._known[key] = element
        self.losses = Losses()

    def whole(self, element: Element | None) -> Element | None:
        """The element, or the one with its id that says more."""
        if element is None:
            return None
        return self._known.get((element.tag, element.get("id", "")), element)

    def timeline(self) -> Json:
        """The first sequence that is in no other. Raises RefusedError."""
        nested = {id(found) for item in self._root.iter("clipitem") for found in item.iter("sequence")}
        sequences = [each for each in self._root.iter("sequence") if id(each) not in nested and len(each)]
        if not sequences:
            raise RefusedError("it has no sequence")
        named = {each.get("id") for each in self._root.iter("sequence") if id(each) in nested} - {None}
        free = [each for each in sequences if each.get("id") not in named] or sequences
        sequence = free[0]
        if len(free) > 1:
            where = _text(sequence, "name") or "the project"
            for other in free[1:]:
                self.losses.add("object", where, f"only the first sequence was imported, not {_text(other, 'name')}")
        rate = _rate(sequence) or Fraction(24)
        tracks = self._tracks(sequence, rate, ("video", "audio"), ())
        stack = otio.stack(_text(sequence, "name"), tracks, markers=list(self._markers(sequence, rate)))
        notes: Json = {}
        size = sequence.find("media/video/format/samplecharacteristics")
        if size is not None:
            notes = otio.sized(_text(size, "width"), _text(size, "height"))
        return otio.timeline(_text(sequence, "name"), stack, rate, self.losses, notes)

    def _tracks(
        self, sequence: Element, rate: Fraction, kinds: tuple[str, ...], inside: tuple[Element, ...]
    ) -> list[Json]:
        found = []
        for kind in kinds:
            media = self.whole(sequence.find(f"media/{kind}"))
            for track in media.findall("track") if media is not None else ():
                told = self.whole(track)
                assert told is not None, "it was found"
                found.append(self._track(told, kind, rate, (*inside, sequence)))
        return found

    def _track(self, track: Element, kind: str, rate: Fraction, inside: tuple[Element, ...]) -> Json:
        children: list[Json] = []
        items = [each for each in map(self.whole, track) if each is not None and each.tag in _ITEMS]
        joints = [joint for each in items if each.tag == "transitionitem" and (joint := self._joint(each)) is not None]
        pending = {id(joint.element): joint for joint in joints}
        end = Fraction(0)
        for index, item in enumerate(items):
            if item.tag == "transitionitem":
                continue
            before = _beside(items, index - 1, pending)
            after = _beside(items, index + 1, pending)
            placed, name = self._placed(item, before, after), _text(item, "name") or "a clip"
            if placed is None:
                self.losses.add("clip", name, "its start or end is not told; it was left out")
                continue
            start, stop, skipped = placed
            if stop <= start:
                self.losses.add("clip", name, "it ends before it begins, and was left out")
                continue
            if start < end:
                self.losses.add("clip", name, "it lies on another of its track; the first counts")
                skipped += end - start
                start = end
                if stop <= start:
                    continue
            if start > end:
                children.append(otio.gap(start - end, rate))
            if before is not None and before.cut == start:
                children.append(self._transition(before, rate, kind))
            children.append(self._item(item, kind, stop - start, skipped, rate, inside))
            if after is not None and after.cut == stop and not self._follows(items, index + 2, after):
                children.append(self._transition(after, rate, kind))
            end = stop
        notes = {name: _text(track, name) for name in ("enabled", "locked") if track.find(name) is not None}
        title = _text(track, "name") or track.get("MZ.TrackName", "")
        return otio.track(title, kind.capitalize(), children, metadata={"fcp_xml": notes})

    def _follows(self, items: list[Element], index: int, joint: _Joint) -> bool:
        """Whether the item after a transition begins at its cut, and so brings it along."""
        if index >= len(items):
            return False
        start = _number(items[index], "start")
        return start is not None and (start == -1 or start == joint.cut)

    def _joint(self, item: Element) -> _Joint | None:
        start, end = _number(item, "start"), _number(item, "end")
        if start is None or end is None or end <= start:
            self.losses.add("transition", _text(item, "effect/name") or "a transition", "it has no length")
            return None
        match _text(item, "alignment"):
            case "start" | "start-black":
                cut = start
            case "end" | "end-black":
                cut = end
            case _:
                cut = Fraction(int(start + end) // 2) if (start + end).denominator == 1 else (start + end) / 2
        return _Joint(item, start, end, cut)

    @staticmethod
    def _placed(
        item: Element, before: _Joint | None, after: _Joint | None
    ) -> tuple[Fraction, Fraction, Fraction] | None:
        """Where an item begins and ends, and how much of its head is under a transition; None if that is not told."""
        start, end, skipped = _number(item, "start"), _number(item, "end"), Fraction(0)
        if start is None or end is None:
            return None
        if start == -1:
            if before is None:
                return None
            start, skipped = before.cut, before.cut - before.start
        if end == -1:
            if after is None:
                return None
            end = after.cut
        return start, end, skipped

    def _transition(self, joint: _Joint, rate: Fraction, kind: str) -> Json:
        effect = joint.element.find("effect")
        name = _text(effect, "name") if effect is not None else ""
        told = " ".join((name, _text(effect, "effectid"), _text(effect, "effectcategory"))).casefold()
        usual = not told.strip() or kind == "audio" or any(word in told for word in ("dissolve", "cross", "fade"))
        return otio.transition(
            name or "transition",
            "SMPTE_Dissolve" if usual else name,
            joint.cut - joint.start,
            joint.end - joint.cut,
            rate,
        )

    # --- items ---

    def _item(
        self, item: Element, kind: str, frames: Fraction, skipped: Fraction, rate: Fraction,
        inside: tuple[Element, ...],
    ) -> Json:  # fmt: skip
        name = _text(item, "name") or "clip"
        own = _rate(item) or rate
        effects = [effect for each in item.findall("filter") if (effect := self._filter(each, name)) is not None]
        first = (_number(item, "in") or Fraction(0)) + (_number(item, "subclipinfo/startoffset") or 0)
        # Lengths are of the sequence, whatever rate the source has.
        start = first / own * rate + skipped * abs(_scalar(effects))
        extent = otio.span(start, frames, rate)
        nested = self.whole(item.find("sequence"))
        if nested is not None:
            return self._nested(nested, name, kind, extent, effects, inside)
        if _text(item, "stillframe").upper() == "TRUE":
            effects.append(otio.speed(0))
        if (mode := _text(item, "compositemode")) not in ("", "normal"):
            self.losses.add("blend", name, f"the mode {mode} is not kept")
        notes: Json = {}
        if (enabled := _text(item, "enabled")) == "FALSE":
            notes["enabled"] = enabled
        comments = {each.tag: each.text for each in item.iterfind("comments/*") if each.text}
        if comments:
            notes["comments"] = comments
        return otio.clip(
            name, extent, self._reference(item, name, rate), effects=effects, metadata={"fcp_xml": notes},
            markers=list(self._markers(item, own, start - first)),
        )  # fmt: skip

    def _nested(
        self, sequence: Element, name: str, kind: str, extent: Json, effects: list[Json],
        inside: tuple[Element, ...],
    ) -> Json:  # fmt: skip
        if sequence in inside or len(inside) >= MAX_NESTED:
            raise RefusedError(f"sequences are nested in each other, or more than {MAX_NESTED} deep")
        tracks = self._tracks(sequence, _rate(sequence) or Fraction(24), (kind,), inside)
        return otio.stack(name, tracks, source_range=extent, effects=effects)

    def _reference(self, item: Element, name: str, rate: Fraction) -> Json:
        if item.tag == "generatoritem" or item.find("effect") is not None:
            return self._generator(item)
        multi = self.whole(item.find("multiclip"))
        if multi is not None:
            self.losses.add("multicam", name, "of its angles only the active one was imported")
            inner = next((each for each in multi.iter("clipitem") if each.find("file") is not None), None)
            item = inner if inner is not None else item
        file = self.whole(item.find("file"))
        if file is None:
            return otio.missing(name)
        source = _text(file, "mediaSource")
        if source and file.find("pathurl") is None:
            return otio.generator(source, _text(file, "name"))
        length = _number(file, "duration")
        own = _rate(file) or rate
        available = otio.span(0, length, own) if length else None
        return otio.external(_text(file, "name"), _text(file, "pathurl"), available)

    @staticmethod
    def _generator(item: Element) -> Json:
        effect = item.find("effect")
        assert effect is not None
        kind = _text(effect, "effectid") or _text(effect, "name")
        parameters = [_parameter(each) for each in effect.findall("parameter")]
        return otio.generator(kind, _text(effect, "name"), {"fcp_xml": {"parameter": parameters}})

    def _filter(self, element: Element, where: str) -> Json | None:
        """A filter with its parameters; None if it changes nothing."""
        effect = element.find("effect")
        if effect is None or _text(element, "enabled").upper() == "FALSE":
            return None
        parameters = [_parameter(each) for each in effect.findall("parameter")]
        ident = _text(effect, "effectid")
        moving = any(True for each in effect.iter("keyframe"))
        if ident == "timeremap":
            if _variable(parameters) and moving:
                self.losses.add("speed", where, "its speed changes; it plays at one speed")
            return otio.effect("timeremap", {"fcp_xml": {"effectid": ident, "parameter": parameters}})
        if parameters and not moving and all(map(_changes_nothing, parameters)):
            return None
        return otio.effect(_text(effect, "name") or ident, {"fcp_xml": {"effectid": ident}})

    def _markers(self, element: Element, rate: Fraction, shift: Fraction = Fraction(0)) -> Iterator[Json]:
        for each in element.findall("marker"):
            at, end = _number(each, "in"), _number(each, "out")
            if at is None:
                continue
            length = max(Fraction(0), end - at) if end is not None and end >= 0 else Fraction(0)
            yield otio.marker(_text(each, "name"), at + shift, rate, length, comment=_text(each, "comment"))


def _beside(items: list[Element], index: int, joints: dict[int, _Joint]) -> _Joint | None:
    """The transition at a place of a track, if there is one."""
    return joints.get(id(items[index])) if 0 <= index < len(items) else None


def _text(element: Element | None, path: str) -> str:
    """The text below an element; empty where there is none. Step by step it is found several times as fast."""
    *steps, last = path.split("/")
    for step in steps:
        element = element.find(step) if element is not None else None
    return ((element.findtext(last) or "") if element is not None else "").strip()


def _number(element: Element, path: str) -> Fraction | None:
    return xml.number(_text(element, path))


def _rate(element: Element) -> Fraction | None:
    """Frames a second."""
    base = _number(element, "rate/timebase")
    if base is None or not 1 <= base <= 1000:
        return None
    return base * 1000 / 1001 if _text(element, "rate/ntsc").upper() == "TRUE" else base


def _parameter(element: Element) -> Json:
    value = element.find("value")
    told: Any = None
    if value is not None:
        told = (
            {each.tag: (each.text or "").strip() for each in value} if len(value) else (value.text or "").strip("\r\n")
        )
    return {"parameterid": _text(element, "parameterid"), "name": _text(element, "name"), "value": told}


def _changes_nothing(parameter: Json) -> bool:
    value = parameter["value"]
    if isinstance(value, dict):
        return all(_float(each) == 0 for each in value.values())
    usual = _NOTHING.get(str(parameter["parameterid"]).casefold())
    return usual is not None and _float(value) in usual


def _variable(parameters: list[Json]) -> bool:
    return any(each["parameterid"] == "variablespeed" and each["value"] in ("1", "TRUE") for each in parameters)


def _float(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _scalar(effects: list[Json]) -> Fraction:
    """The speed that the filters tell, for what a transition hides of the head."""
    for effect in effects:
        notes = effect.get("metadata", {}).get("fcp_xml", {})
        for parameter in notes.get("parameter", ()):
            value = _float(parameter["value"]) if parameter["parameterid"] == "speed" else None
            if value is not None and abs(value) < 1e6:
                return Fraction(value) / 100
    return Fraction(1)


def read(document: bytes) -> Json:
    """The timeline of a file. Raises RefusedError."""
    return _Reader(xml.root(document, "xmeml")).timeline()
