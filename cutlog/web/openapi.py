"""OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1) from the routes and the types that validate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final, get_origin

import msgspec

from cutlog.contract.ids import ID_PATTERN
from cutlog.web.api import Api, Content, Route
from cutlog.web.dispatch import MAX_IDEMPOTENCY_KEY, MAX_INT
from cutlog.web.envelope import Failure, enveloped
from cutlog.web.envelope import status as old_status
from cutlog.web.examples import exemplified
from cutlog.web.problem_schemas import answered, content, described, members
from cutlog.web.problems import ProblemType
from cutlog.web.reply import JSON
from cutlog.web.schemas import names, plain, sent_whole

Json = dict[str, Any]

TITLE: Final = "cutlog"
INTRODUCTION: Final = """\
Send a token with each request: `Authorization: Bearer TOKEN`. `cutlog token --role editor` prints one. Each role \
includes the ones before it: `viewer`, `editor`, `operator`, `admin`. Each operation names the role that it needs. A \
browser that was logged in (`cutlog login`) sends a cookie instead, and `X-CSRF-Token` with every request but GET. A \
link of `POST /api/tickets` needs neither.

Errors are `application/problem+json`. `type` is stable, `title` and `detail` are for people, and `errors` points to \
each invalid value. A POST that declares `Idempotency-Key` can be repeated safely with the same key. Lists are paged: \
send `next` of one page as `cursor` to get the following one. Times in a timeline are whole frames; timestamps are in \
UTC."""
REF: Final = "#/components/schemas/{name}"
_FAILURE: Final = {JSON: {"schema": {"$ref": "#/components/schemas/Failure"}}}
_TEXT: Final = {"type": "string"}
_BYTES: Final = {"type": "string", "format": "binary"}


def document(api: Api) -> Json:
    """The document of one service."""
    routes = [route for route in api.routes if route.shown]
    types = [kind for route in routes for kind in _types(route)]
    problems = [each for route in routes if not enveloped(route.template) for each in answered(route)]
    failures = [*members(problems), *([Failure] if any(enveloped(route.template) for route in routes) else [])]
    schemas, components = msgspec.json.schema_components([*types, *failures], ref_template=REF)
    components = described(problems, components)
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
            "schemas": plain(api.refine(_whole(components, paths, types))),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }
    return exemplified(_rename(msgspec.json.decode(msgspec.json.encode(own)), names(components)))


def _whole(components: Mapping[str, Json], paths: Mapping[str, Json], types: Iterable[Any]) -> dict[str, Json]:
    operations = [operation for path in paths.values() for operation in path.values()]
    asked = [[operation["parameters"], operation.get("requestBody")] for operation in operations]
    sparse = {name for name in components if name.endswith("Problem")}
    return sent_whole(components, asked, {*sparse, *_sparse(msgspec.inspect.multi_type_info(types))})


def _sparse(found: Iterable[Any]) -> Iterator[str]:
    """Names of the structs in these types that leave out what is as by default."""
    left, seen = list(found), set()
    while left:
        info = left.pop()
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in seen:
                continue
            seen.add(info.cls)
            kind = get_origin(info.cls) or info.cls
            if kind.__struct_config__.omit_defaults:
                yield kind.__name__
            left += [field.type for field in info.fields]
        else:
            parts = (getattr(info, name, ()) for name in ("types", "item_types", "item_type", "value_type", "type"))
            left += [each for part in parts for each in (part if isinstance(part, tuple) else (part,))]


def merge(documents: Iterable[Json]) -> Json:
    """One document of several. A schema that two services describe differently is renamed in the later one."""
    merged: Json = {
        "openapi": "3.1.1",
        "info": {
            "title": TITLE,
            "version": "1",
            "summary": "The backend of a video editor",
            "description": INTRODUCTION,
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


def _rename(document: Json, names: Mapping[str, str]) -> Json:
    """The document with the components of these names called otherwise, references included."""
    renamed: Json = _refer(document, names)
    components = renamed.get("components", {})
    found: dict[str, Json] = components.get("schemas", {})
    components["schemas"] = {
        (own := names.get(name, name)): {**schema, "title": own} if "title" in schema else schema
        for name, schema in found.items()
    }
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
    kinds: list[Any] = []
    for kind in route.returns.values():
        kinds += kind.of if isinstance(kind, Content) else [] if kind is None else [kind]
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
    operation["x-role"] = _needs(route)
    operation["x-cost"] = route.cost
    if route.stream or route.body is bytes:
        consumed = "application/octet-stream" if route.consumes == "*/*" else route.consumes
        content = {consumed: {"schema": _form(route) if consumed == "multipart/form-data" else _BYTES}}
        operation["requestBody"] = {"required": not route.body_optional, "content": content}
    elif route.body is not None:
        content = {JSON: {"schema": by_type[id(route.body)]}}
        operation["requestBody"] = {"required": not route.body_optional, "content": content}
    return operation


def _form(route: Route) -> Json:
    file, *texts = route.form
    fields: Json = {file: {"type": "string", "format": "binary"}} | {name: {"type": "string"} for name in texts}
    return {"type": "object", "properties": fields, "required": [file]}


def _needs(route: Route) -> str:
    """What a caller has to present: a role, a signed link, or nothing."""
    if route.role is None:
        return "link" if route.signed else "anyone"
    return route.role.value


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
    own = [
        {"name": each.name, "in": "header", "schema": {**each.schema}, "description": each.description}
        | ({"required": True} if each.required else {})
        for each in route.headers
    ]
    return [*own, *_idempotency(route)]


def _idempotency(route: Route) -> list[Json]:
    if not route.idempotent:
        return []
    schema = {"type": "string", "minLength": 1, "maxLength": MAX_IDEMPOTENCY_KEY}
    description = "The same key and the same request: the first answer again, and nothing done twice"
    return [{"name": "Idempotency-Key", "in": "header", "schema": schema, "description": description}]


def _responses(route: Route, by_type: Mapping[int, Json]) -> Json:
    responses: Json = {}
    for status, kind in sorted(route.returns.items()):
        response: Json = {"description": _phrase(status)}
        if isinstance(kind, Content):
            response["content"] = {kind.media_type: {"schema": _content(kind, by_type)}}
        elif kind is not None:
            response["content"] = {JSON: {"schema": by_type[id(kind)]}}
        if status == HTTPStatus.OK and route.also:
            response.setdefault("content", {}).update({media: _raw(media) for media in route.also})
        responses[str(status)] = response
    old = enveloped(route.template)
    by_status: dict[int, list[ProblemType]] = {}
    for each in answered(route):
        by_status.setdefault(old_status(each.status) if old else each.status, []).append(each)
    for status, types in sorted(by_status.items()):
        shown = _FAILURE if old else content(types)
        responses.setdefault(str(status), {"description": _phrase(status), "content": shown})
    return responses


def _content(kind: Content, by_type: Mapping[int, Json]) -> Json:
    if kind.of:
        schemas = [by_type[id(each)] for each in kind.of]
        return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
    return _TEXT if kind.media_type.startswith("text/") else _BYTES


def _raw(media_type: str) -> Json:
    if media_type.endswith("+json"):
        return {"schema": {"type": "object"}}
    return {"schema": _TEXT if media_type.startswith("text/") else _BYTES}


def _phrase(status: int) -> str:
    """What a status says; a protocol on top of HTTP, such as tus, has some of its own."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"
