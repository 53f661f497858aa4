"""Refuses text that no font can draw. Only what is new is asked: what was accepted once is folded without question."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from cutlog.contract.letters import Letters, names
from cutlog.contract.ops import CaptionSet, ClipAdd, Op, TextSet
from services.ops.edits.errors import EditError


def check_letters(ops: Sequence[Op], letters: Letters) -> None:
    """Raises EditError, with a pointer to a text and the characters of it that no font has."""
    for index, op in enumerate(ops):
        match op:
            case ClipAdd(text=text) if text is not UNSET:
                _check(text.text, letters, f"/ops/{index}/text/text")
            case TextSet(text=text) | CaptionSet(text=text) if text is not UNSET:
                _check(text, letters, f"/ops/{index}/text")
            case _:
                continue


def _check(text: str, letters: Letters, pointer: str) -> None:
    if lacking := letters.lacking(text):
        raise EditError(pointer, f"no font has {names(lacking)}; remove them, or upload a font that has them")
