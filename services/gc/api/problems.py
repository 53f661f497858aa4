"""How errors are answered: one table from those of the domain to problem documents."""

from __future__ import annotations

from cutlog.bus import BusError
from cutlog.web import Api
from cutlog.web.problems import NOT_FOUND, unavailable
from services.gc.acts.acting import ActUnderWayError
from services.gc.acts.brake import BrakedError
from services.gc.acts.collecting import ConfirmationMissingError, ConfirmationUnknownError, PlanSimulatedError
from services.gc.api import problem_types
from services.gc.report.audit import RunUnknownError
from services.gc.report.judging import ObjectUnknownError
from services.gc.report.plans import PlanUnknownError
from services.gc.report.reading import ObjectUnreadableError
from services.gc.report.reports import ProjectionBehindError


def map_problems(api: Api) -> None:
    """Tells the API what each error means over HTTP."""
    api.problem(PlanUnknownError, NOT_FOUND)
    api.problem(ObjectUnknownError, NOT_FOUND)
    api.problem(RunUnknownError, NOT_FOUND)
    api.problem(ConfirmationMissingError, problem_types.CONFIRMATION_MISSING)
    api.problem(ConfirmationUnknownError, problem_types.CONFIRMATION_UNKNOWN)
    api.problem(PlanSimulatedError, problem_types.PLAN_SIMULATED)
    api.problem(BrakedError, problem_types.BRAKED)
    api.problem(ActUnderWayError, problem_types.ACT_UNDER_WAY)
    api.problem(ObjectUnreadableError, problem_types.OBJECT_UNREADABLE)
    api.problem(ProjectionBehindError, problem_types.PROJECTION_BEHIND, headers={"Retry-After": "1"})
    api.problem(BusError, lambda _: unavailable("The log does not answer."))
