"""How refusals are answered: one table from the domain's errors to problem documents."""

from __future__ import annotations

from typing import Final

from cutlog.bus import BusError
from cutlog.ffmpeg import SandboxUnavailableError
from cutlog.web import Api, Problem, ProblemError
from cutlog.web.problems import unavailable
from services.ops.decide.importing import EditedSince
from services.ops.decide.refusals import (
    Held,
    IdUnavailable,
    MediaExists,
    MediaInUse,
    NotFound,
    NothingToExport,
    NotImported,
    NotRendering,
    NotRetryable,
    NotTranslated,
    Refused,
    StaleVersion,
)
from services.ops.edits.errors import EditError
from services.ops.edits.size import OverBudgetError
from services.ops.interchange.converter import CannotWrite, FileRefused
from services.ops.interchange.formats import CannotHold
from services.ops.interchange.schema import Malformed
from services.ops.log.records import LogClosed, LogUnavailable, Unstorable
from services.ops.readmodel.guard import MediaGone

_STATUS: Final[dict[type[Refused], int]] = {
    NotFound: 404,
    IdUnavailable: 409,
    NotImported: 409,
    EditedSince: 409,
    StaleVersion: 409,
    NotRendering: 409,
    NotRetryable: 409,
    Held: 403,
    MediaGone: 409,
    MediaInUse: 409,
    MediaExists: 409,
    NothingToExport: 422,
    NotTranslated: 400,
}


def map_refusals(api: Api) -> None:
    """Tells the API what each error means over HTTP."""
    for error, status in _STATUS.items():
        api.problem(error, status=status, type=error.code)
    api.problem(EditError, edit_problem)
    api.problem(OverBudgetError, _over_budget)
    for unfit in (FileRefused, Malformed, CannotHold, CannotWrite):
        api.problem(unfit, status=422, type="interchange-refused")
    api.problem(SandboxUnavailableError, lambda _: unavailable("Files can't be converted: there is no sandbox."))
    api.problem(Unstorable, status=422, type="unstorable")
    api.problem(LogUnavailable, lambda _: unavailable("The log does not answer."))
    api.problem(LogClosed, lambda _: unavailable("The service is restarting."))
    api.problem(BusError, lambda _: unavailable("The message bus does not answer."))


def _over_budget(error: OverBudgetError) -> Problem:
    """413 that names the budget, its limit and what would be used; waiting does not give it back."""
    return Problem(
        413,
        "budget-exceeded",
        "The edit exceeds a budget",
        error.detail,
        errors=[ProblemError(error.pointer, error.detail)],
        extra={"budget": error.budget, "limit": error.limit, "used": error.used, "reset": None},
    )


def edit_problem(error: EditError) -> Problem:
    """422 with the pointer to what does not apply."""
    return Problem(
        422,
        "edit-refused",
        "The edit does not apply",
        error.detail,
        errors=[ProblemError(error.pointer, error.detail)],
    )
