"""How a command fails: one sentence on stderr, exit code 1, or 2 when it was not told what it needs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final, NoReturn

import typer

USAGE: Final = 2


def fail(sentence: str, code: int = 1) -> NoReturn:
    """Says why and ends the command."""
    print(f"cutlog: {sentence}", file=sys.stderr)
    raise typer.Exit(code)


def causes(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """The errors in a group, and in the groups in it."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from causes(error)
        else:
            yield error
