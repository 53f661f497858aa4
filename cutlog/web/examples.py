"""Examples of requests and answers, made from their schemas: a plausible value for each member, by its name or type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cutlog.contract.keys import ExportKey, ProxyKey

Json = dict[str, Any]
Components = Mapping[str, Json]

DEEPEST: Final = 8
_MOMENT: Final = "2026-01-31T12:00:00Z"
_SHA256: Final = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_EXPORT: Final = str(ExportKey("p_1", 2, "mp4"))
_BY_NAME: Final[Mapping[str, Any]] = {
    "actor": "anna", "alias": "video-17", "at": 0, "background": "#000000", "bytes": 1048576, "color": "#ff8800",
    "confirm": _SHA256, "container": "mov,mp4,m4a,3gp,3g2,mj2", "count": 1, "cursor": "eyJhZnRlciI6InBfMSJ9",
    "den": 1, "detail": "Project p_1 does not exist.", "digest": _SHA256, "duration": 250, "duplicate": False,
    "error": None, "expiresAt": "2099-01-31T12:00:00Z", "exportId": "x_1", "exportIds": ["x_1"],
    "filename": "beach.mp4", "fps": [25, 1], "frames": 250, "height": 1080, "id": "v_1", "in": 0, "ids": ["v_1"],
    "key": _EXPORT,
    "language": "en", "latestExportKey": _EXPORT, "latestProxyKey": str(ProxyKey("p_1", 2)),
    "limit": 50, "media": "v_1", "message": "shorten the intro", "name": "Holiday", "next": None, "num": 1, "out": 50,
    "planHash": _SHA256, "planId": "plan_1", "pointer": "/name", "position": 42, "progress": 1.0, "projectId": "p_1",
    "reason": "delivered to the client", "refCount": 1, "role": "editor", "runId": "run_1", "sampleRate": 48000,
    "sar": [1, 1], "schedule": "0 3 * * 0", "sha256": _SHA256, "size": 1048576, "subject": "anna", "tenant": "default",
    "text": "Hello", "title": "Holiday", "toVersion": 1, "track": "v1", "clip": "intro", "uploads": 1, "uses": 1,
    "url": f"https://cutlog.example/files/{_EXPORT}", "version": 2, "videoId": "v_1", "videoIds": ["v_1"],
    "width": 1920,
}  # fmt: skip
"""Values of members of these names, where their schema accepts them."""


def example(schema: Json, components: Components, *, asked: bool) -> Any:
    """A value that the schema accepts. Of what is `asked`, members that are optional are left out, unless all are."""
    return _Sample(components, asked).of(schema, "", 0)


class _Sample:
    def __init__(self, components: Components, asked: bool) -> None:
        self._components, self._asked = components, asked

    def of(self, schema: Json, name: str, depth: int) -> Any:
        schema = self._resolved(schema)
        if "examples" in schema:
            return schema["examples"][0]
        if "const" in schema:
            return schema["const"]
        if name in _BY_NAME and self._accepts(schema, _BY_NAME[name]):
            return _BY_NAME[name]
        if "enum" in schema:
            return schema["enum"][0]
        for several in ("oneOf", "anyOf"):
            if several in schema:
                return self._one(schema[several], name, depth)
        match schema.get("type"):
            case "object":
                return self._object(schema, depth)
            case "array":
                few = schema.get("minItems", 0 if depth > DEEPEST or schema.get("maxItems") == 0 else 1)
                return [self.of(schema.get("items", {}), name.removesuffix("s"), depth + 1)] * few
            case "string":
                return self._text(schema)
            case "integer" | "number":
                low = schema.get("minimum", schema.get("exclusiveMinimum", 0) + ("exclusiveMinimum" in schema))
                return low if schema.get("exclusiveMaximum", 2) <= 1 else min(max(low, 1), schema.get("maximum", 1))
            case "boolean":
                return True
            case "null":
                return None
            case _:
                return {}

    def _one(self, choices: list[Json], name: str, depth: int) -> Any:
        """The first that is not null, as far as the value may still grow."""
        resolved = [self._resolved(each) for each in choices]
        null = next((each for each in resolved if each.get("type") == "null"), None)
        if null is not None and depth > DEEPEST:
            return None
        return self.of(next(each for each in resolved if each is not null), name, depth)

    def _object(self, schema: Json, depth: int) -> Json:
        properties: Json = schema.get("properties", {})
        required = set(schema.get("required", ()))
        chosen = required if depth > DEEPEST or (self._asked and required) else set(properties)
        return {name: self.of(each, name, depth + 1) for name, each in properties.items() if name in chosen}

    def _text(self, schema: Json) -> str:
        match schema.get("format"):
            case "date-time":
                return _MOMENT
            case "binary":
                return ""
            case _:
                pass
        return "v_1" if "pattern" in schema else "text"[: schema.get("maxLength", 4)]

    def _accepts(self, schema: Json, value: Any) -> bool:
        """Whether a value by a member's name fits: by its type, its choices, and whether it may be null."""
        if "enum" in schema or "const" in schema:
            return value in schema.get("enum", [schema.get("const")])
        choices = schema.get("anyOf", schema.get("oneOf"))
        if choices is not None:
            return any(self._accepts(self._resolved(each), value) for each in choices)
        if schema.get("format") == "date-time" and not str(value).endswith("Z"):
            return False
        match schema.get("type"), value:
            case "string", str():
                return "pattern" not in schema or not any(letter in value for letter in " /")
            case "boolean", bool():
                return True
            case (("integer" | "number"), bool()):
                return False
            case ("integer", int()) | ("number", int() | float()):
                low, high = schema.get("minimum", value), schema.get("maximum", value)
                return bool(low <= value <= high and value < schema.get("exclusiveMaximum", value + 1))
            case "array", list():
                return all(self._accepts(self._resolved(schema.get("items", {})), each) for each in value)
            case "null", None:
                return True
            case _:
                return False

    def _resolved(self, schema: Json) -> Json:
        while "$ref" in schema:
            schema = self._components[schema["$ref"].rpartition("/")[2]]
        return schema


def exemplified(document: Json) -> Json:
    """The document, with an example of every body in JSON."""
    components: Components = document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            bodies = operation.get("requestBody", {}).get("content", {})
            _add(bodies, components, asked=True)
            for response in operation["responses"].values():
                _add(response.get("content", {}), components, asked=False)
    return document


def _add(bodies: Mapping[str, Json], components: Components, *, asked: bool) -> None:
    for media_type, body in bodies.items():
        if media_type == "application/problem+json":
            types = [each["$ref"].rpartition("/")[2] for each in body["schema"].get("oneOf", [body["schema"]])]
            found = {name: {"value": example(components[name], components, asked=True)} for name in types}
            body["examples"] = found
        elif media_type.endswith(("/json", "+json", "/event-stream")):
            body["example"] = example(body["schema"], components, asked=asked)
