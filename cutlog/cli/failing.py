"""How a command fails: one sentence on stderr, exit code 1."""

from __future__ import annotations

import sys
from typing import NoReturn

import typer


def fail(sentence: str) -> NoReturn:
    """Says why and ends the command with code 1."""
    print(f"cutlog: {sentence}", file=sys.stderr)
    raise typer.Exit(1)
