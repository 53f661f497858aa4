"""How errors are answered: one table from those of the domain to problem documents."""

from __future__ import annotations

from cutlog.ffmpeg import FfmpegFailedError
from cutlog.web import Api, Problem
from cutlog.web.budgets import used_up
from cutlog.web.problems import NOT_FOUND, unavailable
from services.render.api import problem_types
from services.render.cache.packets import BrokenFilmError, DamagedSegmentError
from services.render.errors import UsedUpError
from services.render.plan.segments import MediaNotReadyError
from services.render.produce.lettering import LetteringFailedError
from services.render.produce.sources import NoPictureError, SourceGoneError
from services.render.produce.stitch import ParametersDifferError
from services.render.produce.timelines import OpsAwayError, TimelineGoneError


def map_problems(api: Api) -> None:
    """Tells the API what each error means over HTTP."""
    api.problem(TimelineGoneError, NOT_FOUND)
    api.problem(UsedUpError, lambda error: used_up(error.budget, error.used, error.limit, error.reset))
    api.problem(OpsAwayError, lambda _: unavailable("The ops service does not answer."))
    api.problem(MediaNotReadyError, problem_types.MEDIA_NOT_READY, headers={"Retry-After": "2"})
    api.problem(SourceGoneError, problem_types.MEDIA_GONE)
    api.problem(NoPictureError, problem_types.NO_PICTURE)
    for failed in (FfmpegFailedError, LetteringFailedError):
        api.problem(failed, lambda _: problem_types.NOT_DRAWN(problem_types.NOT_DRAWN.example))
    for damaged in (DamagedSegmentError, ParametersDifferError, BrokenFilmError):
        api.problem(damaged, lambda _: gone())


def gone() -> Problem:
    """404 for a part of a playlist that is not that any more."""
    return NOT_FOUND("This segment does not exist; fetch the playlist again.")
