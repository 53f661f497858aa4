"""Identifiers: opaque strings of one shape, made of a prefix and a UUIDv7 (RFC 9562) in base32."""

from __future__ import annotations

import base64
import os
import re
import time
import uuid
from typing import Annotated, Final, NewType

import msgspec

# `$` alone would also match before a final newline, in Python though not in JSON Schema.
ID_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,63}$(?!\n)"
_ID: Final = re.compile(ID_PATTERN)

#: An id as it may come from a client: validated where it is decoded.
Id = Annotated[str, msgspec.Meta(pattern=ID_PATTERN, description="lowercase id")]

ProjectId = NewType("ProjectId", str)
MediaId = NewType("MediaId", str)
ExportId = NewType("ExportId", str)

#: Namespace of event ids that derive from a command's key (RFC 9562, version 5).
EVENT_NAMESPACE: Final = uuid.UUID("6f3f3a0e-6a5b-5d0c-9a37-2c9b1f0f6a11")


def is_id(text: str) -> bool:
    """Whether `text` has the shape of an id."""
    return _ID.match(text) is not None


class _Pool:
    """Random bytes of the system, fetched a page at a time: a call of the system costs more than an id."""

    def __init__(self) -> None:
        self._page, self._at = b"", 0
        # Two processes must never draw from one page.
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._page, self._at = b"", 0

    def take(self, count: int) -> bytes:
        if self._at + count > len(self._page):
            self._page, self._at = os.urandom(4096), 0
        start, self._at = self._at, self._at + count
        return self._page[start : self._at]


random_bytes: Final = _Pool().take
"""So many random bytes, for names. What must stay secret comes from `secrets`."""


def uuid7() -> uuid.UUID:
    """A new UUIDv7: milliseconds since the epoch, then 74 random bits."""
    millis = time.time_ns() // 1_000_000
    random = int.from_bytes(random_bytes(10))
    high = (millis & (1 << 48) - 1) << 16 | 0x7 << 12 | random >> 64 & 0xFFF
    value = high << 64 | 0b10 << 62 | random & (1 << 62) - 1
    return uuid.UUID(int=value)


def new_id(prefix: str) -> str:
    """A new id such as `p_06d8…`; ids made later sort later."""
    # base32hex keeps the order of the bytes it encodes.
    return f"{prefix}_{base64.b32hexencode(uuid7().bytes).decode().rstrip('=').lower()}"


def event_id(key: str, index: int) -> uuid.UUID:
    """The id of the `index`-th event that the command with this idempotency key leads to."""
    return uuid.uuid5(EVENT_NAMESPACE, f"{key}#{index}")
