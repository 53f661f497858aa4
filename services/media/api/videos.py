"""The HTTP face: uploads, videos, links to their files."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.blobs import LINK_SECONDS, BlobStore
from cutlog.bus import Outbox
from cutlog.contract.answers.videos import Video
from cutlog.contract.base import Strict, Wire
from cutlog.web import (
    Api,
    ListQuery,
    Page,
    ProblemError,
    Reply,
    Request,
    Role,
    decode_cursor,
    encode_cursor,
)
from cutlog.web.body import too_large
from cutlog.web.links import FileLink, Links
from cutlog.web.multipart import Part, parts
from cutlog.web.problems import BUDGET_EXCEEDED, BUDGET_USED_UP, invalid, unavailable
from cutlog.web.waiting import Wait, looked
from services.media.api.problem_types import MEDIA_IN_USE, OUT_OF_SPACE
from services.media.api.problems import FIELD, map_problems
from services.media.ingest.receive import INVALID_MEDIA, Ingest
from services.media.records import videos
from services.media.records.settling import Answers
from services.media.records.videos import VideoInUseError
from services.media.records.visible import seen_by
from services.media.serve import files

ROOT: Final = "/api/videos"
FORM_BYTES: Final = 1 << 20
"""What a form may have around its file."""

#: How long DELETE waits for ops to allow it.
PATIENCE: Final = 10.0


class Check(Strict):
    """A file the client has: its SHA-256 in hex and its bytes."""

    sha256: Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$")]
    size: Annotated[int, msgspec.Meta(ge=1)]


class Checked(Wire):
    """Whether the tenant has that content already, and as which video."""

    exists: bool
    id: str | None = None


class Released(Wire):
    """How many uploads of the content are left."""

    ref_count: int


def make_api(
    engine: AsyncEngine,
    blobs: BlobStore,
    links: Links,
    ingest: Ingest,
    outbox: Outbox,
    *,
    file_secret: str,
    max_upload: int,
) -> Api:
    """The routes of the service. Everybody sees the videos of one tenant only."""
    api = Api("media", title="Videos and files")
    answers = Answers(engine)
    map_problems(api)

    @api.post(
        f"{ROOT}/upload",
        scope="own",
        role=Role.editor,
        stream=True,
        consumes="multipart/form-data",
        returns={201: Video, 200: Video},
        problems=(INVALID_MEDIA, OUT_OF_SPACE, BUDGET_EXCEEDED, BUDGET_USED_UP),
        summary="Uploads a file",
    )
    async def upload(req: Request) -> Reply:
        """Takes the field `file`. 200 with `duplicate: true` when the tenant has that content already.

        What was uploaded is `processing` until its edit proxy is made; it can be edited with at once.
        """
        if (req.http.content_length or 0) > max_upload + FORM_BYTES:
            raise too_large(max_upload)
        form = parts(req, limit=max_upload)
        async for part in form:
            if part.name == FIELD:
                behalf = req.behalf
                outcome = await ingest.take(behalf, part.filename, _alone(part, form), req.idempotency_key)
                return Reply.raw(outcome.status, outcome.body)
        raise invalid(ProblemError(f"/{FIELD}", f"send a file in the field {FIELD!r}"))

    @api.post(
        f"{ROOT}/check",
        role=Role.viewer,
        body=Check,
        returns={200: Checked},
        summary="Checks whether a file is already stored",
    )
    async def check(req: Request[Check]) -> Reply:
        async with engine.connect() as connection:
            found = await videos.by_content(connection, req.actor.tenant, req.body.sha256)
        if found is None or found.ref_count == 0 or found.size != req.body.size:
            return Reply(200, Checked(exists=False))
        return Reply(200, Checked(exists=True, id=found.id))

    @api.get(
        ROOT,
        role=Role.viewer,
        scope="own",
        query=ListQuery,
        returns={200: Page[Video]},
        summary="Lists videos, newest first",
    )
    async def index(req: Request[None, ListQuery]) -> Reply:
        after = None if req.query.cursor is None else decode_cursor(req.query.cursor, tuple[datetime, str])
        async with engine.connect() as connection:
            found = await videos.page(connection, req.actor.tenant, after, req.query.limit + 1, seen_by(req.actor))
        items = found[: req.query.limit]
        more = len(found) > len(items)
        return Reply(200, Page(items, encode_cursor((items[-1].created_at, items[-1].id)) if more else None))

    @api.get(ROOT + "/{video}", role=Role.viewer, query=Wait, returns={200: Video}, summary="Shows a video")
    async def show(req: Request[None, Wait]) -> Reply:
        """With `wait`, once it is processed."""

        async def look() -> Video:
            async with engine.connect() as connection:
                row = await videos.by_id(connection, req.actor.tenant, req.path["video"])
                came = (await videos.imported(connection, [row.id])).get(row.id, ())
                return row.shown(await videos.users(connection, row.id), imported=came)

        return Reply(200, await looked(look, lambda video: video.status == "processing", req.query.wait))

    @api.delete(
        ROOT + "/{video}",
        role=Role.editor,
        returns={200: Released},
        problems=(MEDIA_IN_USE,),
        summary="Takes back one upload",
    )
    async def release(req: Request) -> Reply:
        """409 while a project's history uses the video and no other upload of it is left."""
        video_id = str(req.path["video"])
        key = f"media/{video_id}/released/{uuid.uuid4().hex}"
        async with engine.begin() as connection:
            left = await videos.release(connection, outbox, req.behalf, video_id, key)
        outbox.wake()
        if not await answers.come(key, PATIENCE):
            raise unavailable("The log does not answer; the video will be released when it does.")
        async with engine.connect() as connection:
            why = await videos.refused(connection, key)
        if why is not None:
            raise VideoInUseError(why)
        return Reply(200, Released(ref_count=left))

    @api.get(
        ROOT + "/{video}/download",
        audit="original.downloaded",
        role=Role.viewer,
        returns={302: None, 200: FileLink},
        summary="Redirects to the original file",
    )
    async def download(req: Request) -> Reply:
        async with engine.connect() as connection:
            row = await videos.by_id(connection, req.actor.tenant, req.path["video"])
        return await links.lead(req, row.key, seconds=LINK_SECONDS, filename=row.name)

    files.routes(api, blobs, file_secret)
    return api


async def _alone(file: Part, rest: AsyncIterator[Part]) -> AsyncIterator[bytes]:
    """The file's bytes; ends when the form does, so that nothing is counted of a form that is refused."""
    async for chunk in file.chunks():
        yield chunk
    async for part in rest:
        if part.name == FIELD:
            raise invalid(ProblemError(f"/{FIELD}", f"send one file in the field {FIELD!r}, not several"))
