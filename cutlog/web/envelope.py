"""Answers as frontends of the old backend read them: `{success, message?, data?}`, for every path below PREFIX."""

from __future__ import annotations

from typing import Annotated, Final, Generic, Literal, TypeVar

import msgspec
from aiohttp import web
from msgspec import UNSET, UnsetType

from cutlog.contract.base import Wire
from cutlog.web.problems import Problem
from cutlog.web.reply import JSON

T = TypeVar("T")

PREFIX: Final = "/api/compat/"
STATUSES: Final = frozenset((400, 401, 403, 404, 409, 500))
"""What those frontends know of failures."""
KEPT: Final = frozenset((416, 429, 503))
"""What they have to be told beside that: which bytes a file has, and when to try again."""
MOST: Final = 5
"""Faults of one request that a message names."""


class Answer(Wire, Generic[T], kw_only=True):
    """A success."""

    success: Literal[True] = True
    message: str | UnsetType = UNSET
    data: T


class Failure(Wire, kw_only=True):
    """A failure: `message` for people, `error` the kind of problem."""

    success: Literal[False] = False
    message: str
    error: str | UnsetType = UNSET


class Pagination(Wire):
    """Which page of a list it is, and how much there is."""

    page: int
    limit: int
    total: int
    total_pages: int


class PageQuery(Wire):
    """Which page of a list: the first, of ten, unless the query says otherwise. Parameters nobody knows are ignored, as
    they always were."""

    page: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    limit: Annotated[int, msgspec.Meta(ge=1, le=1_000)] = 10

    @property
    def skipped(self) -> int:
        """How many items there are before the page."""
        return (self.page - 1) * self.limit

    def of(self, total: int) -> Pagination:
        """The page, of so many items in all."""
        return Pagination(page=self.page, limit=self.limit, total=total, total_pages=-(-total // self.limit))


def enveloped(path: str) -> bool:
    """Whether a path is answered in this form."""
    return path.startswith(PREFIX)


def failure(problem: Problem) -> web.Response:
    """A problem in the old form."""
    body = msgspec.json.encode(Failure(message=sentence(problem), error=problem.type))
    return web.Response(status=status(problem.status), body=body, headers={"Content-Type": JSON, **problem.headers})


def status(of: int) -> int:
    """The status under which those frontends know a problem of ours."""
    if of in STATUSES or of in KEPT:
        return of
    if of == 405:
        return 404
    return 400 if of < 500 else 500


def sentence(problem: Problem) -> str:
    """What is wrong, for people: the faults of a request, or what the problem says."""
    if problem.errors:
        faults = [f"{error.pointer}: {error.detail}" if error.pointer else error.detail for error in problem.errors]
        return "; ".join(dict.fromkeys(faults[:MOST]))
    return problem.detail or problem.title
