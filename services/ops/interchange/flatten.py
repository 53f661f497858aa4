"""Compositions of any depth as lanes of clips in order of time. Exact: times are fractions of seconds."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Final, Literal

import msgspec

from services.ops.interchange import schema
from services.ops.interchange.conform import seconds
from services.ops.interchange.losses import Ledger
from services.ops.interchange.schema import MalformedError, known

MAX_DEPTH: Final = 16
ZERO: Final = Fraction(0)
HOUR: Final = 3600
LEADER: Final = 600
"""Seconds of nothing at most before the first event of an EDL."""

Kind = Literal["video", "audio"]
Window = tuple[Fraction, Fraction]
"""Seconds of the timeline outside of which nothing is laid."""

ALWAYS: Final[Window] = (ZERO, Fraction(10**9))


class Span(msgspec.Struct):
    """A clip on [start, end) seconds of the timeline; `skipped` seconds of it were cut off at its head."""

    start: Fraction
    end: Fraction
    clip: schema.Clip
    skipped: Fraction = ZERO
    trimmed: bool = False


class Cut(msgspec.Struct):
    """A transition at a moment of a lane."""

    at: Fraction
    transition: schema.Transition


class Laid(msgspec.Struct):
    """One track to be: `track` is that of the file, if it stands for the whole of one."""

    kind: Kind
    track: schema.Track | None = None
    spans: list[Span] = []
    cuts: list[Cut] = []


class Flattener:
    """Lays out the tracks of one timeline."""

    def __init__(self, losses: Ledger) -> None:
        self._losses = losses
        self._lanes: dict[tuple[int, ...], Laid] = {}

    def timeline(self, stack: schema.Stack) -> list[Laid]:
        """The lanes from the bottom to the top. Raises MalformedError."""
        if stack.source_range is not None:
            self._losses.add("range", "timeline", "the range of the whole timeline is not applied")
        children = [part(child) for child in stack.children]
        origin = self._origin(children)
        for index, child in enumerate(children):
            key = (index,)
            match child:
                case schema.Track():
                    self._lanes[key] = Laid(_kind(child), child)
                    self._track(child, key, origin)
                case schema.Stack() | schema.Clip():
                    self._lanes[key] = Laid("video")
                    self._item(child, key, ZERO, ALWAYS, 0)
                case schema.Gap() | schema.Transition():
                    pass
                case schema.Unknown(schema=name):
                    self._losses.add("object", name, f"{name} is not known and was left out")
        return [lane for _, lane in sorted(self._lanes.items())]

    def _origin(self, children: list[schema.Child]) -> Fraction:
        """Where an EDL's record time begins, whose tracks have a negative start: at the whole hour before its first
        event, or, if that is far, with the event."""
        starts = [
            -seconds(child.source_range.start_time)
            for child in children
            if isinstance(child, schema.Track) and child.source_range is not None
        ]
        first = min((start for start in starts if start > 0), default=ZERO)
        origin = first // HOUR * Fraction(HOUR)
        if first - origin > LEADER:
            origin = first
        if origin:
            self._losses.add("start-timecode", "timeline", f"the timeline begins at 0, not after {float(origin):g} s")
        return origin

    def _track(self, track: schema.Track, key: tuple[int, ...], origin: Fraction) -> None:
        """A track of the timeline. Its range trims it; one that begins before 0 moves it later, as EDLs want."""
        at, window = ZERO, ALWAYS
        if track.source_range is not None:
            start = seconds(track.source_range.start_time)
            if start < 0:
                at = -start - origin
            else:
                at, window = -start, (ZERO, seconds(track.source_range.duration))
        for effect in track.effects:
            self._lost_effect(effect, track.name or "a track")
        self._children(track, key, at, window, 0)

    def _item(self, item: schema.Child, key: tuple[int, ...], at: Fraction, window: Window, depth: int) -> None:
        if depth > MAX_DEPTH:
            raise MalformedError(f"compositions are nested more than {MAX_DEPTH} deep")
        end = at + self.length(item, depth)
        start, stop = max(at, window[0]), min(end, window[1])
        if start >= stop:
            return
        match item:
            case schema.Clip():
                cut = start > at or stop < end
                self._lanes[key].spans.append(Span(start, stop, item, start - at, cut))
            case schema.Track() | schema.Stack():
                self._losses.add("nesting", item.name or "a composition", "a nested composition was laid out flat")
                self._nested(item, key, (at, start, stop), depth + 1)
            case schema.Unknown(schema=name):
                self._losses.add("object", name, f"{name} is not known; in its place is a gap")
            case _:
                pass

    def _nested(
        self, item: schema.Track | schema.Stack, key: tuple[int, ...], extent: tuple[Fraction, Fraction, Fraction],
        depth: int,
    ) -> None:  # fmt: skip
        at, start, stop = extent
        for effect in item.effects:
            self._lost_effect(effect, item.name or "a composition")
        shift = seconds(item.source_range.start_time) if item.source_range is not None else ZERO
        members = [item] if isinstance(item, schema.Track) else [part(child) for child in item.children]
        for number, member in enumerate(members):
            if isinstance(member, schema.Gap | schema.Transition):
                continue
            kind = _kind(member) if isinstance(member, schema.Track) else self._lanes[key].kind
            lane = key if number == 0 and kind == self._lanes[key].kind else (*key, number)
            self._lanes.setdefault(lane, Laid(kind))
            if isinstance(member, schema.Track):
                inner = at - shift
                own = member.source_range if member is not item else None
                inner -= seconds(own.start_time) if own is not None else ZERO
                self._children(member, lane, inner, (start, stop), depth)
            else:
                self._item(member, lane, at - shift, (start, stop), depth)

    def _children(self, track: schema.Track, key: tuple[int, ...], at: Fraction, window: Window, depth: int) -> None:
        for value in track.children:
            child = part(value)
            if isinstance(child, schema.Transition):
                self._lanes[key].cuts.append(Cut(at, child))
                continue
            self._item(child, key, at, window, depth)
            at += self.length(child, depth)

    def length(self, item: schema.Child, depth: int = 0) -> Fraction:
        """How long an item is, in seconds; nothing if that is not known."""
        if depth > MAX_DEPTH:
            raise MalformedError(f"compositions are nested more than {MAX_DEPTH} deep")
        if isinstance(item, schema.Transition):
            return ZERO
        if item.source_range is not None:
            return max(ZERO, seconds(item.source_range.duration))
        match item:
            case schema.Clip():
                extent = getattr(reference_of(item), "available_range", None)
                return ZERO if extent is None else max(ZERO, seconds(extent.duration))
            case schema.Track():
                return sum((self.length(part(child), depth + 1) for child in item.children), ZERO)
            case schema.Stack():
                return max((self.length(part(child), depth + 1) for child in item.children), default=ZERO)
            case _:
                return ZERO

    def _lost_effect(self, value: object, where: str) -> None:
        effect = known(value)
        name = getattr(effect, "effect_name", None) or getattr(effect, "schema", None) or effect.name
        self._losses.add("effect", where, f"effect {name} of a whole composition was left out")


def part(value: object) -> schema.Child:
    """An object as a part of a composition. Raises MalformedError."""
    found = known(value)
    if isinstance(found, schema.Child):
        return found
    raise MalformedError(f"{type(found).__name__} is no part of a timeline")


def reference_of(clip: schema.Clip) -> schema.Reference:
    """The media reference that is active; malformed ones raise."""
    value = clip.media_references.get(clip.active_media_reference_key)
    if value is None:
        return schema.MissingReference()
    reference = known(value)
    if isinstance(reference, schema.Reference):
        return reference
    raise MalformedError(f"clip {clip.name}: {type(reference).__name__} is no reference to media")


def clips_of(value: object, depth: int = 0) -> Iterator[schema.Clip]:
    """Every clip of a composition."""
    found = known(value)
    if isinstance(found, schema.Clip):
        yield found
    elif isinstance(found, schema.Track | schema.Stack):
        if depth > MAX_DEPTH:
            raise MalformedError(f"compositions are nested more than {MAX_DEPTH} deep")
        for child in found.children:
            yield from clips_of(child, depth + 1)


def _kind(track: schema.Track) -> Kind:
    return "audio" if track.kind == "Audio" else "video"
