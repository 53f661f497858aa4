"""Schemas in words that generators of clients know."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cutlog.contract.base import Strict
from cutlog.web import Problem
from cutlog.web.api import Api, Header
from cutlog.web.decode import decode_query
from cutlog.web.openapi import document, merge
from cutlog.web.reply import Reply
from cutlog.web.request import Request
from cutlog.web.schemas import names, plain


def test_a_pair_says_what_its_members_are() -> None:
    pair = {"type": "array", "prefixItems": [{"type": "integer"}] * 2, "items": False, "minItems": 2, "maxItems": 2}
    assert plain(pair) == {"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}
    mixed = {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False}
    assert plain(mixed) == mixed


def test_a_default_is_told_and_makes_no_member_required() -> None:
    found = plain(
        {
            "type": "object",
            "properties": {
                "a": {"type": "integer", "default": 3, "description": "How many"},
                "b": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
                "c": {"type": "boolean", "default": True},
            },
            "required": ["c"],
        }
    )
    assert found["properties"]["a"] == {"type": "integer", "description": "How many. Default: 3."}
    assert "default" not in str(found["properties"]["b"]) and found["properties"]["c"] == {"type": "boolean"}


def test_a_choice_of_one_truth_value_is_a_constant_and_words_are_strings() -> None:
    assert plain({"enum": [True]}) == {"type": "boolean", "const": True}
    assert plain({"enum": ["a", "b"]}) == {"type": "string", "enum": ["a", "b"]}


def test_no_name_of_a_schema_has_a_module_in_it_and_none_is_given_twice() -> None:
    found = names(["Page_Video_", "x.y.api.Imported", "x.y.views.Imported", "ThingDocument"])
    assert found["Page_Video_"] == "VideoPage" and found["ThingDocument"] == "Thing"
    assert len(set(found.values())) == len(found) and all(name.isidentifier() for name in found.values())


class Asked(Strict):
    size: int = 3


class Told(Strict):
    size: int = 3
    many: tuple[str, ...] = ()


def sample() -> Api:
    api = Api("sample")

    @api.post(
        "/api/things", role=None, body=Asked, returns={200: Told}, summary="Makes one",
        headers=(Header("Tus-Resumable", "The version", {"type": "string", "enum": ["1.0.0"]}, required=True),),
    )  # fmt: skip
    async def make(_: Request[Asked]) -> Reply:
        return Reply(200, Told())

    @api.post(
        "/api/bytes", role=None, stream=True, consumes="*/*", body_optional=True, returns={204: None}, summary="Takes"
    )
    async def take(_: Request) -> Reply:
        return Reply(204)

    return api


def test_members_with_defaults_are_always_in_answers_and_may_be_left_out_of_requests() -> None:
    schemas = document(sample())["components"]["schemas"]
    assert schemas["Asked"]["required"] == [] and schemas["Told"]["required"] == ["size", "many"]


def test_headers_that_a_handler_reads_are_declared_and_an_optional_body_is_not_required() -> None:
    paths = document(sample())["paths"]
    header, *_ = paths["/api/things"]["post"]["parameters"]
    assert (header["name"], header["in"], header["required"]) == ("Tus-Resumable", "header", True)
    body = paths["/api/bytes"]["post"]["requestBody"]
    assert body == {
        "required": False,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }


def test_a_type_that_two_services_have_is_one_schema() -> None:
    merged: dict[str, Any] = merge([document(sample()), document(sample())])
    schemas = merged["components"]["schemas"]
    assert {name for name in schemas if not name.endswith("Problem")} == {"Asked", "Told", "ProblemError"}
    assert {"TooLargeProblem", "InvalidRequestProblem"} <= set(schemas)


class Hours(Strict):
    to: datetime | None = None


@pytest.mark.parametrize("text", ["0.5", "1700000000", "-1"])
def test_a_number_is_no_moment(text: str) -> None:
    with pytest.raises(Problem) as refused:
        decode_query({"to": [text]}, Hours)
    assert (refused.value.status, refused.value.errors[0].pointer) == (422, "?to")
    assert decode_query({"to": ["2026-01-31T12:00:00Z"]}, Hours) == Hours(to=datetime(2026, 1, 31, 12, tzinfo=UTC))
