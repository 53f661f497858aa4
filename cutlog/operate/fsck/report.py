"""What was found."""

from __future__ import annotations

from typing import Literal

import msgspec

Check = Literal["log", "stream", "projection", "object", "stray", "cache", "count", "snapshot"]


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong. `name` says with what; `mended` what was done about it, `way_out` what can be done."""

    check: Check
    name: str
    detail: str
    mended: str | None = None
    way_out: str | None = None


class Report(msgspec.Struct, frozen=True):
    """`looked_at` counts, by check, what was looked at: events, messages, rows, objects."""

    findings: tuple[Finding, ...]
    looked_at: dict[str, int]
