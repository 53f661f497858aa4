"""What render shows over HTTP: single frames of any version."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

import msgspec

from cutlog.contract.base import Strict
from cutlog.contract.timeline import Timeline
from cutlog.web import Api, Content, ProblemError, Reply, Request, Role
from cutlog.web.problems import BUDGET_USED_UP, NOT_ACCEPTABLE, invalid
from services.render.api.problem_types import MEDIA_GONE, MEDIA_NOT_READY, NO_PICTURE, NOT_DRAWN
from services.render.produce.still import FrameBeyondEndError, Picture, Stills
from services.render.produce.timelines import Timelines

#: A frame of a version stays what it is; only its media can come and go.
_CACHE: Final = "private, max-age=600"


class Wanted(Strict):
    """The timeline's frame, from 0; pixels of width, at most the canvas's, which is the default."""

    at: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    width: Annotated[int, msgspec.Meta(ge=16, le=8192)] | None = None


def routes(api: Api, timelines: Timelines, stills: Stills) -> None:
    """Adds the routes."""

    @api.get(
        "/api/projects/{project}/versions/{n}/frame",
        cost=10,
        role=Role.viewer,
        path={"n": int},
        query=Wanted,
        returns={200: Content("image/jpeg"), 304: None},
        problems=(NOT_ACCEPTABLE, MEDIA_NOT_READY, MEDIA_GONE, NO_PICTURE, NOT_DRAWN, BUDGET_USED_UP),
        summary="A frame of a version, as its export shows it",
    )
    async def frame(req: Request[None, Wanted]) -> Reply:
        """A JPEG, or a PNG if Accept asks for that. Equal frames have equal ETags, whatever the version."""
        timeline = await timelines.shown(req.path["project"], req.path["n"], req.actor.tenant)
        return await pictured(stills, req, timeline)


async def pictured(stills: Stills, req: Request[None, Any], timeline: Timeline) -> Reply:
    """The frame that a request wants. Raises Problem, and what `Stills.still` raises."""
    picture, at, width = accepted(req.accept), req.query.at, req.query.width
    try:
        digest, _ = await asyncio.to_thread(stills.recipe, timeline, at, width, picture)
        headers = {"ETag": f'"{digest}"', "Cache-Control": _CACHE, "Vary": "Accept, Authorization, Cookie"}
        if f'"{digest}"' in req.http.headers.get("If-None-Match", ""):
            return Reply.empty(304, headers)
        still = await stills.still(timeline, at, width, picture)
    except FrameBeyondEndError as error:
        raise invalid(ProblemError("?at", f"{error.__doc__} {error}")) from error
    return Reply.raw(200, still.data, f"image/{picture}", headers)


def accepted(accept: str) -> Picture:
    """What an Accept header likes best; JPEG where it does not mind. Raises Problem 406."""
    likes: dict[str, float] = {}
    for part in accept.split(","):
        kind, *parameters = (word.strip().lower() for word in part.split(";"))
        quality = next((word[2:] for word in parameters if word.startswith("q=")), "1")
        try:
            likes[kind] = float(quality)
        except ValueError:
            likes[kind] = 0.0
    any_ = likes.get("image/*", likes.get("*/*", 0.0))
    jpeg, png = likes.get("image/jpeg", any_), likes.get("image/png", any_)
    if max(jpeg, png) <= 0:
        raise NOT_ACCEPTABLE(NOT_ACCEPTABLE.example)
    return "png" if png > jpeg else "jpeg"
