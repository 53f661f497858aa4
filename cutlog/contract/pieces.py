"""JSON of large values, in many short calls: a thread that makes or reads it in one keeps all others waiting. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from cutlog.contract.timeline import Clip, Timeline, Track

T = TypeVar("T", bound=msgspec.Struct)

_AT_ONCE: Final = 4
"""Structs of a list that are encoded by one call."""


def encoded(value: Any) -> bytes:
    """What `msgspec.json.encode` gives. To be called in a thread."""
    return msgspec.json.encode(_prepared(value))


def _prepared(value: Any) -> Any:
    """The value with all lists of structs in it encoded."""
    if not isinstance(value, msgspec.Struct) or value.__struct_config__.array_like:
        return value
    done: dict[str, Any] = {}
    for name in value.__struct_fields__:
        inside = getattr(value, name)
        if isinstance(inside, list | tuple) and inside and isinstance(inside[0], msgspec.Struct):
            done[name] = msgspec.Raw(_listed(inside))
        elif isinstance(inside, msgspec.Struct) and (prepared := _prepared(inside)) is not inside:
            done[name] = prepared
    return msgspec.structs.replace(value, **done) if done else value


def _listed(items: Sequence[Any]) -> bytes:
    pieces = []
    for start in range(0, len(items), _AT_ONCE):
        some = [_prepared(item) for item in items[start : start + _AT_ONCE]]
        pieces.append(msgspec.json.encode(some)[1:-1])
    return b"[" + b",".join(pieces) + b"]"


def timeline(body: bytes) -> Timeline:
    """What `msgspec.json.decode` gives. To be called in a thread. Raises as that does."""
    shell = _TIMELINE.decode(body)
    return _filled(Timeline, shell, "tracks", [_track(each) for each in shell.tracks])


def _track(body: msgspec.Raw) -> Track:
    shell = _TRACK.decode(body)
    return _filled(Track, shell, "clips", [_CLIP.decode(each) for each in shell.clips])


def _filled(kind: type[T], shell: Any, name: str, items: Sequence[Any]) -> T:
    values = {each: getattr(shell, each) for each in shell.__struct_fields__}
    return kind(**values | {name: tuple(items)})


def _shell(kind: type[msgspec.Struct], name: str) -> type[Any]:
    """The same struct, of which one list is not decoded."""
    fields = []
    for each in msgspec.structs.fields(kind):
        of = tuple[msgspec.Raw, ...] if each.name == name else each.type
        how = {"default": each.default} if each.default is not msgspec.NODEFAULT else {}
        if each.default_factory is not msgspec.NODEFAULT:
            how = {"default_factory": each.default_factory}
        fields.append((each.name, of, msgspec.field(name=each.encode_name, **how)))
    return msgspec.defstruct(kind.__name__, fields, kw_only=True)


_TIMELINE: Final = msgspec.json.Decoder(_shell(Timeline, "tracks"))
_TRACK: Final = msgspec.json.Decoder(_shell(Track, "clips"))
_CLIP: Final = msgspec.json.Decoder(Clip)
