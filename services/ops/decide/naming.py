"""Refuses names that are more than a line. Only what is new is asked: what was accepted once is folded as it is."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from cutlog.contract.lines import controls
from cutlog.contract.ops import Op
from services.ops.edits.errors import EditError


def check_name(name: str, pointer: str) -> None:
    """Raises EditError for a name with characters that break its line or turn its direction."""
    if found := controls(name):
        raise EditError(pointer, f"a name is one line without control characters; remove {', '.join(found[:10])}")


def check_names(ops: Sequence[Op]) -> None:
    """Raises EditError, with a pointer to the name. Whatever an op calls `name` is one."""
    for index, op in enumerate(ops):
        if isinstance(name := getattr(op, "name", UNSET), str):
            check_name(name, f"/ops/{index}/name")
