"""Errors as the client sees them: RFC 9457 problem documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

CONTENT_TYPE = "application/problem+json"


class ProblemError(msgspec.Struct, frozen=True):
    """One offending value. `pointer` is a JSON pointer (RFC 6901) into the body, or `?name` for a query parameter."""

    pointer: str
    detail: str


class ProblemDocument(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """RFC 9457. `type` names the kind of problem; further members depend on it."""

    type: str
    title: str
    status: int
    detail: str = ""
    errors: list[ProblemError] = []
    request_id: str | None = msgspec.field(name="requestId", default=None)


class Problem(Exception):
    """An answer of status 4xx or 5xx. `type` is a slug such as `version-conflict`; `extra` adds members."""

    def __init__(
        self,
        status: int,
        type: str,  # noqa: A002 - the member's name in RFC 9457
        title: str,
        detail: str = "",
        *,
        errors: Sequence[ProblemError] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(title, detail)
        self.status = status
        self.type = type
        self.title = title
        self.detail = detail
        self.errors = tuple(errors)
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    @classmethod
    def of_status(cls, status: int, detail: str = "", headers: Mapping[str, str] | None = None) -> Problem:
        """The problem that says no more than its status does, such as 405."""
        phrase = HTTPStatus(status).phrase
        return cls(status, phrase.lower().replace(" ", "-"), phrase, detail, headers=headers)

    def document(self, request_id: str | None = None) -> dict[str, Any]:
        """The body as JSON values. `extra` never hides a standard member."""
        document = ProblemDocument(
            type=f"/problems/{self.type}",
            title=self.title,
            status=self.status,
            detail=self.detail,
            errors=list(self.errors),
            request_id=request_id,
        )
        standard: dict[str, Any] = msgspec.to_builtins(document)
        return standard | {name: value for name, value in self.extra.items() if name not in standard}

    def encode(self, request_id: str | None = None) -> bytes:
        """The body as bytes of JSON."""
        return msgspec.json.encode(self.document(request_id))


def not_found(what: str) -> Problem:
    """404 for a thing that does not exist, or that another tenant has. `what` is a subject: `Project p_1`."""
    return Problem(404, "not-found", "Not found", f"{what} does not exist.")


def unavailable(detail: str, retry_after: int = 2) -> Problem:
    """503 while a dependency is down; the client may try again after `retry_after` seconds."""
    return Problem(503, "dependency-down", "A dependency is down", detail, headers={"Retry-After": str(retry_after)})
