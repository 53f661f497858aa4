"""The document says what the server does."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from cutlog.web.openapi import document, merge
from tests.web.sample import Sample, sample_api


@pytest.fixture
def described() -> dict[str, Any]:
    return document(sample_api(Sample()))


def operations(described: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in described["paths"].values() for operation in path.values()]


def test_it_is_openapi_3_1(described: dict[str, Any]) -> None:
    from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

    assert described["openapi"] == "3.1.1"
    for whole in (described, merge([described, described])):
        assert [error.message for error in OPENAPI_31_VALIDATOR.iter_errors(whole)] == []
    for name, schema in described["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema)
        assert name.isidentifier()


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        match value:
            case {"$ref": str(ref)}:
                return [ref]
            case dict():
                return [ref for item in value.values() for ref in references(item)]
            case list():
                return [ref for item in value for ref in references(item)]
            case _:
                return []

    found = references(described)
    assert found
    assert {ref.rpartition("/")[2] for ref in found} <= described["components"]["schemas"].keys()


def test_operations_have_names_of_their_own(described: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in operations(described)]
    assert len(names) == len(set(names))
    assert all(operation["summary"] and operation["tags"] for operation in operations(described))


def test_a_route_is_described_by_its_types(described: dict[str, Any]) -> None:
    append = described["paths"]["/api/projects/{project}/ops"]["post"]
    assert append["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Edit"}
    assert append["security"] == [{"token": []}]
    assert append["description"] == "All or nothing."
    assert append["operationId"] == "postProjectsByProjectOps"
    assert {"201", "400", "401", "403", "404", "409", "413", "415", "422", "429", "503"} <= append["responses"].keys()
    stale = append["responses"]["409"]["content"]["application/problem+json"]
    assert stale["schema"] == {"$ref": "#/components/schemas/VersionConflictProblem"}
    assert stale["examples"]["VersionConflictProblem"]["value"] == {
        "type": "/problems/version-conflict", "title": "The version is stale", "status": 409,
        "detail": "Version 3 is current, not 2.",
    }  # fmt: skip
    invalid = append["responses"]["422"]["content"]["application/problem+json"]["schema"]
    assert invalid["discriminator"] == {
        "propertyName": "type",
        "mapping": {
            "/problems/idempotency-key-reused": "#/components/schemas/IdempotencyKeyReusedProblem",
            "/problems/invalid-request": "#/components/schemas/InvalidRequestProblem",
        },
    }
    assert [{"$ref": ref} for ref in invalid["discriminator"]["mapping"].values()] == invalid["oneOf"]
    edit = described["components"]["schemas"]["Edit"]
    assert edit["properties"]["ops"]["maxItems"] == 1000
    assert edit["additionalProperties"] is False


def test_parameters_are_described(described: dict[str, Any]) -> None:
    listing = described["paths"]["/api/items"]["get"]
    limit = next(one for one in listing["parameters"] if one["name"] == "limit")
    assert (limit["in"], limit["required"], limit["schema"]["maximum"], limit["schema"]["default"]) == (
        "query",
        False,
        200,
        50,
    )
    assert limit["description"]
    version = described["paths"]["/api/items/{item}/versions/{n}"]["get"]["parameters"]
    assert [(one["name"], one["schema"]["type"]) for one in version] == [("item", "string"), ("n", "integer")]
    assert described["paths"]["/files/{key}"]["get"]["security"] == []


def test_pages_are_named_after_what_they_hold(described: dict[str, Any]) -> None:
    assert described["components"]["schemas"]["ItemPage"]["properties"]["items"]["items"] == {
        "$ref": "#/components/schemas/Item"
    }


def test_internal_and_hidden_routes_are_not_in_it(described: dict[str, Any]) -> None:
    assert not [path for path in described["paths"] if path.startswith(("/internal", "/api/docs", "/api/broken"))]
