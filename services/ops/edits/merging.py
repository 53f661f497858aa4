"""Values that a version changed, put back as they were before, where nobody changed them since. Pure.

Of each value there is `after` (the version), `before` it, and `now`; None is what is not there. A value that a later
version made another is left as it is and noted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar

import msgspec

from cutlog.contract.timeline import Effect, MediaSource, TextSource
from services.ops.edits.lane import Piece
from services.ops.edits.persistent import PersistentMap
from services.ops.edits.touching import Touch

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

_replace = msgspec.structs.replace

#: What decides which frames of which source a clip shows makes sense together only.
_FOOTAGE: Final = ("source", "frames", "speed", "reversed", "head_cut", "tail_cut")
_APART: Final = ("id", "effects", *_FOOTAGE)


class Stands(list[Touch]):
    """The values that later versions changed as well: what stands against taking a version back."""

    def value(self, after: T, before: T, now: T, *touches: Touch) -> T:
        """One value; `touches` are noted if it was changed since."""
        if after == before or now == before:
            return now
        if now == after:
            return before
        self.extend(touches)
        return now

    def fields(self, after: S, before: S, now: S, names: Iterable[str], touch: Callable[[str], Touch]) -> S:
        """Fields of one struct, each for itself; `touch` names one by its name in JSON."""
        if after is before:
            return now
        shown = {field.name: field.encode_name for field in msgspec.structs.fields(after)}
        changes = {}
        for name in names:
            mine, was, is_ = getattr(after, name), getattr(before, name), getattr(now, name)
            if mine != was and (put := self.value(mine, was, is_, touch(shown[name]))) is not is_:
                changes[name] = put
        return _replace(now, **changes) if changes else now

    def things(
        self, of: str, after: PersistentMap[S], before: PersistentMap[S], now: PersistentMap[S]
    ) -> PersistentMap[S]:
        """Structs by their ids: markers, captions."""
        if after is before:
            return now
        for id_ in changed(after, before):
            mine, was, is_ = after.get(id_), before.get(id_), now.get(id_)
            if mine is not None and was is not None and is_ is not None:
                put: S | None = self.fields(mine, was, is_, mine.__struct_fields__, _named(of, id_))
            else:
                put = self.value(mine, was, is_, Touch(of, id_, "whole"))
            if put is not is_:
                now = now.drop(id_) if put is None else now.set(id_, put)
        return now

    def piece(self, after: Piece, before: Piece, now: Piece) -> Piece:
        """A clip, without its place."""
        if after == before:
            return now
        touch = _named("clip", now.id)
        together: tuple[str, ...] = _FOOTAGE
        match after.source, before.source, now.source:
            case TextSource(text=mine), TextSource(text=was), TextSource(text=is_):
                text = self.fields(mine, was, is_, mine.__struct_fields__, _named("clip", now.id, "text."))
                now, together = _replace(now, source=TextSource(text=text)), _FOOTAGE[1:]
            case _:
                pass
        shown, other, last = ({name: getattr(piece, name) for name in together} for piece in (after, before, now))
        now = _replace(now, **self.value(shown, other, last, *map(touch, _footage(after, now))))
        now = _replace(now, effects=self._effects(after, before, now))
        joint = self.value(after.tail, before.tail, now.tail, touch("transition"))
        now = _replace(now, tail=joint)
        alone = [name for name in after.__struct_fields__ if name not in _APART and name != "tail"]
        return self.fields(after, before, now, alone, touch)

    def _effects(self, after: Piece, before: Piece, now: Piece) -> tuple[Effect, ...]:
        if after.effects == before.effects:
            return now.effects
        mine, was, is_ = ({effect.id: effect for effect in piece.effects} for piece in (after, before, now))
        result = dict(is_)
        for id_ in dict.fromkeys((*was, *mine)):
            touch = _named("clip", now.id, f"effects.{id_}.")
            m, w, i = mine.get(id_), was.get(id_), is_.get(id_)
            if m is not None and w is not None and i is not None and m.kind == w.kind == i.kind:
                params = self.params(m.params, w.params, i.params, touch)
                result[id_] = i if params == i.params else _replace(i, params=params)
                continue
            put = self.value(m, w, i, Touch("clip", now.id, f"effects.{id_}"))
            if put is None:
                result.pop(id_, None)
            else:
                result[id_] = put
        order = self.order([*mine], [*was], [*is_], lambda _: Touch("clip", now.id, "effects"))
        return tuple(result[id_] for id_ in order if id_ in result)

    def params(
        self, after: dict[str, Any], before: dict[str, Any], now: dict[str, Any], touch: Callable[[str], Touch]
    ) -> dict[str, Any]:
        """Parameters of an effect."""
        result = dict(now)
        for name in after.keys() | before.keys():
            put = self.value(after.get(name), before.get(name), now.get(name), touch(name))
            if put is not None:
                result[name] = put
            else:
                result.pop(name, None)
        return result

    def order(self, after: list[str], before: list[str], now: list[str], touch: Callable[[str], Touch]) -> list[str]:
        """The order of what is there now and of what comes back; what comes back follows what it followed."""
        moved = next((id_ for id_, other in zip(*_both(after, before), strict=True) if id_ != other), "")
        common = {*after} & {*before} & {*now}
        mine, was, is_ = ([id_ for id_ in ids if id_ in common] for ids in (after, before, now))
        if moved and mine == was:
            self.append(touch(moved))  # it is gone
        ordered = iter(self.value(mine, was, is_, touch(moved)))
        result = [next(ordered) if id_ in common else id_ for id_ in now]
        for index, id_ in enumerate(before):
            if id_ not in result and id_ not in after:
                earlier = [result.index(other) for other in before[:index] if other in result]
                result.insert(earlier[-1] + 1 if earlier else 0, id_)
        return result


def changed(after: PersistentMap[Any], before: PersistentMap[Any]) -> Iterator[str]:
    """The ids under which the two differ."""
    for id_, value in after.items():
        if before.get(id_) != value:
            yield id_
    yield from (id_ for id_ in before if id_ not in after)


def _both(one: list[str], other: list[str]) -> tuple[list[str], list[str]]:
    """What is in both, in the order of each."""
    return [id_ for id_ in one if id_ in other], [id_ for id_ in other if id_ in one]


def _named(of: str, id_: str, prefix: str = "") -> Callable[[str], Touch]:
    return lambda field: Touch(of, id_, prefix + field)


def _footage(after: Piece, now: Piece) -> list[str]:
    """The fields by which two clips show other frames, by their names in JSON."""
    found = []
    one, other = after.source, now.source
    if isinstance(one, MediaSource) and isinstance(other, MediaSource):
        found += [
            name for name, mine, is_ in (("in", one.start, other.start), ("out", one.end, other.end)) if mine != is_
        ]
    if not found and one != other and not isinstance(one, TextSource):
        found.append("source")
    shown = {field.name: field.encode_name for field in msgspec.structs.fields(Piece)}
    found += [shown[name] for name in _FOOTAGE[1:] if getattr(after, name) != getattr(now, name)]
    return found
