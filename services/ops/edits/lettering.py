"""Fonts that texts and captions name, and the characters that can be drawn with them.

Only what is new is asked: what was accepted once is folded without question.
"""

from __future__ import annotations

from collections.abc import Sequence

from cutlog.contract.fonts import BUILT_IN
from cutlog.contract.letters import Letters, names
from services.ops.edits.errors import EditError
from services.ops.edits.sources import Sources


def letters_of(font: str, sources: Sources, pointer: str) -> Sequence[Letters] | None:
    """What can be drawn with a font, and with those that come after it; None where nobody asks. Raises EditError where
    the font can't be used."""
    if sources.trusted:
        return None
    if font in BUILT_IN:
        return (sources.letters,)
    material = sources.get(font)
    if material is None:
        known = ", ".join(BUILT_IN)
        raise EditError(pointer, f"there is no font {font}; name one of {known}, or upload it and name its media id")
    if material.kind != "font":
        raise EditError(pointer, f"media {font} is not a font; its kind is {material.kind}")
    if material.failed:
        raise EditError(pointer, f"font {font} could not be processed; upload it in another format")
    return (sources.letters, material.letters)


def check_letters(text: str, letters: Sequence[Letters] | None, pointer: str) -> None:
    """Refuses characters that no font has. Raises EditError, which names them."""
    if lacking := beyond(text, letters):
        detail = f"no font has {names(lacking)}; remove them, or upload a font that has them and name it"
        raise EditError(pointer, detail)


def beyond(text: str, letters: Sequence[Letters] | None) -> str:
    """The characters of a text that no font has."""
    if letters is None:
        return ""
    for some in letters:
        text = "".join(some.lacking(text))
    return text
