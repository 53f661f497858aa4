"""Frames of drafts: while somebody drags a property, only the newest revision is worth drawing."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Coroutine
from typing import Annotated, Any, Final

import msgspec

from cutlog.web import Api, Content, Problem, Reply, Request, Role
from cutlog.web.problems import BUDGET_USED_UP, NOT_ACCEPTABLE
from services.render.api.frames import Wanted, pictured
from services.render.api.problem_types import DRAFT_OVERTAKEN, MEDIA_GONE, MEDIA_NOT_READY, NO_PICTURE, NOT_DRAWN
from services.render.produce.still import Stills
from services.render.produce.timelines import Timelines

#: Drafts of which this process remembers the newest revision.
_REMEMBERED: Final = 1_000


class WantedOfDraft(Wanted):
    """As for a version; the newest revision of the draft, unless one is named."""

    revision: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None


class Newest:
    """Who waits for a picture of a draft: once a later revision is asked for, those of earlier ones are dropped."""

    def __init__(self) -> None:
        self._newest: OrderedDict[str, int] = OrderedDict()
        self._waiting: dict[str, dict[asyncio.Task[Reply], int]] = {}

    def overtaken(self, draft: str, revision: int) -> bool:
        """Whether a later revision is known."""
        return revision < self._newest.get(draft, 0)

    def seen(self, draft: str, revision: int) -> None:
        """There is this revision. Pictures of earlier ones are not drawn any more."""
        if revision <= self._newest.get(draft, 0):
            return
        self._newest[draft] = revision
        self._newest.move_to_end(draft)
        while len(self._newest) > _REMEMBERED:
            self._newest.popitem(last=False)
        for task, of in self._waiting.get(draft, {}).items():
            if of < revision:
                task.cancel()

    async def drawn(self, draft: str, revision: int, drawing: Coroutine[Any, Any, Reply]) -> Reply:
        """The picture of a revision. Raises Problem 409 when it is overtaken meanwhile."""
        task = asyncio.ensure_future(drawing)
        waiting = self._waiting.setdefault(draft, {})
        waiting[task] = revision
        try:
            return await task
        except asyncio.CancelledError:
            if self.overtaken(draft, revision) and task.cancelled():
                raise late(revision) from None
            task.cancel()
            raise
        finally:
            del waiting[task]
            if not waiting:
                self._waiting.pop(draft, None)


def late(revision: int) -> Problem:
    """409 for a picture of what nobody looks at any more."""
    return DRAFT_OVERTAKEN(f"Revision {revision} of the draft was replaced; ask for the newest one.")


def routes(api: Api, timelines: Timelines, stills: Stills) -> None:
    """Adds the routes."""
    newest = Newest()

    @api.get(
        "/api/projects/{project}/drafts/{draft}/frame",
        cost=5,
        role=Role.viewer,
        query=WantedOfDraft,
        returns={200: Content("image/jpeg"), 304: None},
        problems=(NOT_ACCEPTABLE, MEDIA_NOT_READY, MEDIA_GONE, NO_PICTURE, NOT_DRAWN, DRAFT_OVERTAKEN, BUDGET_USED_UP),
        summary="A frame of a draft, as its export would show it",
    )
    async def frame(req: Request[None, WantedOfDraft]) -> Reply:
        """As of a version. 409 `draft-overtaken` for a revision that was replaced, before or while it is drawn."""
        project_id, draft, wanted = req.path["project"], req.path["draft"], req.query.revision
        if wanted is not None and newest.overtaken(draft, wanted):
            raise late(wanted)
        timeline, revision = await timelines.draft(project_id, draft, req.actor.tenant)
        newest.seen(draft, revision)
        if newest.overtaken(draft, revision) or (wanted is not None and wanted < revision):
            raise late(wanted or revision)
        return await newest.drawn(draft, revision, pictured(stills, req, timeline))
