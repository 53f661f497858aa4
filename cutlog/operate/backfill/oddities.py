"""What a legacy store holds that it should not: one line each, with what was done about it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec


class Oddity(msgspec.Struct, frozen=True):
    """`file` is the JSON file, or a path below the source; `id` the row's, or its place in the file."""

    file: str
    id: str
    what: str
    done: str


Tell = Callable[[Oddity], None]
"""Takes a line of the report."""
