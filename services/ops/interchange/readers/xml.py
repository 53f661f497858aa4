"""XML that strangers sent. `plain` of the script has refused declarations, depth and size before."""

from __future__ import annotations

from fractions import Fraction
from typing import Final
from xml.etree import ElementTree

from .otio import RefusedError

Element = ElementTree.Element
_LONGEST: Final = 40


def root(document: bytes, name: str) -> Element:
    """The first element of a file. Raises RefusedError if it is no XML, or is called otherwise."""
    try:
        found = ElementTree.fromstring(document)  # noqa: S314
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        raise RefusedError(f"it is no XML: {error}") from None
    if found.tag != name:
        raise RefusedError(f"its first element is {found.tag[:40]}, not {name}")
    return found


def number(text: str | None) -> Fraction | None:
    """A number as programs write it, such as 12, -0.5 or 1001/24000; None for what is none."""
    text = (text or "").strip()
    if text.isascii() and text.isdigit() and len(text) <= _LONGEST:
        return Fraction(int(text))
    if not text or len(text) > _LONGEST or "e" in text.casefold():
        return None
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        return None
