"""Errors as the client sees them: RFC 9457 problem documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.answers.problems import ProblemDocument, ProblemError
from cutlog.contract.base import Wire

CONTENT_TYPE: Final = "application/problem+json"
PREFIX: Final = "/problems/"
"""Before the slug of a problem in its `type`."""


class Problem(Exception):
    """An answer of status 4xx or 5xx. Raise one by its type: `NOT_FOUND("Project p_1 does not exist.")`."""

    def __init__(
        self,
        of: ProblemType,
        detail: str = "",
        *,
        errors: Sequence[ProblemError] = (),
        more: msgspec.Struct | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(of.title, detail)
        self.of = of
        self.detail = detail
        self.errors = tuple(errors)
        self.more = more
        self.headers = dict(headers or {})

    @property
    def status(self) -> int:
        return self.of.status

    @property
    def type(self) -> str:
        """The slug of its type, such as `version-conflict`."""
        return self.of.slug

    @property
    def title(self) -> str:
        return self.of.title

    def document(self, request_id: str | None = None) -> dict[str, Any]:
        """The body as JSON values."""
        document = ProblemDocument(
            type=self.of.uri,
            title=self.title,
            status=self.status,
            detail=self.detail,
            errors=list(self.errors),
            request_id=request_id,
        )
        standard: dict[str, Any] = msgspec.to_builtins(document)
        return standard if self.more is None else standard | msgspec.to_builtins(self.more)

    def encode(self, request_id: str | None = None) -> bytes:
        """The body as bytes of JSON."""
        return msgspec.json.encode(self.document(request_id))


@dataclass(frozen=True)
class ProblemType:
    """What clients branch on: each situation has one type, and each type one status and one title.

    `example` is a detail as it may be; `members` are the further members of such a document.
    """

    slug: str
    status: int
    title: str
    example: str
    members: type[msgspec.Struct] | None = None

    @property
    def uri(self) -> str:
        """The member `type`."""
        return f"{PREFIX}{self.slug}"

    @property
    def name(self) -> str:
        """What the API's document calls it: `VersionConflictProblem`."""
        return "".join(word.capitalize() for word in self.slug.split("-")) + "Problem"

    def __call__(
        self,
        detail: str = "",
        *,
        errors: Sequence[ProblemError] = (),
        more: msgspec.Struct | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Problem:
        """A problem of this type."""
        return Problem(self, detail, errors=errors, more=more, headers=headers)


class TooLarge(Wire):
    """How many bytes are accepted."""

    limit: int | UnsetType = UNSET


class BudgetUsed(Wire):
    """Which budget is exhausted, how much of it is used, or would be, and how much there is. `reset`: when it is whole
    again; null: waiting does not help."""

    budget: str
    used: int
    limit: int
    reset: datetime | None = None


class RateUsed(Wire, omit_defaults=True):
    """Of requests: the budget, how much of it was used at once, the limit per second, and when enough is left again."""

    budget: str | UnsetType = UNSET
    used: int | UnsetType = UNSET
    limit: int | UnsetType = UNSET
    reset: datetime | UnsetType = UNSET


BAD_REQUEST: Final = ProblemType("bad-request", 400, "The request is malformed", "The body does not match its headers.")
MALFORMED_JSON: Final = ProblemType("malformed-json", 400, "The body is not JSON", "Expecting value at byte 7.")
MALFORMED_FORM: Final = ProblemType("malformed-form", 400, "The body is not multipart/form-data", "Invalid boundary.")
INVALID_HEADER: Final = ProblemType(
    "invalid-header", 400, "A header is invalid", "Idempotency-Key must be 1 to 255 printable ASCII characters."
)
UNAUTHORIZED: Final = ProblemType("unauthorized", 401, "A valid token is required", "The token has expired.")
FORBIDDEN: Final = ProblemType(
    "forbidden", 403, "The role is insufficient", "This needs the role editor; the token has viewer."
)
CSRF_TOKEN_INVALID: Final = ProblemType(
    "csrf-token-invalid", 403, "The CSRF token is missing or wrong",
    "Send the `csrf` of GET /api/session as X-CSRF-Token.",
)  # fmt: skip
SIGNATURE_INVALID: Final = ProblemType(
    "signature-invalid", 403, "The link is not valid", "Request a new link from the API."
)
LINK_EXPIRED: Final = ProblemType("link-expired", 403, "The link has expired", "Request a new link from the API.")
NOT_FOUND: Final = ProblemType("not-found", 404, "Not found", "Project p_1 does not exist.")
METHOD_NOT_ALLOWED: Final = ProblemType(
    "method-not-allowed", 405, "The method is not allowed", "/api/health accepts GET, HEAD, OPTIONS."
)
NOT_ACCEPTABLE: Final = ProblemType(
    "not-acceptable", 406, "No acceptable media type is available", "Frames are image/jpeg or image/png."
)
REQUEST_TIMEOUT: Final = ProblemType("request-timeout", 408, "The request took too long", "No data arrived for 60 s.")
TOO_LARGE: Final = ProblemType("too-large", 413, "The request is too large", "At most 1048576 bytes.", TooLarge)
TOO_MANY_PARTS: Final = ProblemType("too-many-parts", 413, "The form has too many parts", "At most 16 parts.")
UNSUPPORTED_MEDIA_TYPE: Final = ProblemType(
    "unsupported-media-type", 415, "The media type is not supported",
    "Content-Type must be application/json, not text/plain.",
)  # fmt: skip
RANGE_NOT_SATISFIABLE: Final = ProblemType(
    "range-not-satisfiable", 416, "The range is outside the file", "The file has 1048576 bytes."
)
IDEMPOTENCY_KEY_USED: Final = ProblemType(
    "idempotency-key-used", 409, "The Idempotency-Key was used before",
    "The first answer held a secret, so it was not stored. Use a new key to create another one.",
)  # fmt: skip
INVALID_REQUEST: Final = ProblemType("invalid-request", 422, "The request is invalid", "See errors.")
IDEMPOTENCY_KEY_REUSED: Final = ProblemType(
    "idempotency-key-reused", 422, "The Idempotency-Key was used for another request",
    "Use a new key for a new request.",
)  # fmt: skip
RATE_LIMITED: Final = ProblemType(
    "rate-limited", 429, "Too many requests", "At most 100 requests per second; try again in 1 s.", RateUsed
)
BUDGET_EXCEEDED: Final = ProblemType(
    "budget-exceeded", 413, "A budget is exceeded",
    "The tenant would hold 1000001 files; it may hold 1000000. Delete videos that are not needed.", BudgetUsed,
)  # fmt: skip
BUDGET_USED_UP: Final = ProblemType(
    "budget-used-up", 429, "A budget is used up",
    "10000000 of 10000000 framesPerHour are used; try again at 2026-01-31 13:00 UTC.", BudgetUsed,
)  # fmt: skip
EVENT_STREAMS_EXCEEDED: Final = ProblemType(
    "event-streams-exceeded", 429, "Too many event streams are open",
    "100 of 100 event streams are open. Close one to open another.", BudgetUsed,
)  # fmt: skip
INTERNAL_ERROR: Final = ProblemType(
    "internal-error", 500, "An internal error occurred", "It has been logged under this request id."
)
DEPENDENCY_DOWN: Final = ProblemType(
    "dependency-down", 503, "A dependency is unavailable", "The database does not answer."
)

_OF_STATUS: Final = {
    each.status: each
    for each in (
        BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, METHOD_NOT_ALLOWED, NOT_ACCEPTABLE, REQUEST_TIMEOUT,
        TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, RANGE_NOT_SATISFIABLE, INTERNAL_ERROR, DEPENDENCY_DOWN,
    )
}  # fmt: skip


def of_status(status: int) -> Problem:
    """A problem of which only the status is known."""
    if (known := _OF_STATUS.get(status)) is not None:
        return known()
    phrase = HTTPStatus(status).phrase
    return ProblemType(phrase.lower().replace(" ", "-"), status, phrase, "")()


def not_found(what: str) -> Problem:
    """404 for a thing that does not exist, or that another tenant has. `what` is a subject: `Project p_1`."""
    return NOT_FOUND(f"{what} does not exist.")


def invalid(*errors: ProblemError) -> Problem:
    """422 for values that are not what the request needs, each with its pointer."""
    return INVALID_REQUEST(errors[0].detail if len(errors) == 1 else "See errors.", errors=errors)


def unavailable(detail: str, retry_after: int = 2) -> Problem:
    """503 while a dependency is unavailable; the client may retry after `retry_after` seconds."""
    return DEPENDENCY_DOWN(detail, headers={"Retry-After": str(retry_after)})
