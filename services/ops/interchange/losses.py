"""What a conversion could not keep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import msgspec

from cutlog.contract.answers.edits import Loss

#: Losses that a report names one by one; the rest is counted.
MAX_LOSSES: Final = 200
#: Bytes of the report that fit in a header.
MAX_HEADER: Final = 6_000


class Ledger:
    """Collects losses. Equal ones in the same place are counted, not repeated."""

    def __init__(self, losses: Iterable[Loss] = ()) -> None:
        self._counts: dict[tuple[str, str, str], int] = {}
        for loss in losses:
            self.add(loss.what, loss.where, loss.detail, loss.count)

    def add(self, what: str, where: str, detail: str, count: int = 1) -> None:
        """Notes a loss."""
        key = (what, where[:120], detail[:400])
        self._counts[key] = self._counts.get(key, 0) + count

    def report(self) -> tuple[Loss, ...]:
        """All losses in the order in which they were noted; beyond `MAX_LOSSES` they are counted by kind."""
        items = list(self._counts.items())
        named = [Loss(what=what, where=where, count=count, detail=detail) for (what, where, detail), count in items]
        if len(named) <= MAX_LOSSES:
            return tuple(named)
        return (*named[:MAX_LOSSES], *summary(named[MAX_LOSSES:]))


def summary(losses: Iterable[Loss]) -> tuple[Loss, ...]:
    """One loss per kind, with their sum."""
    counts: dict[str, int] = {}
    for loss in losses:
        counts[loss.what] = counts.get(loss.what, 0) + loss.count
    return tuple(Loss(what=what, where="*", count=count, detail="in other places") for what, count in counts.items())


def header(losses: tuple[Loss, ...]) -> str:
    """The report as JSON of ASCII characters, at most `MAX_HEADER` long: the first losses, then sums."""
    for named in (len(losses), 50, 20, 8, 0):
        if named <= len(losses):
            text = _ascii((*losses[:named], *summary(losses[named:])))
            if len(text) <= MAX_HEADER:
                return text
    return _ascii((Loss(what="*", where="*", count=sum(loss.count for loss in losses), detail="too many to tell"),))


def _ascii(losses: tuple[Loss, ...]) -> str:
    text = msgspec.json.encode(losses).decode()
    return "".join(char if " " <= char <= "~" else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
