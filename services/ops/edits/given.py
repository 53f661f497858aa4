"""Which of an op's optional arguments the client gave."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from services.ops.edits.errors import EditError


def given(op: msgspec.Struct, *names: str) -> dict[str, Any]:
    """Those of the named fields that were given, by name."""
    return {name: value for name in names if (value := getattr(op, name)) is not UNSET}


def some(op: msgspec.Struct, *names: str) -> dict[str, Any]:
    """The same; at least one must be given. Raises EditError."""
    if not (changes := given(op, *names)):
        fields = {field.name: field.encode_name for field in msgspec.structs.fields(op)}
        raise EditError("", "give at least one of " + ", ".join(fields[name] for name in names))
    return changes
