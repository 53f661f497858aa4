"""JSON pointers (RFC 6901), and msgspec's own way to say where something is."""

from __future__ import annotations

import re

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[\.\.\.\]")
_AT = re.compile(r"^(?P<text>.*?)(?: - at `(?P<key>key` in `)?\$(?P<path>[^`]*)`)?$", re.DOTALL)
_FIELD = re.compile(r"^Object (?:missing required|contains unknown) field `(?P<name>.*)`$", re.DOTALL)


def pointer(parts: tuple[str | int, ...]) -> str:
    """The pointer to a value by the keys and indices that lead to it; "" is the whole document."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def located(message: str) -> tuple[tuple[str | int, ...], str]:
    """A msgspec error message as (keys and indices, sentence): `… - at `$.ops[3].out`` is ("ops", 3, "out").

    A missing or unknown field is located at the field itself. msgspec does not name the key of a mapping: the path
    ends there.
    """
    match = _AT.match(message)
    assert match is not None
    text, parts = match["text"], list[str | int]()
    for step in _STEP.finditer(match["path"] or ""):
        name, index = step.groups()
        if name is None and index is None:
            break
        parts.append(name if name is not None else int(index))
    else:
        field = _FIELD.match(text)
        if field is not None:
            parts.append(field["name"])
    return tuple(parts), text
