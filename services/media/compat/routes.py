"""Uploads, videos and files, as frontends of the old backend ask for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.blobs import LINK_SECONDS, BlobStore
from cutlog.contract.answers.videos import Video
from cutlog.contract.uploads import path_of
from cutlog.web import Api, Content, Problem, Reply, Request, Role
from cutlog.web.body import too_large
from cutlog.web.envelope import Answer
from cutlog.web.links import Links
from cutlog.web.multipart import Part, parts
from cutlog.web.problems import NOT_FOUND, RANGE_NOT_SATISFIABLE
from services.media.api.problem_types import UPLOAD_INVALID
from services.media.api.videos import FORM_BYTES
from services.media.compat import reads
from services.media.compat.places import Places
from services.media.compat.rows import TAG, Described, One, VideoRow, VideoRows, VideosQuery
from services.media.ingest.receive import Ingest
from services.media.records.videos import Stored
from services.media.serve.files import given, media_type

ROOT: Final = "/api/compat"
FIELD: Final = "video"
TEXT_BYTES: Final = 64 << 10
"""Of all fields together that say something of the file."""


def routes(
    api: Api, engine: AsyncEngine, blobs: BlobStore, links: Links, ingest: Ingest, places: Places, *, max_upload: int
) -> None:
    """Adds the routes."""

    @api.post(
        f"{ROOT}/videos/upload",
        role=Role.editor,
        stream=True,
        consumes="multipart/form-data",
        form=(FIELD, "title", "description", "tags"),
        returns={201: Answer[One], 200: Answer[One]},
        summary="Uploads a video",
        tag=TAG,
    )
    async def upload(req: Request) -> Reply:
        """Takes the field `video`, with `title`, `description` and `tags` before or after it. 200 with the existing
        video if the tenant has that content already."""
        if (req.http.content_length or 0) > max_upload + FORM_BYTES:
            raise too_large(max_upload)
        form, fields = parts(req, limit=max_upload), _Fields()
        async for part in form:
            if part.name != FIELD:
                await fields.take(part)
                continue
            actor = req.actor
            behalf = req.behalf
            outcome = await ingest.take(behalf, part.filename, _file(part, form, fields), req.idempotency_key)
            video = msgspec.json.decode(outcome.body, type=Video)
            async with engine.begin() as connection:
                await reads.describe(connection, video.id, fields.said)
                shown = await row(*await reads.one(connection, actor.tenant, video.id))
            message = "The video already exists." if video.duplicate else "The video was uploaded."
            return Reply(outcome.status, Answer(data=One(video=shown), message=message))
        raise _unusable(f"Send a file in the field {FIELD!r}.")

    @api.get(
        f"{ROOT}/videos",
        role=Role.viewer,
        query=VideosQuery,
        returns={200: Answer[VideoRows]},
        summary="Lists videos",
        tag=TAG,
    )
    async def index(req: Request[None, VideosQuery]) -> Reply:
        async with engine.connect() as connection:
            found, total = await reads.page(connection, req.actor.tenant, req.query)
        data = VideoRows(videos=tuple([await row(*each) for each in found]), pagination=req.query.of(total))
        return Reply(200, Answer(data=data))

    @api.get(
        ROOT + "/videos/{video}",
        role=Role.viewer,
        path={"video": str},
        returns={200: Answer[One]},
        summary="Shows a video",
        tag=TAG,
    )
    async def show(req: Request) -> Reply:
        """By its id, or by the id that it had in the store it came from."""
        async with engine.connect() as connection:
            found = await reads.one(connection, req.actor.tenant, req.path["video"])
        return Reply(200, Answer(data=One(video=await row(*found))))

    @api.get(
        ROOT + "/uploads/{path:.+}",
        role=Role.viewer,
        path={"path": str},
        returns={200: Content("application/octet-stream"), 206: Content("application/octet-stream"), 304: None},
        problems=(NOT_FOUND, RANGE_NOT_SATISFIABLE),
        summary="Serves the file at a path of a row",
        tag=TAG,
    )
    async def file(req: Request) -> Reply:
        """A video, proxy or export, archived or not. Supports ranges and conditions (ETag, Last-Modified). Elements
        that cannot send a token use the `url` of the row."""
        key = await places.key_at(req.actor.tenant, req.path["path"])
        return await given(blobs, key, req.http, req.path["path"].rpartition("/")[2])

    async def link(stored: Stored) -> str:
        return await links.url(stored.key, seconds=LINK_SECONDS, filename=stored.name)

    async def row(stored: Stored, said: Described) -> VideoRow:
        facts, path = stored.facts, path_of(stored.key)
        return VideoRow(
            old_id=stored.id, id=stored.id, title=said.title or stored.name, description=said.description,
            tags=tuple(said.tags), user_id=stored.actor, filename=path.rpartition("/")[2], original_name=stored.name,
            file_path=path, file_size=stored.size, mime_type=media_type(stored.key),
            duration=float(facts.duration),
            resolution=f"{facts.width}x{facts.height}" if facts.width and facts.height else None,
            status=stored.status, sha256=stored.sha256, ref_count=stored.ref_count, created_at=stored.created_at,
            updated_at=stored.created_at,
            url=await link(stored) if stored.stored == "there" else None,
        )  # fmt: skip


async def _file(file: Part, rest: AsyncIterator[Part], fields: _Fields) -> AsyncIterator[bytes]:
    """The file's bytes, then what is said of it: the form ends before anything is counted of it."""
    async for chunk in file.chunks():
        yield chunk
    async for part in rest:
        if part.name == FIELD:
            raise _unusable(f"Send one file in the field {FIELD!r}, not several.")
        await fields.take(part)


class _Fields:
    """The fields of a form that are no file. What they say is bounded as a whole: a form may have very many."""

    def __init__(self) -> None:
        self.said = Described()
        self._left = TEXT_BYTES

    async def take(self, part: Part) -> None:
        """Takes one in. Raises Problem 400."""
        raw = await _text(part, self._left)
        self._left -= len(raw)
        self.said.say(part.name, _decoded(part, raw))


async def _text(part: Part, left: int) -> bytes:
    """The bytes of a field, of which `left` may come. Raises Problem 400."""
    raw = b""
    async for chunk in part.chunks():
        raw += chunk
        if len(raw) > left:
            raise _unusable(f"With {part.name[:40]!r}, the fields beside the file have more than {TEXT_BYTES} bytes.")
    return raw


def _decoded(part: Part, raw: bytes) -> str:
    """A field as text. Raises Problem 400."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise _unusable(f"The field {part.name[:40]!r} is not UTF-8.") from None
    if "\0" in text:
        raise _unusable(f"The field {part.name[:40]!r} has a NUL in it.")
    return text


def _unusable(detail: str) -> Problem:
    return UPLOAD_INVALID(detail)
