"""Parts of a clip, and clips that grow into their handles: what of the source they show, and what happens to values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.properties import Animated, Keyframes, faster, later, value_at
from cutlog.contract.timeline import Effect, MediaSource, Speed, TextSource, frame_shown
from services.ops.edits.errors import EditError
from services.ops.edits.lane import Piece

_replace = msgspec.structs.replace

#: Fields of a piece that may have keyframes; parameters of effects and the place of a text may, too.
ANIMATED: Final = ("gain_db", "x", "y", "scale", "rotation", "opacity", "pan")

NORMAL: Final = Speed(num=1, den=1)


def cut(piece: Piece, start: int, end: int) -> Piece:
    """Frames [start, end) of a clip, each showing what it showed. Fades are cut off, not made shorter."""
    part = _excerpt(piece, start, end)
    if _fades(piece):
        part = _replace(part, head_cut=piece.head_cut + start, tail_cut=piece.tail_cut + piece.frames - end)
    return part if end == piece.frames else _replace(part, tail=None)


def trimmed(piece: Piece, start: int, end: int) -> Piece:
    """Frames [start, end) of a clip, counted from its own start. They may lie outside of it: then it grows.

    Fades stay at the edges; what a split cut off of them comes back first.
    """
    part = _excerpt(piece, start, end)
    if piece.head_cut or piece.tail_cut:
        grown = max(0, end - piece.frames)
        part = _replace(part, head_cut=max(0, piece.head_cut - max(0, -start)), tail_cut=max(0, piece.tail_cut - grown))
    return part


def _excerpt(piece: Piece, start: int, end: int) -> Piece:
    if start == 0 and end == piece.frames:
        return piece
    changes = values(piece, lambda value: later(value, start)) if start else {}
    source = piece.source
    if isinstance(source, MediaSource):
        speed = piece.speed or NORMAL
        length = source.end - source.start
        first, phase = divmod(start * speed.num + speed.phase, speed.den)
        if end == piece.frames:
            last = length
        elif end < piece.frames:
            last = min(length, _up(end * speed.num + speed.phase, speed.den))
        else:
            last = max(length, ((end - 1) * speed.num + speed.phase) // speed.den + 1)
        changes["source"] = _window(source, piece.reversed, first, last)
        if piece.speed is not None:
            changes["speed"] = _replace(piece.speed, phase=phase)
    return _replace(piece, frames=end - start, **changes)


def _window(source: MediaSource, is_reversed: bool, first: int, last: int) -> MediaSource:
    """Source frames from the `first`-th to before the `last`-th in the order in which they are played."""
    if is_reversed:
        return _replace(source, start=source.end - last, end=source.end - first)
    return _replace(source, start=source.start + first, end=source.start + last)


class Trim(NamedTuple):
    """A clip with other ends: `head` frames of the timeline are gone at its start, negative if it grew."""

    piece: Piece
    head: int

    def tail(self, before: Piece) -> int:
        """Frames that its end moved by."""
        return self.head + self.piece.frames - before.frames


def source_trim(piece: Piece, start: int | UnsetType, end: int | UnsetType) -> Trim:
    """A clip trimmed to source frames [start, end). Raises EditError.

    An end that is given lies on the edge of a source frame: what a split left inside of one is given up.
    """
    source = piece.source
    pointer = "/out" if end is not UNSET else "/in"
    if not isinstance(source, MediaSource):
        first = 0 if start is UNSET else start
        last = piece.frames if end is UNSET else end
        _in_before_out(first, last, pointer)
        return Trim(trimmed(piece, first, last), first)
    new = _replace(
        source,
        start=source.start if start is UNSET else start,
        end=source.end if end is UNSET else end,
    )
    _in_before_out(new.start, new.end, pointer)
    leads, trails = (end, start) if piece.reversed else (start, end)
    speed = piece.speed or NORMAL
    phase = speed.phase if leads is UNSET else 0
    short = _count(source.end - source.start, speed, speed.phase) - piece.frames
    lead = new.start - source.start if not piece.reversed else source.end - new.end
    head = 0
    if leads is not UNSET:
        head = piece.frames - (_count(source.end - source.start - lead, speed, phase) - short)
    frames = _count(new.end - new.start, speed, phase) - (short if trails is UNSET else 0)
    if frames <= 0:
        raise EditError(pointer, "no frame of the clip would be left; trim less, or remove it")
    part = trimmed(piece, head, head + frames)
    return Trim(_replace(part, source=new, speed=piece.speed and _replace(piece.speed, phase=phase)), head)


def _in_before_out(start: int, end: int, pointer: str) -> None:
    if start >= end:
        raise EditError(pointer, f"in is {start} and out is {end}; out must be greater than in")


def run(piece: Piece, speed: Speed) -> Piece:
    """The clip at another speed, with its source frames; as long as they last. Keyframes keep to their frames."""
    source, old = piece.source, piece.speed or NORMAL
    assert isinstance(source, MediaSource), "what has no source frames has no speed"
    num, den = speed.num * old.den, speed.den * old.num
    changes = values(piece, lambda value: faster(value, num, den))
    frames = _count(source.end - source.start, speed, 0)
    return _replace(piece, frames=frames, speed=None if speed.num == speed.den else speed, **changes)


def held(piece: Piece, frame: int) -> Piece:
    """The clip with the values that it has at one of its frames, and no fades: they stand still."""
    changes = values(piece, lambda value: value_at(value, frame))
    return _replace(
        piece, fade_in=0, fade_out=0, audio_fade_in=0, audio_fade_out=0, head_cut=0, tail_cut=0, tail=None, **changes
    )


def values(piece: Piece, change: Callable[[Keyframes], Animated]) -> dict[str, Any]:
    """The fields of a piece that have keyframes, changed."""
    changes: dict[str, Any] = {}
    for name in ANIMATED:
        if isinstance(value := getattr(piece, name), Keyframes):
            changes[name] = change(value)
    if any(isinstance(value, Keyframes) for effect in piece.effects for value in effect.params.values()):
        changes["effects"] = tuple(_effect(effect, change) for effect in piece.effects)
    if isinstance(piece.source, TextSource):
        text = piece.source.text
        moved = {name: change(value) for name in ("x", "y") if isinstance(value := getattr(text, name), Keyframes)}
        if moved:
            changes["source"] = TextSource(text=_replace(text, **moved))
    return changes


def _effect(effect: Effect, change: Callable[[Keyframes], Animated]) -> Effect:
    params = {name: change(value) if isinstance(value, Keyframes) else value for name, value in effect.params.items()}
    return _replace(effect, params=params)


def shown_at(piece: Piece, frame: int) -> int:
    """The source frame that a clip of a media shows at one of its frames."""
    assert isinstance(piece.source, MediaSource)
    return frame_shown(piece.source, piece.speed, piece.reversed, frame)


class Handles(NamedTuple):
    """Frames of the timeline that a clip could grow by at either end; None: as many as one likes."""

    head: int | None
    tail: int | None


def handles(piece: Piece, frames: int | None) -> Handles:
    """The handles of a clip of a media that has so many frames."""
    if not isinstance(piece.source, MediaSource) or frames is None:
        return Handles(None, None)
    speed = piece.speed or NORMAL
    start, end = piece.source.start, piece.source.end
    before, from_start = (frames - end, end) if piece.reversed else (start, frames - start)
    return Handles(
        (before * speed.den + speed.phase) // speed.num,
        max(0, _count(from_start, speed, speed.phase) - piece.frames),
    )


def lasting(length: int, speed: Speed | None) -> int:
    """Frames for which so many source frames last at a speed."""
    speed = speed or NORMAL
    return _count(length, speed, speed.phase)


def _fades(piece: Piece) -> bool:
    return bool(piece.fade_in or piece.fade_out or piece.audio_fade_in or piece.audio_fade_out)


def _count(length: int, speed: Speed, phase: int) -> int:
    """Frames for which so many source frames last."""
    return _up(length * speed.den - phase, speed.num)


def _up(number: int, by: int) -> int:
    return -(-number // by)
