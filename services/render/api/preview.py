"""Versions as HLS over HTTP: a playlist for those who may see the project, and fragments for who has their links."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Annotated, Final, Literal

import msgspec

from cutlog.blobs import playing_seconds
from cutlog.blobs.signing import sign
from cutlog.contract.answers.problems import ProblemError
from cutlog.contract.base import Strict
from cutlog.web import Api, Content, Reply, Request, Role
from cutlog.web.problems import invalid, not_found, unavailable
from cutlog.web.signing import check
from services.render.api.problem_types import MEDIA_GONE, MEDIA_NOT_READY
from services.render.api.problems import gone
from services.render.plan.newest import edited
from services.render.plan.segments import MediaNotReadyError
from services.render.produce.plans import Plans
from services.render.produce.playlist import Previews, Reel, reel, text
from services.render.produce.timelines import Timelines

#: Seconds for which the links of a playlist stay as they were, so that one that grows only grows.
_STAYS: Final = 300
#: How long a playlist waits for its first fragment, and between looks, in seconds.
_PATIENCE: Final = 10.0
_LOOK: Final = 0.25
#: Films whose plans are remembered: a player asks for one fragment after the other.
_REMEMBERED: Final = 32

START: Final = "init.mp4"

Ask = Callable[[str, int, str, str], Awaitable[None]]
"""Has the proxy of a project's version rendered: project, version, tenant, trace."""


class Wanted(Strict):
    """Where a playlist begins: in the piece of about a second with that frame, or with the newest edit."""

    start: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | Literal["edit"] = msgspec.field(default=0, name="from")


class Signed(Strict):
    """What the playlist puts into a link."""

    expires: str = ""
    signature: str = ""


class Reels:
    """Films by project and version, planned once."""

    def __init__(self, timelines: Timelines, previews: Previews, plans: Plans) -> None:
        self._timelines, self._previews, self._plans = timelines, previews, plans
        self._known: OrderedDict[str, tuple[str, Reel]] = OrderedDict()
        self._asked: OrderedDict[str, None] = OrderedDict()
        self._expire: OrderedDict[str, int] = OrderedDict()

    async def shown(self, project_id: str, version: int, tenant: str) -> Reel:
        """As it is now. Raises TimelineGoneError, OpsAwayError, MediaNotReadyError."""
        timeline = await self._timelines.shown(project_id, version, tenant)
        film = await asyncio.to_thread(reel, timeline, self._plans)
        if differing := await self._previews.differing(film, tenant):
            film = await asyncio.to_thread(reel, timeline, self._plans, differing)
        self._known[film.digest] = tenant, film
        self._known.move_to_end(film.digest)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return film

    async def start(self, film: Reel, project_id: str, version: int, tenant: str, wanted: int | Literal["edit"]) -> int:
        """The fragment that a playlist begins with. Raises Problem 422 for a frame that the film does not have."""
        if wanted == "edit":
            if version < 2:
                return 0
            before = await self._timelines.shown(project_id, version - 1, tenant)
            try:
                earlier = await asyncio.to_thread(reel, before, self._plans, film.encode)
            except MediaNotReadyError:
                return 0
            return edited(film.pictures, earlier.pictures)
        for number, fragment in enumerate(film.fragments):
            if wanted < fragment.first + fragment.frames:
                return number
        said = f"The last frame is {film.pictures.frames - 1}."
        raise invalid(ProblemError("?from", said))

    def first_asked(self, digest: str) -> bool:
        """Whether this process is asked for the first time to have a film rendered: one that fails is not retried."""
        first = digest not in self._asked
        self._asked[digest] = None
        while len(self._asked) > _REMEMBERED:
            self._asked.popitem(last=False)
        return first

    def expires(self, film: Reel, now: float) -> int:
        """When links to fragments that are made now expire, in seconds since the epoch."""
        life = playing_seconds(film.pictures.frames, film.pictures.fps.fraction)
        expires = self._expire.pop(film.digest, 0)
        if expires - now < life - _STAYS:
            expires = int(now) + life
        self._expire[film.digest] = expires
        while len(self._expire) > _REMEMBERED:
            self._expire.popitem(last=False)
        return expires

    async def found(self, project_id: str, version: int, digest: str) -> tuple[str, Reel] | None:
        """The film of a digest and whose it is; None if the version is another film by now."""
        if digest not in self._known:
            tenant = (await self._timelines.fetch(project_id, version)).tenant
            await self.shown(project_id, version, tenant)
        return self._known.get(digest)


def routes(api: Api, reels: Reels, previews: Previews, ask: Ask, secret: str) -> None:
    """Adds the routes. `secret` signs links."""

    @api.get(
        "/api/projects/{project}/versions/{n}/proxy.m3u8",
        role=Role.viewer,
        path={"n": int},
        query=Wanted,
        returns={200: Content("application/vnd.apple.mpegurl")},
        problems=(MEDIA_NOT_READY, MEDIA_GONE),
        summary="Plays a version while its proxy still renders",
    )
    async def playlist(req: Request[None, Wanted]) -> Reply:
        """An HLS playlist of the segments that exist, as fragmented MP4; it grows until the video is complete. Its
        links are signed.

        `from=edit` starts at the newest edit, which is also rendered first; `from=F` starts at frame F.
        503 with Retry-After if the first fragment is not available within some seconds.
        """
        project, version, tenant = req.path["project"], req.path["n"], req.actor.tenant
        film = await reels.shown(project, version, tenant)
        if not film.fragments:
            raise not_found(f"A proxy of version {version}, which has no frames,")
        first = await reels.start(film, project, version, tenant, req.query.start)
        end = time.monotonic() + _PATIENCE
        ready = await previews.ready(film, tenant, first)
        if ready < len(film.fragments) and reels.first_asked(film.digest):
            await ask(project, version, tenant, req.trace)
        while ready == first:
            if time.monotonic() > end:
                raise unavailable("The first frames are still being rendered.", 1)
            await asyncio.sleep(_LOOK)
            ready = await previews.ready(film, tenant, first)
        expires = reels.expires(film, time.time())

        def link(name: str) -> str:
            name = f"{film.digest}-{name}"
            _, _, query = sign(secret, _signed(project, version, name), expires).partition("?")
            return f"segments/{name}?{query}"

        links = [link(f"{number}.m4s") for number in range(first, ready)]
        body = text(film, ready, links, link(START), first).encode()
        return Reply.raw(200, body, "application/vnd.apple.mpegurl", {"Cache-Control": "private, no-store"})

    @api.get(
        "/api/projects/{project}/versions/{n}/segments/{name}",
        role=None,
        signed=True,
        path={"n": int, "name": str},
        query=Signed,
        returns={200: Content("video/mp4")},
        summary="Serves a fragment of a playlist",
    )
    async def fragment(req: Request[None, Signed]) -> Reply:
        """The header of the video, or some of its frames and audio."""
        project, version, name = req.path["project"], req.path["n"], str(req.path["name"])
        query = {"expires": req.query.expires, "signature": req.query.signature}
        check(secret, _signed(project, version, name), query, req.http.method)
        digest, _, part = name.partition("-")
        found = await reels.found(project, version, digest)
        number = 0 if part == START else int(part.removesuffix(".m4s"))
        if found is None or number >= len(found[1].fragments):
            raise gone()
        header, body = await previews.fragment(found[1], found[0], number)
        life = max(0, int(req.query.expires) - int(time.time()))
        caching = {"Cache-Control": f"private, max-age={life}, immutable"}
        return Reply.raw(200, header if part == START else body, "video/mp4", caching)


def _signed(project: str, version: int, name: str) -> str:
    """What a link gives, in the words that are signed: no object's key begins like this."""
    return f"hls/{project}/{version}/{name}"
