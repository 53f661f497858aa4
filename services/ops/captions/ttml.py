"""Timed Text Markup Language, versions 1 and 2 and what was called DFXP: https://www.w3.org/TR/ttml2/.

Times are taken as a presentation does: those of an element count from the beginning of what it is in, or in sequence
from the end of the one before. Styles, regions and pictures are not kept.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Final
from xml.parsers import expat

from .found import Found, UnreadableError, tidy

MAX_DEPTH: Final = 100
MAX_ELEMENTS: Final = 300_000

#: Hours may be missing, and minutes too, which is not in the standard, but in lyrics.
_CLOCK: Final = re.compile(
    r"(?:(?:(\d{1,6}):)?(\d{1,3}):)?(\d{1,6})(?:\.(\d{1,9}))?|(\d{1,6}):(\d\d):(\d\d):(\d{2,4})(?:\.\d{1,4})?"
)
_OFFSET: Final = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(h|m|s|ms|f|t)")
_UNITS: Final = {"h": Fraction(3600), "m": Fraction(60), "s": Fraction(1), "ms": Fraction(1, 1000)}
_TIMED: Final = ("body", "div", "p", "span")
_SPACE: Final = "http://www.w3.org/XML/1998/namespace|space"
_FOREVER: Final = Fraction(10**9)


class _Element:
    """An open element: its seconds, and where the next in it begins if they come in sequence."""

    def __init__(self, begin: Fraction, end: Fraction, sequence: bool, preserved: bool) -> None:
        self.begin, self.end, self.sequence, self.preserved = begin, end, sequence, preserved
        self.next = begin


class _Reader:
    def __init__(self, found: Found) -> None:
        self._found = found
        self._open: list[_Element] = []
        self._names: list[str] = []
        self._elements = 0
        self._frame = Fraction(1, 30)
        self._tick = Fraction(1)
        self._unknown = False
        #: Apple's lyrics count all times from the beginning.
        self._absolute = False
        #: The words of the paragraph that is open, by their seconds; it may hold spans of several times.
        self._words: dict[tuple[Fraction, Fraction], list[str]] | None = None
        self._words_line = 0
        self._whole = False
        self._parser = expat.ParserCreate(namespace_separator="|")
        self._styled = self._placed = False

    def read(self, document: bytes) -> None:
        parser = self._parser
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = self._declared
        parser.StartElementHandler, parser.EndElementHandler = self._opened, self._closed
        parser.CharacterDataHandler = self._said
        parser.buffer_text = True
        parser.Parse(document, True)

    def _declared(self, *_: Any) -> None:
        raise UnreadableError("it has a document type declaration; leave it out, as entities are never read")

    def _opened(self, name: str, given: dict[str, str]) -> None:
        self._elements += 1
        if len(self._names) >= MAX_DEPTH or self._elements > MAX_ELEMENTS:
            raise UnreadableError(f"it has more than {MAX_DEPTH} levels or {MAX_ELEMENTS} elements")
        local = name.rpartition("|")[2]
        if not self._names and local != "tt":
            raise UnreadableError(f"its first element is {local[:40]}, not tt")
        self._names.append(local)
        told = {key.rpartition("|")[2]: value for key, value in given.items()}
        outer = self._open[-1] if self._open else _Element(Fraction(0), _FOREVER, False, False)
        preserved = given.get(_SPACE, "preserve" if outer.preserved else "default") == "preserve"
        if local == "tt":
            self._rates(told)
            self._absolute = any("//music.apple.com/" in key for key in given)
        if local in ("style", "region"):
            self._found.lose("stylesheet" if local == "style" else "region", len(self._names) < 5)
        if local not in _TIMED:
            self._open.append(_Element(outer.begin, outer.end, False, preserved))
            if local == "br":
                self._add("\n")
            return
        self._open.append(self._timed(told, outer, local, preserved))
        if local == "p":
            self._words, self._words_line = {}, self._parser.CurrentLineNumber
            self._whole = "end" in told or "dur" in told
            self._styled = self._placed = False
        if self._words is not None:
            self._styled |= any(key in told for key in ("style", "color", "fontStyle", "fontWeight"))
            self._placed |= any(key in told for key in ("region", "origin", "textAlign", "displayAlign"))

    def _rates(self, told: dict[str, str]) -> None:
        try:
            rate = Fraction(int(told.get("frameRate", "30")))
            times, _, per = re.sub(r"[:\s]+", "/", told.get("frameRateMultiplier", "1 1").strip()).partition("/")
            rate *= Fraction(int(times), int(per or 1))
            ticks = Fraction(int(told["tickRate"])) if "tickRate" in told else None
            self._frame, self._tick = 1 / rate, 1 / (ticks or (rate if "frameRate" in told else Fraction(1)))
        except (ValueError, ZeroDivisionError):
            raise UnreadableError("its frameRate or tickRate is no number") from None

    def _timed(self, told: dict[str, str], outer: _Element, name: str, preserved: bool) -> _Element:
        """The element with the seconds at which it is shown."""
        origin = Fraction(0) if self._absolute else outer.next if outer.sequence else outer.begin
        self._unknown = False
        begin, end, length = (self._seconds(told, key, name) for key in ("begin", "end", "dur"))
        # Nothing is shown if it is not known when.
        start = _FOREVER if self._unknown else origin + (begin or 0)
        stop = outer.end
        if end is not None:
            stop = min(stop, origin + end)
        if length is not None:
            stop = min(stop, start + length)
        if outer.sequence:
            outer.next = stop if end is not None or length is not None else start
        return _Element(start, stop, told.get("timeContainer") == "seq", preserved)

    def _seconds(self, told: dict[str, str], key: str, name: str) -> Fraction | None:
        text = told.get(key)
        if text is None:
            return None
        text = text.strip()
        if (match := _CLOCK.fullmatch(text)) is not None:
            parts = match.groups()[:3] if match[3] else match.groups()[4:7]
            hours, minutes, seconds = (int(part or 0) for part in parts)
            whole = Fraction((hours * 60 + minutes) * 60 + seconds)
            if match[4] is not None:
                return whole + Fraction(int(match[4]), 10 ** len(match[4]))
            return whole + int(match[8] or 0) * self._frame
        if (match := _OFFSET.fullmatch(text)) is not None:
            unit = {**_UNITS, "f": self._frame, "t": self._tick}[match[2]]
            return Fraction(match[1]) * unit
        self._found.drop(self._parser.CurrentLineNumber, f"{key}={text[:40]!r} of a {name} is no time")
        self._unknown = True
        return None

    def _said(self, text: str) -> None:
        if not (self._open and self._open[-1].preserved):
            text = re.sub(r"\s+", " ", text)
        self._add(text)

    def _add(self, text: str) -> None:
        if self._words is not None and self._names[-1] in ("p", "span", "br"):
            open_now = zip(reversed(self._open), reversed(self._names), strict=True)
            # Words of a paragraph that says when it is shown are shown then, even if they light up one by one.
            wanted = ("p",) if self._whole else ("p", "span")
            element = next(each for each, name in open_now if name in wanted)
            self._words.setdefault((element.begin, element.end), []).append(text)

    def _closed(self, name: str) -> None:
        self._open.pop()
        self._names.pop()
        if name.rpartition("|")[2] != "p" or self._words is None:
            return
        words, self._words = self._words, None
        for (begin, end), parts in sorted(words.items()):
            text = tidy(re.sub(r" +", " ", "".join(parts)).split("\n"))
            if not text or begin >= _FOREVER:
                continue
            if end >= _FOREVER:
                self._found.drop(self._words_line, "the caption has no end")
                continue
            self._found.lose("position", self._placed)
            self._found.lose("style", self._styled and not self._placed)
            self._found.add(_milliseconds(begin), _milliseconds(end), text, self._words_line)


def _milliseconds(seconds: Fraction) -> int:
    return int(seconds * 1000 + Fraction(1, 2))


def read(document: bytes, found: Found) -> None:
    """Adds what the file holds, in the order of its times. Raises UnreadableError."""
    try:
        _Reader(found).read(document)
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise UnreadableError(f"it is no XML: {error}") from None
    found.cues.sort(key=lambda cue: cue.start)
