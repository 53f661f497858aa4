"""How a command fails: one sentence on stderr, exit code 1, or 2 when it was not told what it needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

import typer

USAGE: Final = 2
INTERRUPTED: Final = 130
"""By Ctrl-C: 128 and the number of the signal, as shells say it."""


def fail(sentence: str, code: int = 1) -> NoReturn:
    """Says why and ends the command."""
    print(f"cutlog: {sentence}", file=sys.stderr)
    raise typer.Exit(code)


def unusable(data: Path, error: OSError) -> str:
    """The sentence for a --data that an operation on it failed with."""
    match error:
        case FileExistsError() | NotADirectoryError():
            found = next((each for each in (data, *data.parents) if each.exists()), data)
            why = f"{found} is a file, not a folder"
        case PermissionError():
            why = f"you have no permission for {error.filename or data}"
        case _:
            why = os.strerror(error.errno) if error.errno else str(error)
    return f"cannot use {data} as --data: {why}"


def causes(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    """The errors in a group, and in the groups in it."""
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from causes(error)
        else:
            yield error
