"""Problems in the document of the API: each type a schema of its own, and each operation with those that it answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from cutlog.contract.answers.problems import ProblemError
from cutlog.web import problems
from cutlog.web.api import Route
from cutlog.web.problems import CONTENT_TYPE, ProblemType
from cutlog.web.reply import JSON

Json = dict[str, Any]

_REF: Final = "#/components/schemas/"


def answered(route: Route) -> list[ProblemType]:
    """All problems that a route may answer, by status."""
    found = [problems.INVALID_REQUEST, problems.RATE_LIMITED, problems.INTERNAL_ERROR, problems.DEPENDENCY_DOWN]
    found += route.problems
    if route.role is not None or route.token_optional:
        found.append(problems.UNAUTHORIZED)
    if route.role is not None:
        found.append(problems.FORBIDDEN)
        if route.method != "GET":
            found.append(problems.CSRF_TOKEN_INVALID)
    if route.signed:
        found += (problems.SIGNATURE_INVALID, problems.LINK_EXPIRED)
    if route.names:
        found.append(problems.NOT_FOUND)
    if route.events:
        found += (problems.INVALID_HEADER, problems.EVENT_STREAMS_EXCEEDED)
    if route.method != "GET":
        found += (
            problems.BAD_REQUEST, problems.REQUEST_TIMEOUT, problems.TOO_LARGE, problems.UNSUPPORTED_MEDIA_TYPE,
        )  # fmt: skip
    if route.stream and route.consumes == "multipart/form-data":
        found += (problems.MALFORMED_FORM, problems.TOO_MANY_PARTS)
    if route.body is not None and route.consumes == JSON:
        found.append(problems.MALFORMED_JSON)
    if route.idempotent:
        found += (problems.INVALID_HEADER, problems.IDEMPOTENCY_KEY_REUSED)
    return sorted(dict.fromkeys(found), key=lambda each: (each.status, each.slug))


def content(types: Iterable[ProblemType]) -> Json:
    """What an answer of a status holds, of which these types have it."""
    refs = {each.uri: f"{_REF}{each.name}" for each in types}
    if len(refs) == 1:
        (ref,) = refs.values()
        return {CONTENT_TYPE: {"schema": {"$ref": ref}}}
    schema = {
        "oneOf": [{"$ref": ref} for ref in refs.values()],
        "discriminator": {"propertyName": "type", "mapping": refs},
    }
    return {CONTENT_TYPE: {"schema": schema}}


def members(types: Iterable[ProblemType]) -> list[type[msgspec.Struct]]:
    """The structs that the schemas of these types refer to or are made of."""
    return [ProblemError, *{each.members for each in types if each.members is not None}]


def described(types: Iterable[ProblemType], components: Json) -> Json:
    """The components, with a schema of each type in place of its `members`."""
    types = set(types)
    parts = {each.members.__name__ for each in types if each.members is not None}
    rest = {name: schema for name, schema in components.items() if name not in parts}
    return rest | {each.name: _schema(each, components) for each in sorted(types, key=lambda each: each.slug)}


def _schema(of: ProblemType, components: Json) -> Json:
    more: Json = {} if of.members is None else components[of.members.__name__]
    properties = {
        "type": {"type": "string", "enum": [of.uri]},
        "title": {
            "type": "string",
            "description": "For people; the same for each problem of this type",
            "examples": [of.title],
        },
        "status": {"type": "integer", "enum": [of.status]},
        "detail": {
            "type": "string",
            "description": "For people: what is wrong here, and what to do",
            "examples": [of.example],
        },
        "errors": {"type": "array", "items": {"$ref": f"{_REF}ProblemError"}, "description": "Each invalid value"},
    }
    if of.status >= 500:
        properties["requestId"] = {"type": "string", "description": "What the log of the service calls this request"}
    said = more.get("description", "")
    return {
        "title": of.name,
        "description": f"{of.title}.{f' {said}' if said else ''}",
        "type": "object",
        "properties": properties | more.get("properties", {}),
        "required": ["type", "title", "status", "detail", *more.get("required", ())],
    }
