"""Every fault of a value is reported at the value."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
import pytest

from cutlog.contract.base import Strict
from cutlog.web import Problem
from cutlog.web.decode import decode_json
from cutlog.web.pointer import located, pointer


class Red(Strict, tag_field="op", tag="red"):
    level: Annotated[int, msgspec.Meta(ge=0)]


class Blue(Strict, tag_field="op", tag="blue"):
    shade: Literal["light", "dark"]
    words: dict[str, list[int]] = msgspec.field(default_factory=dict)


class Pair(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    left: int
    right: int


class Document(Strict):
    ops: list[Red | Blue] = msgspec.field(default_factory=list)
    pair: Pair | None = None
    both: tuple[int, str] | None = None
    start_at: int | list[int] = 0
    short: Annotated[str, msgspec.Meta(max_length=3)] = ""


def refusal(raw: str | bytes) -> tuple[int, list[str]]:
    with pytest.raises(Problem) as caught:
        decode_json(raw.encode() if isinstance(raw, str) else raw, Document)
    return caught.value.status, [error.pointer for error in caught.value.errors]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ('{"ops": [{"op": "red", "level": 1}, {"op": "red", "level": "x"}]}', ["/ops/1/level"]),
        ('{"ops": [{"op": "red", "level": -1}]}', ["/ops/0/level"]),
        ('{"ops": [{"op": "green"}]}', ["/ops/0/op"]),
        ('{"ops": [{"op": 5}]}', ["/ops/0/op"]),
        ('{"ops": [{"op": null}]}', ["/ops/0/op"]),
        ('{"ops": [{"op": ["red"]}]}', ["/ops/0/op"]),
        ('{"ops": [{"level": 1}]}', ["/ops/0/op"]),
        ('{"ops": [{"op": "red"}]}', ["/ops/0/level"]),
        ('{"ops": [{"op": "red", "level": 1, "wat": 2}]}', ["/ops/0/wat"]),
        ('{"ops": [{"op": "blue", "shade": "green"}]}', ["/ops/0/shade"]),
        ('{"ops": [7]}', ["/ops/0"]),
        ('{"ops": {}}', ["/ops"]),
        ('{"pair": [1, "x"]}', ["/pair/1"]),
        ('{"pair": [1]}', ["/pair"]),
        ('{"pair": [1, 2, 3]}', ["/pair"]),
        ('{"both": [1, 2]}', ["/both/1"]),
        ('{"startAt": "x"}', ["/startAt"]),
        ('{"startAt": [1, null]}', ["/startAt/1"]),
        ('{"start_at": 1}', ["/start_at"]),
        ('{"short": "long one"}', ["/short"]),
        ("[]", [""]),
        ("null", [""]),
        ('"text"', [""]),
    ],
)
def test_a_fault_is_pointed_at(body: str, pointers: list[str]) -> None:
    assert refusal(body) == (422, pointers)


@pytest.mark.parametrize(
    ("key", "escaped"),
    [("a.b", "a.b"), ("a/b", "a~1b"), ("a~b", "a~0b"), ("~1", "~01"), ("a[0]", "a[0]"), ("", ""), ("é`", "é`")],
)
def test_keys_with_dots_slashes_and_tildes_are_named_exactly(key: str, escaped: str) -> None:
    body = msgspec.json.encode({"ops": [{"op": "blue", "shade": "dark", "words": {"fine": [1], key: [1, "x"]}}]})
    assert refusal(body) == (422, [f"/ops/0/words/{escaped}/1"])


def test_an_unknown_key_with_a_slash_is_pointed_at() -> None:
    assert refusal('{"a/b~c": 1}') == (422, ["/a~1b~0c"])


def test_an_unknown_key_cannot_pretend_to_be_another_place() -> None:
    assert refusal(msgspec.json.encode({"x` - at `$.ops[0]": 1})) == (422, ["/x` - at `$.ops[0]"])


def test_several_faults_are_reported_at_once() -> None:
    body = '{"ops": [{"op": "red", "level": "x"}, {"op": "red", "level": 1}, {"op": "nope"}], "short": 5, "zzz": 1}'
    assert refusal(body) == (422, ["/ops/0/level", "/ops/2/op", "/short", "/zzz"])


def test_no_more_than_twenty_faults_are_reported() -> None:
    body = msgspec.json.encode({"ops": [{"op": "red", "level": "x"}] * 500})
    assert refusal(body) == (422, [f"/ops/{index}/level" for index in range(20)])


def test_a_sentence_says_what_would_be_right() -> None:
    with pytest.raises(Problem) as caught:
        decode_json(
            b'{"ops": [{"op": "green"}, {"op": "blue", "shade": "grey"}, {"op": "red", "level": 1, "x": 1}]}', Document
        )
    sentences = [error.detail for error in caught.value.errors]
    assert ["blue, red" in sentences[0], "light, dark" in sentences[1], "level" in sentences[2]] == [True, True, True]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ('{"short": "a", "short": "b"}', ["/short"]),
        ('{"ops": [{"op": "red", "level": 1, "level": 2}]}', ["/ops/0/level"]),
        ('{"ops": [{"op": "red", "level": 1e999}]}', ["/ops/0/level"]),
        ('{"ops": [{"op": "red", "level": 9007199254740992}]}', ["/ops/0/level"]),
        ('{"ops": [{"op": "red", "level": -99999999999999999999999}]}', ["/ops/0/level"]),
        ('{"startAt": ' + "9" * 10_000 + "}", ["/startAt"]),
        (r'{"short": "a\u0000b"}', ["/short"]),
        (r'{"short": "\ud800"}', ["/short"]),
        (r'{"short": "\udc00\ud800"}', ["/short"]),
        (r'{"a": {"b\u0000": 1}}', ["/a/b\ufffd"]),
        ('{"startAt": NaN}', ["/startAt"]),
        ('{"startAt": [0, -Infinity]}', ["/startAt/1"]),
    ],
)
def test_json_that_databases_and_browsers_disagree_about_is_refused(body: str, pointers: list[str]) -> None:
    assert refusal(body) == (422, pointers)


def test_escapes_that_only_look_dangerous_are_fine() -> None:
    assert decode_json(rb'{"short": "\ud83d\ude00"}', Document).short == "\N{GRINNING FACE}"
    assert refusal(rb'{"short": "\\u0000"}') == (422, ["/short"])  # six characters where three fit, and no NUL
    with pytest.raises(Problem, match="is invalid") as caught:
        decode_json(rb'{"short": "\\u0000"}', Document)
    assert "length" in caught.value.errors[0].detail


@pytest.mark.parametrize("depth", [65, 1_000, 100_000])
def test_a_nest_of_brackets_is_refused_at_its_sixty_fifth_level(depth: int) -> None:
    status, pointers = refusal(b'{"ops":' + b"[" * depth + b"]" * depth + b"}")
    assert (status, pointers) == (422, ["/ops" + "/0" * 63])


def test_a_nest_of_objects_is_refused_with_its_keys() -> None:
    status, pointers = refusal(b'{"a":' * 1_000 + b"1" + b"}" * 1_000)
    assert (status, pointers) == (422, ["/a" * 64])


def test_brackets_inside_of_texts_are_not_nesting() -> None:
    body = msgspec.json.encode({"short": '[{"' * 1000, "startAt": list(range(200))})
    assert refusal(body) == (422, ["/short"])


@pytest.mark.parametrize(
    ("body", "offset"),
    [(b'{"a": }', "byte 6"), ('{"é": }'.encode(), "byte 7"), (b'{"a": 1} x', "byte 9"), (b'{"a\xff": 1}', "Byte 3")],
)
def test_what_is_not_json_is_told_with_the_byte(body: bytes, offset: str) -> None:
    with pytest.raises(Problem) as caught:
        decode_json(body, Document)
    assert caught.value.status == 400
    assert offset in caught.value.detail


@pytest.mark.parametrize("body", [b"", b" ", b"\xef\xbb\xbf{}", b"{'a': 1}", b"[1,]", b"\x00", b"{", b'"\x01"'])
def test_near_misses_of_json_are_refused(body: bytes) -> None:
    assert refusal(body)[0] == 400


def test_a_good_value_passes_unchanged() -> None:
    value: Any = decode_json('{"ops": [{"op": "red", "level": 9007199254740991}], "short": "é😀"}'.encode(), Document)
    assert value == Document(ops=[Red(level=2**53 - 1)], short="é😀")


def test_pointers_escape_as_rfc_6901_says() -> None:
    assert pointer(("a/b", "m~n", 3, "")) == "/a~1b/m~0n/3/"


def test_paths_of_msgspec_are_read() -> None:
    assert located("Expected `int`, got `str` - at `$.ops[3].out`") == (("ops", 3, "out"), "Expected `int`, got `str`")
    assert located("Object missing required field `out` - at `$.ops[3]`")[0] == ("ops", 3, "out")
    assert located("Expected `int`, got `str` - at `$.labels[...]`")[0] == ("labels",)
    assert located("Expected `int`, got `str`")[0] == ()


def test_a_large_body_full_of_faults_costs_no_more_than_its_first_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    conversions = 0
    convert = msgspec.convert

    def counting(*args: Any, **kwargs: Any) -> Any:
        nonlocal conversions
        conversions += 1
        return convert(*args, **kwargs)

    monkeypatch.setattr(msgspec, "convert", counting)
    wrong = b'{"ops":[' + b"[]," * 40_000 + b"[]]}"
    assert refusal(wrong) == (422, [f"/ops/{index}" for index in range(20)])
    many = msgspec.json.encode({"startAt": [*range(100_000), "x", *range(100_000)]})
    assert refusal(many) == (422, ["/startAt/100000"])
    assert conversions < 3_000
