"""The document of a whole stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from tests.support.documents import whole
from tests.support.stacks import RunningStack


def objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from objects(each)
    elif isinstance(value, list):
        for each in value:
            yield from objects(each)


def test_generators_get_what_they_can_read(stack: RunningStack) -> None:
    document = whole(stack)
    assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(document)] == []
    schemas = document["components"]["schemas"]
    assert [name for name in schemas if not name.isalnum()] == [], "no modules, and no type is there twice"
    for each in objects(schemas):
        assert each.get("items") is not False
        if each.get("type") == "object":
            assert [name for name, member in each.get("properties", {}).items() if "default" in member] == []
    assert schemas["MediaFacts"]["properties"]["sar"]["anyOf"][0]["items"] == {"type": "integer"}
    assert "discriminator" in schemas["EffectAdd"]
    tus = document["paths"]["/api/uploads/{upload}"]["patch"]
    assert {each["name"] for each in tus["parameters"]} >= {"Tus-Resumable", "Upload-Offset"}
