"""How refusals are answered: one table from the domain's errors to problem documents."""

from __future__ import annotations

from typing import Final

from cutlog.bus import BusError
from cutlog.ffmpeg import SandboxUnavailableError
from cutlog.web import Api, Problem, ProblemError, ProblemType
from cutlog.web.problems import (
    BUDGET_EXCEEDED,
    INVALID_REQUEST,
    NOT_FOUND,
    TOO_LARGE,
    BudgetUsed,
    TooLarge,
    unavailable,
)
from services.ops.access.sessions import LoginLinkError
from services.ops.api import problem_types
from services.ops.decide.importing import EditedSinceError
from services.ops.decide.refusals import (
    HeldError,
    IdUnavailableError,
    MediaExistsError,
    MediaGoneError,
    MediaInUseError,
    NotFoundError,
    NothingToExportError,
    NothingToUndoError,
    NotImportedError,
    NotRenderingError,
    NotRetryableError,
    NotTranslatedError,
    RefusedError,
    StaleVersionError,
)
from services.ops.drafts.store import TooManyDraftsError
from services.ops.edits.errors import EditError
from services.ops.edits.size import OverBudgetError
from services.ops.interchange.converter import CannotWriteError, FileRefusedError
from services.ops.interchange.formats import CannotHoldError
from services.ops.interchange.schema import MalformedError
from services.ops.log.records import LogClosedError, LogUnavailableError, UnstorableError
from services.ops.project.errors import MediaMissingError, NothingToImportError, VersionTooLargeError

NAMED: Final = 200
"""Missing media at most that an answer names."""

TYPES: Final[dict[type[RefusedError], ProblemType]] = {
    NotFoundError: NOT_FOUND,
    IdUnavailableError: problem_types.ID_UNAVAILABLE,
    NotImportedError: problem_types.NOT_IMPORTED,
    EditedSinceError: problem_types.EDITED_SINCE,
    StaleVersionError: problem_types.VERSION_CONFLICT,
    NothingToUndoError: problem_types.NOTHING_TO_UNDO,
    NotRenderingError: problem_types.NOT_RENDERING,
    NotRetryableError: problem_types.NOT_RETRYABLE,
    HeldError: problem_types.HELD,
    MediaGoneError: problem_types.MEDIA_GONE,
    MediaInUseError: problem_types.MEDIA_IN_USE,
    MediaExistsError: problem_types.MEDIA_EXISTS,
    NothingToExportError: problem_types.EMPTY_VERSION,
    NotTranslatedError: problem_types.OP_REFUSED,
}


def map_problems(api: Api) -> None:
    """Tells the API what each error means over HTTP."""
    for error, of in TYPES.items():
        api.problem(error, of)
    api.problem(EditError, edit_problem)
    api.problem(OverBudgetError, _over_budget)
    api.problem(TooManyDraftsError, problem_types.TOO_MANY_DRAFTS)
    for unfit in (FileRefusedError, MalformedError, CannotHoldError, CannotWriteError):
        api.problem(unfit, problem_types.INTERCHANGE_REFUSED)
    api.problem(NothingToImportError, problem_types.NOTHING_TO_IMPORT)
    api.problem(VersionTooLargeError, lambda error: TOO_LARGE(str(error), more=TooLarge(limit=error.limit)))
    api.problem(MediaMissingError, _media_missing)
    api.problem(LoginLinkError, problem_types.LOGIN_LINK_INVALID)
    api.problem(SandboxUnavailableError, lambda _: unavailable("Files can't be converted: there is no sandbox."))
    api.problem(UnstorableError, INVALID_REQUEST)
    api.problem(LogUnavailableError, lambda _: unavailable("The log does not answer."))
    api.problem(LogClosedError, lambda _: unavailable("The service is restarting."))
    api.problem(BusError, lambda _: unavailable("The message bus does not answer."))


def _over_budget(error: OverBudgetError) -> Problem:
    """413 that names the budget, its limit and what would be used; waiting does not give it back."""
    more = BudgetUsed(budget=error.budget, limit=error.limit, used=error.used)
    errors = [ProblemError(error.pointer, error.detail)]
    return BUDGET_EXCEEDED(error.detail, errors=errors, more=more)


def _media_missing(error: MediaMissingError) -> Problem:
    """422 with the media that a file refers to and that the tenant does not have."""
    more = problem_types.MediaMissing(missing=tuple(error.missing[:NAMED]))
    return problem_types.MEDIA_MISSING(str(error), more=more)


def edit_problem(error: EditError) -> Problem:
    """422 with the pointer to what does not apply."""
    return problem_types.EDIT_REFUSED(error.detail, errors=[ProblemError(error.pointer, error.detail)])
