"""What a benchmark is: work that yields rows, what they must show, and how they are drawn.

A module of `bench/` measures one thing and says so in its `BENCH`; `bench/__main__.py` lists them. A row is a flat
mapping from column to number or text. Lists of words in it are command lines (`command`, `peer_command`), shown below
the table; `skipped` is the sentence that stands where a row could not be measured. Rows with the same columns make one
table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

Row = dict[str, Any]
Run = Callable[[float], Iterator[Row]]
"""Measures, each figure for about so many seconds, and yields a row as soon as it is known."""

SKIPPED: Final = "skipped"


@dataclass(frozen=True)
class Target:
    """What must be reached: `column` of the rows that have all of `where` is `at_least` or `at_most`; the worst counts.

    `id` is the figure's short name, `work` and `peer` say what is compared. A target without a peer is absolute, and
    says its unit in the column.
    """

    id: str
    work: str
    peer: str = ""
    column: str = "ratio"
    at_least: float | None = None
    at_most: float | None = None
    where: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"{self.id}: either at_least or at_most")

    def measured(self, rows: list[Row]) -> float | None:
        """The worst of the rows that it speaks of; None where there is none."""
        where = self.where or {}
        values = [float(row[self.column]) for row in rows if self.column in row and where.items() <= row.items()]
        if not values:
            return None
        return min(values) if self.at_least is not None else max(values)

    def verdict(self, rows: list[Row]) -> Literal["met", "missed", "not measured"]:
        """What the rows say of it."""
        value = self.measured(rows)
        if value is None:
            return "not measured"
        met = value >= self.at_least if self.at_least is not None else value <= (self.at_most or 0)
        return "met" if met else "missed"


@dataclass(frozen=True)
class Plot:
    """Columns `y` over column `x`, a line for each; both axes are logarithmic unless said otherwise."""

    title: str
    x: str
    y: tuple[str, ...]
    log_x: bool = True
    log_y: bool = True


@dataclass(frozen=True)
class Bench:
    """One benchmark: the title of its chapter, its work, what that must show, and its drawings."""

    title: str
    run: Run
    targets: tuple[Target, ...] = ()
    plots: tuple[Plot, ...] = ()


def skipped(reason: str, **what: Any) -> Row:
    """A row that was not measured: `skipped("melt is not installed", clips=40)`."""
    return {**what, SKIPPED: reason}
