"""How facts of a shape that is not written any more are read: each as a fact of today. Pure.

A message only ever grows; where that is not enough, the fact gets another name (`MediaReady` → `MediaProcessed`), the
old name leaves the union of events, and its upcaster and its samples stay for ever: the log is never rewritten.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

Fact = tuple[str, dict[str, Any]]
"""The name of a type and the JSON of its payload."""

Upcaster = Callable[[dict[str, Any]], Fact]
"""From the payload of a retired type to a later fact, which may be retired itself."""

UPCASTERS: Final[Mapping[str, Upcaster]] = {}
"""By the name of the retired type. None was retired so far."""


def upcast(type_: str, payload: dict[str, Any], upcasters: Mapping[str, Upcaster] = UPCASTERS) -> Fact:
    """The fact in the shape of today, through as many steps as there are. Raises LookupError for a circle."""
    seen = {type_}
    while (step := upcasters.get(type_)) is not None:
        type_, payload = step(payload)
        if type_ in seen:
            raise LookupError(f"the upcasters of {type_} go round in a circle")
        seen.add(type_)
    return type_, payload
