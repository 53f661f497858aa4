"""CMX 3600 edit lists, as Resolve, Premiere, Avid, Hiero, and OpenTimelineIO write them.

Events, speeds (M2) and comments are lines; a comment belongs to the event before it. Sound and picture of one event
are clips on tracks of their own. Where source and record disagree without a speed that says why, the record counts.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any, Final

from . import otio
from .otio import Losses, RefusedError
from .timecode import Timecode, parsed

MAX_LINES: Final = 50_000

_NUMBER: Final = re.compile(r"\d{1,8}[A-Z]?")
_KIND: Final = re.compile(r"C|D|W\d{0,4}|K[BO]?")
_CHANNEL: Final = re.compile(r"NONE|B|AA|[AV]\d{0,2}")
_SPEED: Final = re.compile(r"-?\d{1,5}(?:\.\d{1,20})?")
_COMMENT: Final = re.compile(
    r"[* \t]{0,20}(FROM CLIP NAME|TO CLIP NAME|CLIP NAME|KEY CLIP NAME|SOURCE FILE|FROM FILE|TO FILE|FROM CLIP IS|"
    r"TO CLIP IS|FROM CLIP|TO CLIP|LOC|FREEZE FRAME|ASC_SOP|ASC_SAT)\b[ \t]*:?[ \t]*(.*)",
    re.I,
)
_DROPPING: Final = re.compile(r"^[ \t]{0,20}FCM:[ \t]{0,20}DROP|\d\d;\d\d\b", re.M)
_BLACK: Final = ("BL", "BLACK")


class _Event:
    """One line of an event, with what belongs to it. Times are in frames."""

    def __init__(self, reel: str, channels: list[str], kind: str, length: int, times: list[int], number: str) -> None:
        self.reel, self.channels, self.kind, self.length, self.number = reel, channels, kind, length, number
        self.source_in, self.source_out, self.record_in, self.record_out = times
        self.speed: Fraction | None = None
        self.name = ""
        self.from_name = ""
        self.file = ""
        self.comments: list[str] = []
        self.locators: list[tuple[int, str, str]] = []

    @property
    def frames(self) -> int:
        return self.record_out - self.record_in


class _Reader:
    def __init__(self, rate: Fraction) -> None:
        self._rate, self._nominal = rate, round(rate)
        self._can_drop = rate.denominator == 1001 and self._nominal % 30 == 0
        self._dropping = False
        self.losses = Losses()
        self.title = ""
        self.events: list[_Event] = []
        self._faults: list[str] = []

    def read(self, text: str) -> None:
        """Collects the events. Raises RefusedError."""
        lines = text.splitlines()
        if len(lines) > MAX_LINES:
            raise RefusedError(f"it has more than {MAX_LINES} lines")
        for number, line in enumerate(lines, 1):
            words = line.split()
            if not words:
                continue
            head = words[0].upper()
            if head == "TITLE:":
                self.title = line.partition(":")[2].strip()
            elif head == "FCM:":
                self._dropping = "NON" not in line.upper() and "DROP" in line.upper()
                if self._dropping and not self._can_drop:
                    told = f"there is no drop-frame timecode at {float(self._rate):g} frames per second"
                    self.losses.add("timecode", f"line {number}", f"{told}; all frames were counted")
            elif head == "M2":
                self._motion(words, number)
            elif head == "AUD":
                self._sound(words)
            elif _NUMBER.fullmatch(head) is not None and len(words) > 1:
                self._event(words, number)
            elif line.lstrip().startswith("*") or _COMMENT.match(line.strip()) is not None:
                self._comment(line.strip())
            elif head not in (">>>", "SPLIT:", "FINAL", "DLEDL:", "EFFECTS", "REEL", "M3"):
                self._fault(number, line)
            elif head == "SPLIT:":
                self.losses.add(
                    "split", f"line {number}", "sound and picture begin apart from each other; that is not kept"
                )
        if self._faults and not self.events:
            raise RefusedError(self._faults[0])

    def _fault(self, number: int, line: str) -> None:
        self._faults.append(f"line {number} is no event of an EDL: {line.strip()[:60]!r}")
        self.losses.add("line", f"line {number}", "the line is neither an event nor a comment and was left out")

    def _frames(self, timecode: Timecode) -> int:
        return timecode.frame(self._nominal, (self._dropping or timecode.dropping) and self._can_drop)

    def _event(self, words: list[str], number: int) -> None:
        """`001  REEL  V  D 010  source in, out, record in, out`; a reel may be several words."""
        times = [parsed(word) for word in words[-4:]]
        rest = words[1:-4]
        length = rest.pop() if rest and rest[-1].isdigit() and len(rest) > 2 else ""
        if not all(times) or len(rest) < 2 or _KIND.fullmatch(rest[-1].upper()) is None:
            self._fault(number, " ".join(words))
            return
        kind = rest.pop().upper()
        channels = rest.pop().upper().replace("+", "/").split("/")
        if not all(_CHANNEL.fullmatch(channel) for channel in channels):
            self._fault(number, " ".join(words))
            return
        frames = [self._frames(each) for each in times if each is not None]
        if frames[3] < frames[2] or frames[1] < frames[0]:
            self.losses.add("event", f"line {number}", "the event ends before it begins, and was left out")
            return
        reel = " ".join(rest)
        self.events.append(_Event(reel, _expanded(channels), kind, int(length[:4] or 0), frames, words[0]))

    def _motion(self, words: list[str], number: int) -> None:
        """`M2  REEL  -024.0  entry`: of the event before it; of two with one number, of that with the entry."""
        told = words[1:]
        entry = parsed(told[-1]) if told else None
        if entry is not None:
            told.pop()
        if not told or not self.events or _SPEED.fullmatch(told[-1]) is None:
            self.losses.add("speed", f"line {number}", "the speed can't be read")
            return
        last = self.events[-1]
        same = [event for event in self.events[-4:] if event.number == last.number and event.frames]
        event = last
        for each in same:
            if entry is not None and each.source_in == self._frames(entry) and each.speed is None:
                event = each
                break
        event.speed = self._scalar(told[-1])

    def _sound(self, words: list[str]) -> None:
        """`AUD  3  4`: more channels of the event before it."""
        if self.events:
            self.events[-1].channels += [f"A{word}" for word in words[1:] if word.isdigit() and len(word) < 3]

    def _comment(self, line: str) -> None:
        if not self.events:
            return
        event = self.events[-1]
        match = _COMMENT.match(line)
        told, value = (match[1].upper(), match[2].strip()) if match is not None else ("", "")
        # Of a transition, what stands before `TO` is of what it comes from.
        before = self._before(event)
        mine = before if before is not None and not event.name else event
        if told.startswith("TO "):
            mine = event
        match told:
            case "FROM CLIP NAME" | "CLIP NAME" | "TO CLIP NAME":
                mine.name = mine.name or value
                if mine is before:
                    event.from_name = value
            case "KEY CLIP NAME":
                self.losses.add("key", value, "the clip is a key; it lies over the others without its mask")
            case "SOURCE FILE" | "FROM FILE" | "TO FILE" | "FROM CLIP" | "TO CLIP":
                mine.file = mine.file or value
            case "LOC":
                self._locator(event, value)
            case "FREEZE FRAME":
                mine.speed = Fraction(0)
                mine.name = mine.name.removesuffix(" FF")
            case "ASC_SOP" | "ASC_SAT":
                self.losses.add("effect", mine.name or mine.reel, "the colour decision (ASC CDL) is not kept")
            case _:
                mine.comments.append(line.lstrip("* "))

    def _before(self, event: _Event) -> _Event | None:
        """What a transition comes from: the line before it with its number, or the clip before that."""
        if event.kind == "C" or len(self.events) < 2:
            return None
        first = self.events[-2]
        if first.frames or len(self.events) < 3:
            return first
        return self.events[-3] if self.events[-3].record_out == first.record_in else first

    def _locator(self, event: _Event, value: str) -> None:
        words = value.split()
        at = parsed(words[0]) if words else None
        if at is None:
            self.losses.add("marker", event.name or event.reel, "the time of a marker can't be read")
            return
        color = words[1] if len(words) > 1 else ""
        event.locators.append((self._frames(at), color, " ".join(words[2:])))

    # --- events as tracks ---

    def timeline(self) -> dict[str, Any]:
        """OpenTimelineIO's timeline."""
        lanes: dict[str, list[_Event]] = {}
        for event in self.events:
            for channel in dict.fromkeys(event.channels):
                if event.frames:
                    lanes.setdefault(channel, []).append(event)
        tracks = []
        for channel, events in sorted(lanes.items(), key=lambda lane: _order(lane[0])):
            kind = "Video" if channel.startswith("V") else "Audio"
            for number, lane in enumerate(_apart(events), 1):
                name = channel if number == 1 else f"{channel} {number}"
                tracks.append(self._track(name, kind, lane))
        return otio.timeline(self.title, otio.stack("tracks", tracks), self._rate, self.losses)

    def _track(self, name: str, kind: str, events: list[_Event]) -> dict[str, Any]:
        children: list[dict[str, Any]] = []
        end = begin = events[0].record_in
        for index, event in enumerate(events):
            following = events[index + 1] if index + 1 < len(events) else None
            start, stop = event.record_in, event.record_out
            if event.kind.startswith(("D", "W")) and self._fades_out(events, index):
                start = min(stop, start + event.length)
            fade = 0
            if following is not None and self._fades_out(events, index + 1):
                # A fade to black shows the clip while it lasts.
                fade = following.length
                stop = min(following.record_out, stop + fade)
            if start > end:
                children.append(otio.gap(start - end, self._rate))
            if stop <= start:
                continue
            if event.kind.startswith(("D", "W")) and event.length and start == event.record_in:
                children.append(self._transition(event))
            children.append(self._clip(event, stop - start))
            if fade:
                children.append(otio.transition("fade", "SMPTE_Dissolve", fade, 0, self._rate))
            end = stop
        track = otio.track(name, kind, children)
        if begin:
            # The record begins at some hour; where 0 is, is for whoever lays it out.
            track["source_range"] = otio.span(-begin, end - begin, self._rate)
        return track

    @staticmethod
    def _fades_out(events: list[_Event], index: int) -> bool:
        event = events[index]
        joined = index > 0 and events[index - 1].record_out == event.record_in
        return event.kind.startswith("D") and event.reel.upper() in _BLACK and joined and event.length > 0

    def _transition(self, event: _Event) -> dict[str, Any]:
        kind = "SMPTE_Dissolve" if event.kind == "D" else f"SMPTE_Wipe {event.kind}"
        return otio.transition(f"{event.kind} {event.number}", kind, 0, event.length, self._rate)

    def _clip(self, event: _Event, frames: int) -> dict[str, Any]:
        name = event.name or event.from_name or event.reel
        effects = []
        length = event.source_out - event.source_in
        if event.speed is not None:
            if event.speed != 1:
                effects.append(otio.speed(event.speed))
        elif length != event.frames and event.reel.upper() not in _BLACK:
            told = f"source has {length} frames and record {event.frames}, and no line M2 says why"
            self.losses.add("source-range", name, f"{told}; it plays at its own speed for as long as the record")
        if event.kind.startswith("K"):
            self.losses.add("key", name, "the clip is a key; it lies over the others without its mask")
        if event.reel.upper() in _BLACK:
            reference = otio.generator("black")
        elif event.reel.upper() == "BARS":
            reference = otio.generator("SMPTEBars")
        else:
            reference = otio.external(name, event.file)
        # Locators are in the time of the record.
        markers = [
            otio.marker(label, event.source_in + at - event.record_in, self._rate, color=color)
            for at, color, label in event.locators
        ]
        return otio.clip(
            name, otio.span(event.source_in, frames, self._rate), reference, effects=effects, markers=markers,
            metadata={"cmx_3600": {"reel": event.reel, "comments": event.comments}},
        )  # fmt: skip

    def _scalar(self, text: str) -> Fraction:
        """The speed of a clip. M2 counts in nominal or in real frames a second, as a rule with one digit after the
        point; so the simplest speed is meant that is written so."""
        told, digits = Fraction(text), min(len(text.partition(".")[2]), 4)
        nearest = Fraction(1, 2 * 10 ** max(1, digits))
        for limit in range(1, 11):
            for rate in (Fraction(self._nominal), self._rate):
                simple = (told / rate).limit_denominator(limit)
                if abs(simple * rate - told) <= nearest:
                    return simple
        return told / (self._nominal if digits <= 1 else self._rate)


def _expanded(channels: list[str]) -> list[str]:
    """The tracks that channels mean: AA is two of sound, B is both, NONE nothing."""
    meant = {"AA": ["A1", "A2"], "A": ["A1"], "V": ["V1"], "B": ["V1", "A1"], "NONE": []}
    return [name for channel in channels for name in meant.get(channel, [channel])]


def _order(channel: str) -> tuple[bool, int]:
    return channel.startswith("A"), int(channel[1:] or 1)


def _apart(events: list[_Event]) -> list[list[_Event]]:
    """Events in order of time, on as many lanes as they need to be side by side; later ones lie above."""
    lanes: list[list[_Event]] = []
    for event in sorted(events, key=lambda event: event.record_in):
        for lane in lanes:
            if lane[-1].record_out <= event.record_in:
                lane.append(event)
                break
        else:
            lanes.append([event])
    return lanes


def read(text: str, rate: Fraction) -> dict[str, Any]:
    """The timeline of an edit list that is counted at `rate`. Raises RefusedError."""
    if "\0" in text:
        raise RefusedError("it is not text")
    if rate.denominator == 1 and rate % 30 == 0 and _DROPPING.search(text) is not None:
        # Only 29.97 and 59.94 frames a second drop numbers.
        rate = rate * 1000 / 1001
    reader = _Reader(rate)
    reader.read(text)
    return reader.timeline()
