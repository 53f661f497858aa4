"""How deep JSON goes, found out before any parser has to follow it there."""

from __future__ import annotations

import re
from array import array
from itertools import accumulate
from typing import Final

MAX_DEPTH: Final = 64

_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"')
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*+)"|[\[\]{},:]')
_OTHERS = bytes(byte for byte in range(256) if byte not in b"[]{}")
_AT_ONCE: Final = 1 << 16
_STEP = bytes((1 if byte in b"[{" else 255 if byte in b"]}" else 0) for byte in range(256))


def too_deep(text: str) -> tuple[str | int, ...] | None:
    """The keys and indices to the first value below MAX_DEPTH levels, or None. The text need not be valid JSON."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return None
    # A byte of a longer UTF-8 sequence is never a bracket, so steps can be counted over bytes.
    steps = _STRING.sub("", text).encode("utf-8", "surrogatepass").translate(_STEP, _OTHERS)
    depth = 0
    for start in range(0, len(steps), _AT_ONCE):  # between them, other threads get their turns
        some = array("b", steps[start : start + _AT_ONCE])
        if max(accumulate(some, initial=depth)) > MAX_DEPTH:
            return _place(text)
        depth += sum(some)
    return None


def _place(text: str) -> tuple[str | int, ...]:
    path: list[str | int] = []
    name = ""
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "[":
                path.append(0)
            case "{":
                path.append("")
            case "]" | "}":
                if path:
                    path.pop()
            case ",":
                if path and isinstance(path[-1], int):
                    path[-1] += 1
            case ":":
                if path and isinstance(path[-1], str):
                    path[-1] = name
            case _:
                name = token[1]
        if len(path) > MAX_DEPTH:
            return tuple(path[:-1])
    return ()
