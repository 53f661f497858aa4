"""The document of a whole stack."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from jsonschema_rs import Draft202012Validator

from cutlog.contract.events import ProjectEvent
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


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            yield path, operation


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


def test_the_page_of_roles_is_what_the_routes_say(stack: RunningStack) -> None:
    written = PAGE.read_text(encoding="utf-8")
    assert written == page(whole(stack)), f"run: python -m docs.generate_roles {stack.url}"


@pytest.mark.slow(reason="validates a document of thousands of schemas")
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


@pytest.mark.slow(reason="validates hundreds of examples, each by a document of thousands of schemas")
def test_every_operation_has_examples_that_its_schemas_accept(stack: RunningStack) -> None:
    document = whole(stack)
    for path, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for media_type, body in ((kind, each) for one in bodies for kind, each in one.get("content", {}).items()):
            if not media_type.endswith(("/json", "+json", "/event-stream")):
                continue
            shown = [body["example"]] if "example" in body else [each["value"] for each in body["examples"].values()]
            assert shown
            for value in shown:
                faults = [error.message for error in validator(document, body["schema"]).iter_errors(value)]
                assert faults == [], f"{path}: {value}"


def test_every_problem_and_every_event_of_a_project_is_a_type_of_its_own(stack: RunningStack) -> None:
    document = whole(stack)
    schemas = document["components"]["schemas"]
    for path, operation in operations(document):
        for status, response in operation["responses"].items():
            if int(status) < 400 or path.startswith("/api/compat/"):
                continue
            if "application/problem+json" in response.get("content", {}):
                schema = response["content"]["application/problem+json"]["schema"]
                refs = [each["$ref"] for each in schema.get("oneOf", [schema])]
                types = [schemas[ref.rpartition("/")[2]]["properties"] for ref in refs]
                assert {each["status"]["enum"][0] for each in types} == {int(status)}, path
                assert all(each["type"]["enum"][0].startswith("/problems/") for each in types), path
    stale = schemas["VersionConflictProblem"]
    assert {"currentVersion", "missed"} <= set(stale["required"]) and "collisions" in stale["properties"]
    events = document["paths"]["/api/projects/{project}/events"]["get"]["responses"]["200"]["content"]
    union, progress = events["text/event-stream"]["schema"]["anyOf"]
    assert progress == {"$ref": "#/components/schemas/Progress"}
    names = {each.__name__ for each in get_args(ProjectEvent)}
    assert set(union["discriminator"]["mapping"]) == names
    for name in names:
        assert schemas[f"{name}Event"]["properties"]["data"]["$ref"] == f"#/components/schemas/{name}"
