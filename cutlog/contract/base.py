"""The two bases of every wire type: immutable, lowerCamelCase in JSON, made by keyword."""

from __future__ import annotations

from typing import dataclass_transform

import msgspec


# The decorator tells type checkers what msgspec inherits from the class keywords: frozen and keyword-only.
@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A value that leaves the process. Reading tolerates keys it does not know: producers may add some."""


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Strict(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A value that comes from a client. An unknown key is refused, with a pointer to it."""
