"""Bytes from outside to typed values: strict JSON (RFC 8259 and I-JSON, RFC 7493), query strings and path values.

Refused, with a pointer where there is one: duplicate keys, NaN and Infinity, lone surrogates, NUL characters
(PostgreSQL cannot hold them), integers beyond ±(2^53 - 1), numbers beyond a double, more than 64 levels, more than
50,000 arrays.
"""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, Final, TypeVar, get_args

import msgspec

from cutlog.contract.answers.problems import ProblemError
from cutlog.web.faults import MAX_FAULTS, faults
from cutlog.web.nesting import MAX_DEPTH, too_deep
from cutlog.web.pointer import located, pointer
from cutlog.web.problems import MALFORMED_JSON, Problem, invalid

T = TypeVar("T")

MAX_INTEGER = 2**53 - 1
MAX_ARRAYS: Final = 50_000
"""The parser makes all arrays of arrays in one call, in which no other thread gets its turn."""
_BEYOND = "Beyond ±(2^53 - 1)"
_SUSPICIOUS = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_LONG_NUMBER = re.compile(rb"[0-9]{16}")
_DATE = re.compile(r"[0-9]{4}-")
"""How a date begins: msgspec takes a number for one too, as seconds since 1970."""
_BAD_TEXT = re.compile("[\0\ud800-\udfff]")


class _Flaw:
    """Stands in the parsed tree for a value that is not I-JSON."""

    def __init__(self, text: str) -> None:
        self.text = text


class _Repeated(dict[str, Any]):
    """An object in which a key came twice."""

    key: str


def decode_json(raw: bytes, expected: type[T]) -> T:
    """The typed value. Raises Problem: 400 for bytes that are not JSON, 422 for JSON that is not the value."""
    tree = parse(raw)
    try:
        return msgspec.json.decode(raw, type=expected)
    except msgspec.ValidationError as error:
        found = faults(tree, expected)
        if not found:
            path, text = located(str(error))
            found = [ProblemError(pointer(path), text)]
    except (msgspec.DecodeError, RecursionError) as error:
        raise malformed(str(error)) from None
    raise invalid(*found)


def parse(raw: bytes) -> Any:
    """The JSON as dicts, lists, str, int, float, bool and None. Raises Problem as `decode_json` does."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise malformed(f"Byte {error.start} is not UTF-8.") from None
    if not text.strip():
        raise malformed("The body is empty.")
    deep = too_deep(text)
    if deep is not None:
        raise invalid(ProblemError(pointer(deep), f"More than {MAX_DEPTH} levels of nesting"))
    if text.count("[") > MAX_ARRAYS:
        raise invalid(ProblemError("", f"More than {MAX_ARRAYS} arrays"))
    try:
        tree = _reader.read(text, _LONG_NUMBER.search(raw) is not None)
    except json.JSONDecodeError as error:
        offset = len(text[: error.pos].encode("utf-8", "surrogatepass"))
        raise malformed(f"{error.msg} at byte {offset}.") from None
    except (ValueError, RecursionError):
        raise malformed("The JSON cannot be parsed.") from None
    if _reader.flawed or _SUSPICIOUS.search(raw):
        found = [ProblemError(pointer(path), text) for path, text in islice(_flaws(tree, ()), MAX_FAULTS)]
        if found:
            raise invalid(*found)
    return tree


def decode_query(pairs: Mapping[str, list[str]], expected: type[T]) -> T:
    """A query string by name as a struct; only fields that are lists may be repeated. Raises Problem 422."""
    fields = msgspec.structs.fields(expected)  # type: ignore[arg-type]
    repeatable = {field.encode_name for field in fields if _is_list(field.type)}
    moments = {field.encode_name for field in fields if _has(field.type, datetime)}
    values: dict[str, Any] = {}
    found: list[ProblemError] = []
    for name, texts in pairs.items():
        if any(_BAD_TEXT.search(text) for text in (name, *texts)):
            found.append(ProblemError(f"?{name}".replace("\0", "\ufffd"), "Contains NUL or half of a surrogate pair"))
        elif name in repeatable:
            values[name] = texts
        elif len(texts) > 1:
            found.append(ProblemError(f"?{name}", "Given more than once"))
        elif name in moments and not _DATE.match(texts[0]):
            found.append(ProblemError(f"?{name}", "Expected a date and time of RFC 3339, such as 2026-01-31T12:00:00Z"))
        else:
            values[name] = texts[0]
    if not found:
        try:
            query = msgspec.convert(values, expected, strict=False, str_keys=True)
            found = [
                ProblemError(f"?{field.encode_name}", _BEYOND)
                for field in fields
                if isinstance(number := getattr(query, field.name), int) and abs(number) > MAX_INTEGER
            ]
            if not found:
                return query
        except msgspec.ValidationError as error:
            path, text = located(str(error))
            listed = faults(values, expected, strict=False) or [ProblemError(pointer(path), text)]
            found = [ProblemError("?" + one.pointer.removeprefix("/"), one.detail) for one in listed]
    raise invalid(*found)


def _has(kind: Any, wanted: type) -> bool:
    """Whether a type is, or may be, another."""
    return kind is wanted or any(_has(each, wanted) for each in get_args(kind))


def malformed(detail: str) -> Problem:
    """400: not JSON at all."""
    return MALFORMED_JSON(detail, errors=[ProblemError("", detail)])


def bad_text(text: str) -> bool:
    """Whether a text holds NUL or half of a surrogate pair."""
    return _BAD_TEXT.search(text) is not None


class _Reader(threading.local):
    """A JSON parser that leaves a flaw in the tree where a value is not acceptable. Each thread has its own, since one
    is costly to make."""

    def __init__(self) -> None:
        self.flawed = False
        hooks: dict[str, Any] = {
            "object_pairs_hook": self.object,
            "parse_constant": self.constant,
            "parse_float": self.float,
        }
        self._short = json.JSONDecoder(**hooks)
        self._long = json.JSONDecoder(**hooks, parse_int=self.int)

    def read(self, text: str, long_numbers: bool) -> Any:
        """The tree. `flawed` tells whether there is a flaw in it. Raises json.JSONDecodeError and its like."""
        self.flawed = False
        return (self._long if long_numbers else self._short).decode(text)

    def object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        self.flawed = True
        repeated = _Repeated(value)
        seen: set[str] = set()
        repeated.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return repeated

    def flaw(self, text: str) -> _Flaw:
        self.flawed = True
        return _Flaw(text)

    def constant(self, text: str) -> _Flaw:
        return self.flaw(f"{text} is not JSON")

    def float(self, text: str) -> Any:
        value = float(text)
        return value if math.isfinite(value) else self.flaw("Beyond the range of a double")

    def int(self, text: str) -> Any:
        if len(text) > 17 or abs(int(text)) > MAX_INTEGER:
            return self.flaw(_BEYOND)
        return int(text)


_reader: Final = _Reader()


def _flaws(tree: Any, at: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    match tree:
        case _Flaw():
            yield at, tree.text
        case str() if _BAD_TEXT.search(tree):
            yield at, "NUL and lone surrogates are not text"
        case dict():
            if isinstance(tree, _Repeated):
                yield (*at, _printable(tree.key)), "This key comes more than once"
            for key, value in tree.items():
                if _BAD_TEXT.search(key):
                    yield (*at, _printable(key)), "NUL and lone surrogates are not text"
                else:
                    yield from _flaws(value, (*at, key))
        case list():
            for index, value in enumerate(tree):
                yield from _flaws(value, (*at, index))
        case _:
            pass


def _printable(key: str) -> str:
    return _BAD_TEXT.sub("\ufffd", key)


def _is_list(expected: Any) -> bool:
    return "list[" in str(expected)
