"""What is made of a video, over HTTP: pictures, the sheet with its index, peaks; how far that is, and once more."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.blobs import LINK_SECONDS, BlobStore
from cutlog.contract import keys
from cutlog.contract.answers.videos import Status, Video
from cutlog.contract.base import Strict, Wire
from cutlog.contract.media import Rendition
from cutlog.web import Api, Content, EventStream, ProblemError, Reply, Request, Role
from cutlog.web.links import FileLink, Links
from cutlog.web.problems import invalid, not_found
from services.media.api.problem_types import NOT_FAILED
from services.media.records import videos
from services.media.records.videos import Stored
from services.media.records.watching import Watching
from services.media.renditions.derive import Derive
from services.media.renditions.previews import index

ROOT: Final = "/api/videos/{video}"


class At(Strict):
    """A frame of the video at its own rate."""

    at: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | None = None


class Making(Wire):
    """How far a video is. `progress`: the share of its edit proxy that is made, 0 to 1; `error`: why it failed."""

    status: Status
    progress: float
    error: str | None


def routes(api: Api, engine: AsyncEngine, blobs: BlobStore, links: Links, derive: Derive) -> None:
    """Adds the routes."""
    watching = Watching(engine)

    async def row_of(req: Request[None, At] | Request) -> Stored:
        async with engine.connect() as connection:
            return await videos.by_id(connection, req.actor.tenant, req.path["video"])

    def key_of(rendition: Rendition | None, what: str, row: Stored) -> str:
        if rendition is None:
            raise not_found(f"{what} of video {row.id}")
        return rendition.key

    async def lead(req: Request[None, At] | Request, key: str) -> Reply:
        return await links.lead(req, key, seconds=LINK_SECONDS)

    @api.get(
        ROOT + "/thumbnail",
        role=Role.viewer,
        query=At,
        returns={302: None, 200: FileLink},
        summary="Redirects to a thumbnail of the video",
    )
    async def thumbnail(req: Request[None, At]) -> Reply:
        """A JPEG of at most 480 lines: the frame `at` of the video, or a representative one."""
        row = await row_of(req)
        if req.query.at is None or row.kind != "video":
            return await lead(req, key_of(row.renditions.thumbnail, "A thumbnail", row))
        if req.query.at >= (row.facts.frames or 0):
            detail = f"The last frame of the video is {(row.facts.frames or 0) - 1}."
            raise invalid(ProblemError("?at", detail))
        if row.renditions.proxy is None:
            raise not_found(f"A thumbnail of video {row.id}")
        content = keys.Content(row.tenant, row.sha256, row.generation)
        # That of the proxy: an examination may be under way.
        key = str(keys.ThumbnailKey(content, req.query.at, keys.revision_of(row.renditions.proxy.key)))
        if await blobs.head(key) is None:
            await derive.frame(row.renditions.proxy.key, row.facts, req.query.at, key)
        return await lead(req, key)

    @api.get(
        ROOT + "/poster",
        role=Role.viewer,
        returns={302: None, 200: FileLink},
        summary="Redirects to its poster",
    )
    async def poster(req: Request) -> Reply:
        row = await row_of(req)
        return await lead(req, key_of(row.renditions.thumbnail, "A poster", row))

    @api.get(
        ROOT + "/sprite",
        role=Role.viewer,
        returns={302: None, 200: FileLink},
        also=("text/vtt",),
        summary="Redirects to a sheet of thumbnails, or returns its index",
    )
    async def sprite(req: Request) -> Reply:
        """A JPEG; with `Accept: text/vtt` its WebVTT index, with which players show a thumbnail under the pointer."""
        row = await row_of(req)
        key = key_of(row.renditions.sprite, "A sheet", row)
        if "text/vtt" not in req.accept:
            return await lead(req, key)
        url = await blobs.url(key, seconds=LINK_SECONDS)
        headers = {"Cache-Control": "no-store", "Vary": "Accept"}
        return Reply.raw(200, index(row.facts, url).encode(), "text/vtt; charset=utf-8", headers)

    @api.get(
        ROOT + "/waveform",
        role=Role.viewer,
        returns={302: None, 200: FileLink},
        summary="Redirects to the peaks of its audio",
    )
    async def waveform(req: Request) -> Reply:
        """JSON in the format of audiowaveform, at most 4,000 pairs; with `Accept: image/png` an image of them."""
        row = await row_of(req)
        image = "image/png" in req.accept or "image/*" in req.accept
        rendition = row.renditions.waveform_image if image else row.renditions.waveform
        return await lead(req, key_of(rendition, "A waveform", row))

    @api.post(
        ROOT + "/retry",
        role=Role.editor,
        returns={202: Video},
        problems=(NOT_FAILED,),
        summary="Processes a video again that failed",
    )
    async def retry(req: Request) -> Reply:
        async with engine.begin() as connection:
            row = await videos.retry(connection, req.actor.tenant, req.path["video"])
            return Reply(202, row.shown(await videos.users(connection, row.id)))

    @api.get(
        ROOT + "/events",
        role=Role.viewer,
        events=True,
        returns={200: Content("text/event-stream")},
        summary="Follows the processing of a video until it is ready or failed",
    )
    async def events(req: Request) -> web.StreamResponse:
        """Events `progress`, then one of `ready` or `failed`, each with status, progress and error."""
        row: Stored | None = await row_of(req)
        said, number = None, 0
        async with EventStream(req) as stream:
            while row is not None:
                making = Making(status=row.status, progress=row.progress, error=row.error)
                if making != said:
                    number, said = number + 1, making
                    kind: Literal["progress", "ready", "failed"] = (
                        "progress" if row.status == "processing" else row.status
                    )
                    await stream.send(number, kind, making)
                if row.status != "processing":
                    break
                row = await watching.next(row.id)
        return stream.response
