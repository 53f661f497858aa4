"""Lists in pages."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list. `next` is the cursor of the page that follows, or null at the end."""

    items: list[T]
    next: str | None = None
