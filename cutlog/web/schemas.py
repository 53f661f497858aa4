"""JSON Schemas as generators of clients read them: the same values are valid, in words that all generators know."""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from typing import Any, Final

Json = dict[str, Any]

_OWN_PATTERN: Final = "(?!\\n)"
"""That `$` is the end and not before a last line feed, which is what it means in JSON Schema anyway (ECMA-262)."""


def plain(schema: Any) -> Any:
    """A schema, and all that is in it, of plain JSON values.

    A default makes a member no longer optional to some generators, so it is told in the description. Of a tuple whose
    members are alike, `items` says what each is: `false` is refused by others, and `prefixItems` is read by few.
    """
    match schema:
        case {"properties": dict(properties), **rest}:
            needed = set[str](schema.get("required", ()))
            members = {name: plain(_without_default(each, name in needed)) for name, each in properties.items()}
            return {"properties": members, **{key: plain(value) for key, value in rest.items()}}
        case {"prefixItems": [first, *others], **rest} if all(each == first for each in others):
            return {**{key: plain(value) for key, value in rest.items()}, "items": plain(first)}
        case {"pattern": str(pattern), **rest}:
            return {**plain(rest), "pattern": pattern.removesuffix(_OWN_PATTERN)}
        case {"enum": [bool(only)], **rest}:
            return {**plain(rest), "type": "boolean", "const": only}
        case {"enum": [str(), *_], "type": _} | {"enum": _, "$ref": _}:
            return dict(schema)
        case {"enum": [str(), *others], **rest} if all(isinstance(each, str) for each in others):
            return {**plain(rest), "enum": schema["enum"], "type": "string"}
        case dict():
            return {key: plain(value) for key, value in schema.items()}
        case list() | tuple():
            return [plain(each) for each in schema]
        case _:
            return schema


def names(found: Iterable[str]) -> dict[str, str]:
    """A short name for every component: `ProjectPage` for what msgspec calls `Page_Project_`, and for one of several
    types of a name, which it calls by their whole names, the name with as much of its modules before it as tells it
    apart."""
    whole = list(found)
    shown: dict[str, str] = {name: _short(name) for name in whole if "." not in name}
    for name in (name for name in whole if "." in name):
        *modules, own = name.split(".")
        choices = [own, *(f"{_capital(module)}{own}" for module in reversed(modules))]
        shown[name] = next(each for each in choices if _free(each, name, shown, whole))
    return shown


def _free(choice: str, name: str, shown: Mapping[str, str], whole: list[str]) -> bool:
    """Whether no other type has, or could have, the same short name."""
    bare = [each for each in whole if each != name and each.rpartition(".")[2] == choice]
    return choice not in shown.values() and not bare


def _short(name: str) -> str:
    generic = re.fullmatch(r"(\w+?)_(\w+)_", name)
    return f"{generic[2]}{generic[1]}" if generic else name.removesuffix("Document")


def _capital(module: str) -> str:
    return "".join(word.capitalize() for word in module.split("_"))


def sent_whole(components: Mapping[str, Json], asked: Any, sparse: Container[str]) -> dict[str, Json]:
    """The components, where what only answers refer to has all its members always: services leave none out, but for
    types that are `sparse`. `asked` is everything of the document that describes requests."""
    both = set(_reached(asked, components))
    return {
        name: schema
        if name in both or name in sparse or "properties" not in schema
        else {**schema, "required": [key for key in schema["properties"] if _is_sent(key, schema)]}
        for name, schema in components.items()
    }


def _is_sent(name: str, schema: Json) -> bool:
    return name in schema.get("required", ()) or "default" in schema["properties"][name]


def _reached(value: Any, components: Mapping[str, Json]) -> Iterator[str]:
    """Names of all components that a part of the document refers to, directly or not."""
    seen: set[str] = set()
    left = [value]
    while left:
        match left.pop():
            case {"$ref": str(ref), **rest}:
                name = ref.rpartition("/")[2]
                if name not in seen:
                    seen.add(name)
                    left.append(components[name])
                left.append(rest)
            case dict(found):
                left += found.values()
            case list(items):
                left += items
            case _:
                pass
    yield from seen


def _without_default(member: Any, required: bool) -> Any:
    if not isinstance(member, dict) or "default" not in member:
        return member
    rest = {key: value for key, value in member.items() if key != "default"}
    if required or member["default"] in (None, [], {}, ()) or "$ref" in rest:
        return rest
    said = f"Default: {json.dumps(member['default'])}."
    return {**rest, "description": f"{rest['description'].rstrip('.')}. {said}" if "description" in rest else said}
