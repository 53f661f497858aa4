"""The document of a whole stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docs.generate_roles import PAGE, page
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


def test_the_page_of_roles_is_what_the_routes_say(stack: RunningStack) -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(whole(stack)), f"run: python -m docs.generate_roles {stack.url}"


def test_generators_get_what_they_can_read(stack: RunningStack) -> None:
    # To load it takes each process of pytest half a second, and one of them needs it.
    from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

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
    for operation in (each for path in document["paths"].values() for each in path.values()):
        if "302" in operation["responses"]:
            body = operation["responses"]["200"]["content"]["application/json"]["schema"]
            assert body == {"$ref": "#/components/schemas/FileLink"}, operation["operationId"]
    tus = document["paths"]["/api/uploads/{upload}"]["patch"]
    assert {each["name"] for each in tus["parameters"]} >= {"Tus-Resumable", "Upload-Offset"}
