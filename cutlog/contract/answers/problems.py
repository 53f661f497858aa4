"""Errors: RFC 9457 problem documents."""

from __future__ import annotations

import msgspec


class ProblemError(msgspec.Struct, frozen=True):
    """One offending value. `pointer` is a JSON pointer (RFC 6901) into the body, or `?name` for a query parameter."""

    pointer: str
    detail: str


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """RFC 9457. `type` names the kind of problem; further members depend on it."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[ProblemError] = []
    request_id: str | None = msgspec.field(name="requestId", default=None)
