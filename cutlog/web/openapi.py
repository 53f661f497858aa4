"""OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1) from the routes and the types that validate."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from cutlog.contract.ids import ID_PATTERN
from cutlog.web.api import Api, Content, Route
from cutlog.web.dispatch import MAX_IDEMPOTENCY_KEY, MAX_INT
from cutlog.web.envelope import Failure, enveloped
from cutlog.web.envelope import status as old_status
from cutlog.web.problems import CONTENT_TYPE, ProblemDocument
from cutlog.web.reply import JSON

Json = dict[str, Any]

TITLE: Final = "cutlog"
REF: Final = "#/components/schemas/{name}"
_PROBLEM: Final = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDocument"}}}
_FAILURE: Final = {JSON: {"schema": {"$ref": "#/components/schemas/Failure"}}}


def document(api: Api) -> Json:
    """The document of one service."""
    routes = [route for route in api.routes if route.shown]
    types = [kind for route in routes for kind in _types(route)]
    failures = [ProblemDocument, *([Failure] if any(enveloped(route.template) for route in routes) else [])]
    schemas, components = msgspec.json.schema_components([*types, *failures], ref_template=REF)
    by_type = dict(zip(map(id, types), schemas, strict=False))
    paths: dict[str, Json] = {}
    for route in routes:
        paths.setdefault(route.plain, {})[route.method.lower()] = _operation(route, by_type)
    own: Json = {
        "openapi": "3.1.1",
        "info": {"title": TITLE, "version": api.version, "description": api.title},
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }
    return _rename(own, {name: _shown(name) for name in components})


def merge(documents: Iterable[Json]) -> Json:
    """One document of several. A schema that two services describe differently is renamed in the later one."""
    merged: Json = {
        "openapi": "3.1.1",
        "info": {
            "title": TITLE,
            "version": "1",
            "summary": "The backend of a video editor",
            "description": "Every edit is an event, every version can be rendered again.",
        },
        "servers": [{"url": "/"}],
        "tags": [],
        "paths": {},
        "components": {"schemas": {}, "securitySchemes": {}},
    }
    schemas = merged["components"]["schemas"]
    for number, one in enumerate(documents):
        own: Json = one.get("components", {}).get("schemas", {})
        renamed = {
            name: f"{name}_{number}" for name, schema in own.items() if name in schemas and schemas[name] != schema
        }
        moved = _rename(one, renamed)
        schemas.update(moved.get("components", {}).get("schemas", {}))
        merged["components"]["securitySchemes"] |= moved.get("components", {}).get("securitySchemes", {})
        merged["tags"] += [tag for tag in moved.get("tags", []) if tag not in merged["tags"]]
        for path, operations in moved.get("paths", {}).items():
            merged["paths"].setdefault(path, {}).update(operations)
    merged["paths"] = dict(sorted(merged["paths"].items()))
    return merged


def _shown(name: str) -> str:
    """The name of a component: `ProjectPage` for what msgspec calls `Page_Project_`."""
    generic = re.fullmatch(r"(\w+?)_(\w+)_", name)
    return f"{generic[2]}{generic[1]}" if generic else name.removesuffix("Document")


def _rename(document: Json, names: Mapping[str, str]) -> Json:
    """The document with the components of these names called otherwise, references included."""
    renamed: Json = _refer(document, names)
    components = renamed.get("components", {})
    components["schemas"] = {names.get(name, name): schema for name, schema in components.get("schemas", {}).items()}
    return renamed


def _refer(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case {"$ref": str(ref), **rest}:
            name = ref.rpartition("/")[2]
            return {"$ref": REF.format(name=names.get(name, name)), **_refer(rest, names)}
        case dict():
            return {key: _refer(item, names) for key, item in value.items()}
        case list():
            return [_refer(item, names) for item in value]
        case _:
            return value


def _types(route: Route) -> list[Any]:
    kinds = [kind for kind in route.returns.values() if kind is not None and not isinstance(kind, Content)]
    if route.query is not None:
        kinds += [field.type for field in msgspec.structs.fields(route.query)]
    return [*kinds, route.body] if route.body not in (None, bytes) else kinds


def _operation(route: Route, by_type: Mapping[int, Json]) -> Json:
    operation: Json = {
        "operationId": route.operation,
        "summary": route.summary,
        "tags": [route.tag],
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
        "responses": _responses(route, by_type),
        "security": _security(route),
    }
    if route.description:
        operation["description"] = route.description
    if route.role is not None:
        operation["x-role"] = route.role.value
    if route.stream or route.body is bytes:
        schema = {"schema": _form(route)} if route.consumes == "multipart/form-data" else {}
        operation["requestBody"] = {"required": True, "content": {route.consumes: schema}}
    elif route.body is not None:
        content = {JSON: {"schema": by_type[id(route.body)]}}
        operation["requestBody"] = {"required": not route.body_optional, "content": content}
    return operation


def _form(route: Route) -> Json:
    file, *texts = route.form
    fields: Json = {file: {"type": "string", "format": "binary"}} | {name: {"type": "string"} for name in texts}
    return {"type": "object", "properties": fields, "required": [file]}


def _security(route: Route) -> list[Json]:
    if route.token_optional:
        return [{}, {"token": []}]
    return [] if route.role is None else [{"token": []}]


def _path_parameters(route: Route) -> list[Json]:
    schemas: dict[Any, Json] = {
        int: {"type": "integer", "minimum": 0, "maximum": MAX_INT},
        str: {"type": "string"},
        None: {"type": "string", "pattern": ID_PATTERN},
    }
    return [
        {"name": name, "in": "path", "required": True, "schema": schemas[route.path.get(name)]} for name in route.names
    ]


def _query_parameters(route: Route) -> list[Json]:
    if route.query is None:
        return []
    properties = msgspec.json.schema_components([route.query], ref_template=REF)[1][route.query.__name__]["properties"]
    parameters = []
    for field in msgspec.structs.fields(route.query):
        schema = dict(properties[field.encode_name])
        parameter: Json = {"name": field.encode_name, "in": "query", "required": field.required, "schema": schema}
        if "description" in schema:
            parameter["description"] = schema.pop("description")
        parameters.append(parameter)
    return parameters


def _headers(route: Route) -> list[Json]:
    if route.method != "POST" or route.stream or not {201, 202} & route.returns.keys():
        return []
    schema = {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY}
    description = "The same key and the same request: the first answer again, and nothing done twice"
    return [{"name": "Idempotency-Key", "in": "header", "schema": schema, "description": description}]


def _responses(route: Route, by_type: Mapping[int, Json]) -> Json:
    responses: Json = {}
    for status, kind in sorted(route.returns.items()):
        response: Json = {"description": _phrase(status)}
        if isinstance(kind, Content):
            response["content"] = {kind.media_type: {}}
        elif kind is not None:
            response["content"] = {JSON: {"schema": by_type[id(kind)]}}
        responses[str(status)] = response
    old = enveloped(route.template)
    statuses = _problem_statuses(route)
    for status in sorted(set(map(old_status, statuses)) if old else statuses):
        content = _FAILURE if old else _PROBLEM
        responses.setdefault(str(status), {"description": _phrase(status), "content": content})
    return responses


def _problem_statuses(route: Route) -> set[int]:
    statuses = {422, 429, 500, 503, *route.problems}
    if route.role is not None:
        statuses |= {401, 403}
    if route.names:
        statuses.add(404)
    if route.method != "GET":
        statuses |= {400, 408, 413, 415}
    return statuses


def _phrase(status: int) -> str:
    """What a status says; a protocol on top of HTTP, such as tus, has some of its own."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"
