"""`proto/` and `cutlog/contract` say the same, field by field."""

from __future__ import annotations

import types
import typing
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType
from typing import Any

import msgspec
import pytest

from cutlog.contract import amounts, commands, envelope, events, imports, jobs, media, timeline
from cutlog.contract.properties import Keyframes
from cutlog.contract.time import Fps

MODULES = (amounts, media, timeline, imports, events, commands, jobs, envelope)
SOURCES = (timeline.MediaSource, timeline.ColorSource, timeline.TextSource, timeline.FreezeSource)
#: What messages share: its fields are checked as theirs.
BASES = (timeline.ClipContent,)
STRUCT = "google.protobuf.Struct"
VALUE = "google.protobuf.Value"

#: Python types whose message has another name: the envelope before and after decoding, and the kinds of source.
NAMES: dict[type, str] = {envelope.RawEvent: "Event"} | dict.fromkeys(SOURCES, "Source")


@dataclass(frozen=True)
class Shape:
    """What both sides must agree on. `kind` is str, int, float, bool or a message; `presence`: absent is not zero."""

    kind: str
    repeated: bool = False
    mapped: bool = False
    presence: bool = False


def _structs(module: ModuleType) -> Iterator[type[msgspec.Struct]]:
    for value in dict.fromkeys(v for v in vars(module).values() if isinstance(v, type)):
        if issubclass(value, msgspec.Struct) and value.__module__ == module.__name__:
            yield value


TYPES = [kind for module in MODULES for kind in _structs(module) if kind not in BASES]


def _plain(hint: Any) -> Any:
    """The type without Annotated and NewType."""
    while True:
        if typing.get_origin(hint) is typing.Annotated:
            hint = typing.get_args(hint)[0]
        elif isinstance(hint, typing.NewType):
            hint = hint.__supertype__
        else:
            return hint


def _python(hint: Any, *, presence: bool) -> Shape:
    hint = _plain(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        members = [_plain(arg) for arg in args if arg not in (type(None), msgspec.UnsetType)]
        if set(members) == set(SOURCES):
            return Shape("Source", presence=True)
        if Keyframes in members:
            return Shape(VALUE, presence=True)  # a number or keyframes; of an effect, words too
        if len(members) > 1:
            assert all(issubclass(member, msgspec.Struct) for member in members)
            return Shape(STRUCT, presence=True)  # one of several messages, told apart by `type`
        return _python(members[0], presence=True)
    if origin is typing.Literal:
        return Shape("str", presence=presence)
    if origin is tuple:
        return Shape(_python(args[0], presence=False).kind, repeated=True)
    if origin is dict and args[1] is not Any:
        return Shape(_python(args[1], presence=False).kind, mapped=True)
    if origin is dict or hint is msgspec.Raw:
        return Shape(STRUCT, presence=True)
    if hint is Fps:
        return Shape("int", repeated=True)
    if hint is datetime:
        return Shape("google.protobuf.Timestamp", presence=True)
    if hint is uuid.UUID:
        return Shape("str", presence=presence)
    if issubclass(hint, msgspec.Struct):
        return Shape(NAMES.get(hint, hint.__name__), presence=True)
    return Shape({str: "str", int: "int", float: "float", bool: "bool"}[hint], presence=presence)


def python_shapes(kind: type[msgspec.Struct]) -> dict[str, Shape]:
    """JSON name → shape, of a msgspec type. A tag is a string like any other."""
    hints = typing.get_type_hints(kind, include_extras=True)
    tag = kind.__struct_config__.tag_field
    shapes = {tag: Shape("str")} if tag else {}
    for field in msgspec.structs.fields(kind):
        plain_default = field.default in (msgspec.NODEFAULT, None, 0, "", False)
        shapes[field.encode_name] = _python(hints[field.name], presence=not plain_default)
    return shapes


def proto_shapes(descriptor: Any) -> dict[str, Shape]:
    """JSON name → shape, of a protobuf message."""
    from google.protobuf.descriptor import FieldDescriptor as F  # type: ignore[import-untyped]

    kinds = {F.CPPTYPE_STRING: "str", F.CPPTYPE_INT32: "int", F.CPPTYPE_INT64: "int", F.CPPTYPE_DOUBLE: "float",
             F.CPPTYPE_BOOL: "bool"}  # fmt: skip
    shapes = {}
    for field in descriptor.fields:
        message = field.message_type
        if message is not None and message.GetOptions().map_entry:
            value = message.fields_by_name["value"]
            shapes[field.json_name] = Shape(_name(value.message_type), mapped=True)
        elif message is not None:
            shapes[field.json_name] = Shape(_name(message), repeated=field.is_repeated, presence=not field.is_repeated)
        else:
            shapes[field.json_name] = Shape(
                kinds[field.cpp_type], repeated=field.is_repeated, presence=field.has_presence
            )
    return shapes


def _name(descriptor: Any) -> str:
    return str(descriptor.full_name).removeprefix("cutlog.v1.")


@pytest.mark.parametrize("kind", [k for k in TYPES if k not in SOURCES], ids=lambda kind: kind.__name__)
def test_a_python_type_and_its_message_have_the_same_fields(kind: type[msgspec.Struct], descriptors: Any) -> None:
    message = descriptors.FindMessageTypeByName(f"cutlog.v1.{NAMES.get(kind, kind.__name__)}")
    assert proto_shapes(message) == python_shapes(kind)


def test_the_source_message_is_the_union_of_the_kinds_of_source(descriptors: Any) -> None:
    union: dict[str, Shape] = {}
    for kind in SOURCES:
        union |= python_shapes(kind)
    assert proto_shapes(descriptors.FindMessageTypeByName("cutlog.v1.Source")) == union


def test_every_message_has_a_python_type_and_every_python_type_a_message(descriptors: Any) -> None:
    messages = {
        name
        for module in MODULES
        for name in descriptors.FindFileByName(
            f"cutlog/v1/{module.__name__.rpartition('.')[2]}.proto"
        ).message_types_by_name
    }
    assert messages == {NAMES.get(kind, kind.__name__) for kind in TYPES}


def test_every_event_type_is_a_message_of_events_proto(descriptors: Any) -> None:
    declared = descriptors.FindFileByName("cutlog/v1/events.proto").message_types_by_name
    assert set(declared) == set(envelope.TYPES)
