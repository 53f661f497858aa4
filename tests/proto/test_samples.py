"""One payload per event type, kept for ever: both JSON readers take it, and neither loses anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cutlog.contract import envelope
from cutlog.contract.upcasting import UPCASTERS

SAMPLES = Path(__file__).parents[2] / "proto" / "samples"
FILES = sorted(SAMPLES.glob("*.v*.json"))

#: Lists that Python says are absent, by `null` or by nothing, which protobuf can't tell from an empty one.
NULLABLE_LISTS = ("sar", "fps", "undoes")


def _type(path: Path) -> str:
    return path.name.partition(".")[0]


def _message(descriptors: Any, path: Path) -> Any:
    from google.protobuf import message_factory  # type: ignore[import-untyped]

    return message_factory.GetMessageClass(descriptors.FindMessageTypeByName(f"cutlog.v1.{_type(path)}"))()


def _without_empty_rationals(value: Any) -> Any:
    match value:
        case dict():
            return {k: _without_empty_rationals(v) for k, v in value.items() if not (k in NULLABLE_LISTS and v == [])}
        case list():
            return [_without_empty_rationals(v) for v in value]
        case _:
            return value


def test_every_event_type_has_a_sample_and_every_sample_a_type() -> None:
    assert {_type(path) for path in FILES} == set(envelope.TYPES) | set(UPCASTERS), "retired types keep their samples"
    assert not set(envelope.TYPES) & set(UPCASTERS)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_msgspec_reads_a_sample_and_writes_it_back_equal(path: Path) -> None:
    data = envelope.decode(_type(path), path.read_bytes())
    if _type(path) in UPCASTERS:
        return  # it is said in other words today; that it is read is all
    assert msgspec.json.decode(envelope.encode(data)) == msgspec.json.decode(path.read_bytes())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_protobuf_reads_what_msgspec_writes_without_an_unknown_field(path: Path, descriptors: Any) -> None:
    from google.protobuf import json_format

    original = json_format.Parse(path.read_bytes(), _message(descriptors, path), descriptor_pool=descriptors)
    payload = envelope.encode(envelope.decode(_type(path), path.read_bytes()))
    again = json_format.Parse(payload, _message(descriptors, path), descriptor_pool=descriptors)
    assert again == original


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_msgspec_reads_what_protobuf_writes(path: Path, descriptors: Any) -> None:
    from google.protobuf import json_format

    message = json_format.Parse(path.read_bytes(), _message(descriptors, path), descriptor_pool=descriptors)
    written = json_format.MessageToDict(message, always_print_fields_with_no_presence=True, descriptor_pool=descriptors)
    # proto3 JSON writes 64-bit integers as strings, which strict=False takes.
    read = msgspec.convert(_without_empty_rationals(written), envelope.TYPES[_type(path)], strict=False)
    assert read == envelope.decode(_type(path), path.read_bytes())
