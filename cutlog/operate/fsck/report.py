"""What was found."""

from __future__ import annotations

from typing import Literal

import msgspec

Check = Literal["log", "stream", "projection", "object", "stray", "cache", "count", "snapshot"]


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong. `name` says with what; `repaired` what was done about it, `remedy` what can be done."""

    check: Check
    name: str
    detail: str
    repaired: str | None = None
    remedy: str | None = None


class Report(msgspec.Struct, frozen=True):
    """`checked` counts, by check, what was looked at: events, messages, rows, objects."""

    findings: tuple[Finding, ...]
    checked: dict[str, int]
