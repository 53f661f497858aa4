"""Which characters fonts have."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache, lru_cache
from itertools import chain
from typing import Final

import msgspec

from cutlog.contract.shipped import RANGES

#: Categories of characters that are not drawn, or only tell how others are: controls, formats, separators.
_UNSEEN = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


class Letters(msgspec.Struct, frozen=True):
    """The code points that can be drawn: runs of neighbours in order, by their first and their last."""

    firsts: tuple[int, ...]
    lasts: tuple[int, ...]

    def __contains__(self, character: str) -> bool:
        place = bisect_right(self.firsts, ord(character)) - 1
        return place >= 0 and ord(character) <= self.lasts[place]

    def lacking(self, text: str) -> list[str]:
        """The characters of the text that cannot be drawn, each once, in order."""
        return [each for each in dict.fromkeys(text) if not (_unseen(each) or each in self)]

    def __or__(self, other: Letters) -> Letters:
        """The characters that either has."""
        firsts: list[int] = []
        lasts: list[int] = []
        both = (zip(self.firsts, self.lasts, strict=True), zip(other.firsts, other.lasts, strict=True))
        for first, last in sorted(chain(*both)):
            if lasts and first <= lasts[-1] + 1:
                lasts[-1] = max(lasts[-1], last)
            else:
                firsts.append(first)
                lasts.append(last)
        return Letters(tuple(firsts), tuple(lasts))


EMPTY: Final = Letters((), ())
"""Nothing can be drawn."""
ANY: Final = Letters((0,), (0x10FFFF,))
"""Nobody asks what can be drawn."""


@lru_cache(64)
def read(words: str) -> Letters:
    """Ranges such as "20-7e a9" in order. Raises ValueError."""
    pairs = [word.partition("-") for word in words.split()]
    firsts = tuple(int(first, 16) for first, _, _ in pairs)
    return Letters(firsts, tuple(int(last or first, 16) for first, _, last in pairs))


@cache
def shipped() -> Letters:
    """What the shipped fonts have."""
    return read(RANGES)


def names(characters: Iterable[str], most: int = 10) -> str:
    """Characters for a message: "ꙮ (U+A66E), …"."""
    found = list(characters)
    named = ", ".join(f"{each} (U+{ord(each):04X})" for each in found[:most])
    return f"{named} and {len(found) - most} more" if len(found) > most else named


def _unseen(character: str) -> bool:
    """Whether it is nothing to draw by itself; such are also selectors of another form of what stands before them."""
    return (
        unicodedata.category(character) in _UNSEEN
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )
