"""How a command fails: one sentence on stderr, exit code 1."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NoReturn

import typer


def fail(sentence: str) -> NoReturn:
    """Says why and ends the command with code 1."""
    print(f"cutlog: {sentence}", file=sys.stderr)
    raise typer.Exit(1)


def causes(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """The errors in a group, and in the groups in it."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from causes(error)
        else:
            yield error
