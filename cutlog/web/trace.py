"""Which request this is: W3C Trace Context (https://www.w3.org/TR/trace-context/) and a request id."""

from __future__ import annotations

import re

from cutlog.contract.ids import random_bytes

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")


def child_of(traceparent: str | None) -> str:
    """A traceparent for what this process does: in the caller's trace where there is one, else in a new trace."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    trace, flags = random_bytes(16).hex(), "01"
    if match is not None:
        version, theirs, parent, their_flags, rest = match.groups()
        known = (version == "00" and rest is None) or version not in ("00", "ff")
        if known and theirs.strip("0") and parent.strip("0"):
            trace, flags = theirs, f"{int(their_flags, 16) & 1:02x}"
    return f"00-{trace}-{random_bytes(8).hex()}-{flags}"


def trace_id(traceparent: str) -> str:
    """The part that all spans of a trace share: 32 hexadecimal digits."""
    return traceparent[3:35]


def request_id(theirs: str | None) -> str:
    """The caller's id for this request when it is harmless, else a new one."""
    if theirs is not None and _REQUEST_ID.fullmatch(theirs):
        return theirs
    return random_bytes(8).hex()
