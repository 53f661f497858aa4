"""Markup of captions, taken out. Every pattern is linear in the length of its text: it comes from strangers."""

from __future__ import annotations

import html
import re
from typing import Final

from .found import Found, tidy

#: What players take for markup. Other angle brackets, as in `a < b` and `<3`, are text.
_TAG: Final = re.compile(
    r"</?(?:b|i|u|s|c|v|font|lang|ruby|rt|span)(?:[ .\t][^<>]{0,500})?/?>"
    r"|<(?:\d{1,6}:)?\d\d:\d\d\.\d{3}>|\{\\[^{}]{0,200}\}",
    re.I,
)
_BREAK: Final = re.compile(r"<br[ \t]{0,9}/?>", re.I)
_PLACE: Final = re.compile(r"\{\\(?:an?\d|pos|move)", re.I)
_ENTITY: Final = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,31}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")


def plain(lines: list[str], found: Found, position: bool = False, strict: bool = True) -> str:
    """The words of a cue. `position`: it had one beside its time. Entities end with a semicolon, unless not `strict`,
    where they are HTML's."""
    said = "\n".join(lines)
    without = _TAG.sub("", _BREAK.sub("\n", said))
    placed = position or _PLACE.search(said) is not None
    if placed:
        found.lose("position")
    elif without != said and _TAG.search(said) is not None:
        found.lose("style")
    if "&" in without:
        without = _ENTITY.sub(lambda match: html.unescape(match[0]), without) if strict else html.unescape(without)
    return tidy(without.split("\n"))
