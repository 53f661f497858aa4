"""Errors, as a small tree: the stack is unavailable, or it refused the request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from cutlog.contract.answers.edits import Collision
from cutlog.contract.answers.problems import ProblemError as Fault
from cutlog.contract.answers.projects import Version as Edit


class ClientError(Exception):
    """Base of all errors of this client."""


class Unreachable(ClientError):
    """The stack did not answer in time."""


class Refused(ClientError):
    """The stack refused a request."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        super().__init__(document.get("detail") or document.get("title") or f"status {status}")
        self.status = status
        self.document = document
        """The problem document (RFC 9457)."""

    @property
    def type(self) -> str:
        """The last part of the problem's type, such as `version-conflict`."""
        return str(self.document.get("type", "")).rpartition("/")[2]

    @property
    def errors(self) -> tuple[Fault, ...]:
        """The invalid values of the request, each with a JSON pointer."""
        return msgspec.convert(self.document.get("errors", ()), tuple[Fault, ...])


class Unauthorized(Refused):
    """The token is missing, expired, or not one of this stack (401)."""


class Forbidden(Refused):
    """The token's role may not do this (403)."""


class NotFound(Refused):
    """The object does not exist, or belongs to another tenant (404)."""


class Conflict(Refused):
    """The request conflicts with the current state (409)."""


class VersionConflict(Conflict):
    """The project has a newer version than the one that was expected (409)."""

    @property
    def current_version(self) -> int:
        return int(self.document["currentVersion"])

    @property
    def missed(self) -> tuple[Edit, ...]:
        """The versions that the client has not seen, in order; the first 200 of them."""
        return msgspec.convert(self.document.get("missed", ()), tuple[Edit, ...])

    @property
    def collisions(self) -> tuple[Collision, ...]:
        """What prevented a rebase; empty if none was requested."""
        return msgspec.convert(self.document.get("collisions", ()), tuple[Collision, ...])


class TooLarge(Refused):
    """The request is too large (413)."""


class Invalid(Refused):
    """The request is invalid; `errors` points to each value (422)."""


_BY_STATUS: Final[dict[int, type[Refused]]] = {
    401: Unauthorized, 403: Forbidden, 404: NotFound, 409: Conflict, 413: TooLarge, 422: Invalid,
}  # fmt: skip


def refusal(status: int, document: Mapping[str, Any]) -> Refused:
    """The error for a problem document."""
    if status == 409 and "currentVersion" in document:
        return VersionConflict(status, document)
    return _BY_STATUS.get(status, Refused)(status, document)
