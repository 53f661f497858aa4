"""Ids for what comes from elsewhere: made from names, the same for the same file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Final

from cutlog.contract.ids import is_id

_OTHER: Final = re.compile(r"[^a-z0-9]+")
LONGEST: Final = 40


def slug(name: str) -> str:
    """A name as the beginning of an id: ASCII letters, digits and dashes; empty if nothing of it remains."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _OTHER.sub("-", plain).strip("-")[:LONGEST].strip("-")


class Names:
    """Gives out ids that are neither taken in the project nor given out before. `renamed` counts own ids that were."""

    def __init__(self, taken: Callable[[str], bool]) -> None:
        self._taken = taken
        self._given: set[str] = set()
        self._next: dict[str, int] = {}
        self.renamed = 0

    def fresh(self, wanted: str, own: bool = False) -> str:
        """The wanted id, or else one with a number after it. An `own` one is an id of ours already."""
        if own and is_id(wanted) and self._take(wanted):
            return wanted
        self.renamed += own
        base = wanted if is_id(wanted) else slug(wanted) or "x"
        if not own and self._take(base):
            return base
        base = base[: 64 - 8]
        while True:
            number = self._next.get(base, 2)
            self._next[base] = number + 1
            if self._take(f"{base}-{number}"):
                return f"{base}-{number}"

    def _take(self, ident: str) -> bool:
        if ident in self._given or self._taken(ident):
            return False
        self._given.add(ident)
        return True
