"""Resumable uploads over HTTP: tus 1.0 with creation, creation-with-upload, checksum, termination, expiration."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from cutlog.contract.base import Wire
from cutlog.web import Api, Problem, Reply, Request, Role
from cutlog.web.api import Header
from cutlog.web.body import READING, Pace, too_large
from cutlog.web.problems import (
    BAD_REQUEST,
    BUDGET_EXCEEDED,
    BUDGET_USED_UP,
    INVALID_HEADER,
    METHOD_NOT_ALLOWED,
    REQUEST_TIMEOUT,
    UNSUPPORTED_MEDIA_TYPE,
)
from services.media.api.problem_types import (
    CHECKSUM_MISMATCH,
    OUT_OF_SPACE,
    TUS_VERSION,
    UPLOAD_BUSY,
    UPLOAD_EXPIRED,
    UPLOAD_LOST,
    WRONG_OFFSET,
)
from services.media.ingest.receive import INVALID_MEDIA
from services.media.serve.ranges import http_date
from services.media.uploads.headers import (
    ANSWERED,
    CHUNK_TYPE,
    EXTENSIONS,
    VERSION,
    HeaderError,
    checksum,
    metadata,
    number,
)
from services.media.uploads.resumable import Resumable
from services.media.uploads.resuming import Resuming

ROOT: Final = "/api/uploads"
PIECE: Final = 1 << 18

_SPEAKS: Final = Header("Tus-Resumable", "The version of tus", {"type": "string", "enum": [VERSION]}, required=True)
_COUNT: Final = {"type": "integer", "minimum": 0}
_CHECKSUM: Final = Header("Upload-Checksum", "`sha256` and the digest of this body in base64, with a space between")
_LENGTH: Final = Header("Upload-Length", "Bytes of the file", _COUNT, required=True)
_OFFSET: Final = Header("Upload-Offset", "Bytes received so far", _COUNT, required=True)
_METADATA: Final = Header("Upload-Metadata", "`filename` and its value in base64, with a space between")
_OVERRIDE: Final = Header(
    "X-HTTP-Method-Override", "The intended method", {"type": "string", "enum": ["PATCH", "DELETE"]}, required=True
)

_WRITING: Final = (
    INVALID_HEADER, TUS_VERSION, WRONG_OFFSET, UPLOAD_EXPIRED, UPLOAD_LOST, UPLOAD_BUSY, CHECKSUM_MISMATCH,
    OUT_OF_SPACE, BUDGET_EXCEEDED, BUDGET_USED_UP,
)  # fmt: skip

Act = Callable[[Request[Any, Any]], Awaitable[Reply]]


class UploadProgress(Wire):
    """How far an upload is. `offset` of `size` bytes have come; at the end `video` is its id, or `problem` says why the
    file is not usable."""

    id: str
    name: str
    size: int
    offset: int
    expires_at: datetime
    video: str | None
    problem: str | None


def routes(api: Api, uploads: Resuming, *, max_upload: int) -> None:
    """Adds the routes below /api/uploads. Everybody sees the uploads of one tenant only."""

    async def create(req: Request) -> Reply:
        headers = req.http.headers
        if "Upload-Concat" in headers or "Upload-Defer-Length" in headers:
            raise HeaderError("Upload-Length", "is needed; concatenation and later lengths are not supported")
        size, text = number(headers, "Upload-Length"), headers.get("Upload-Metadata", "")
        if size > max_upload:
            raise too_large(max_upload)
        if size == 0:
            raise INVALID_MEDIA("The file is empty.", headers=ANSWERED)
        named, proof, behalf = metadata(text), checksum(headers.get("Upload-Checksum")), req.behalf
        name = named.get("filename") or named.get("name")
        row = await uploads.begin(behalf, size, text, name, req.idempotency_key)
        if req.http.can_read_body and req.http.content_type == CHUNK_TYPE and row.received == 0:
            row = await uploads.add(behalf, row.id, 0, _pieces(req.http), proof)
        return Reply.empty(201, _shown(row) | {"Location": f"{ROOT}/{row.id}"})

    async def append(req: Request) -> Reply:
        if req.http.content_type != CHUNK_TYPE:
            raise UNSUPPORTED_MEDIA_TYPE(f"Content-Type must be {CHUNK_TYPE}.", headers=ANSWERED)
        offset, proof = number(req.http.headers, "Upload-Offset"), checksum(req.http.headers.get("Upload-Checksum"))
        row = await uploads.add(req.behalf, req.path["upload"], offset, _pieces(req.http), proof)
        return Reply.empty(204, _shown(row))

    async def terminate(req: Request) -> Reply:
        await uploads.terminate(req.behalf, req.path["upload"])
        return Reply.empty(204, ANSWERED)

    @api.route("OPTIONS", ROOT, role=None, returns={204: None}, summary="Shows the capabilities of resumable uploads")
    async def options(req: Request) -> Reply:
        told = {"Tus-Version": VERSION, "Tus-Extension": EXTENSIONS, "Tus-Max-Size": str(max_upload)}
        return Reply.empty(204, ANSWERED | told | {"Tus-Checksum-Algorithm": "sha256", "Allow": "OPTIONS, POST"})

    @api.post(
        ROOT,
        scope="own",
        role=Role.editor,
        stream=True,
        consumes="*/*",
        body_optional=True,
        headers=(_SPEAKS, _LENGTH, _METADATA, _CHECKSUM),
        returns={201: None},
        problems=(*_WRITING, INVALID_MEDIA),
        summary="Starts a resumable upload",
    )
    async def post(req: Request) -> Reply:
        """tus 1.0: `Upload-Length` in bytes, `Upload-Metadata` with `filename`; the body may be the first bytes."""
        return await _speaking(create, req)

    @api.get(
        ROOT + "/{upload}",
        role=Role.editor,
        returns={200: UploadProgress},
        problems=(TUS_VERSION, UPLOAD_EXPIRED, UPLOAD_LOST),
        summary="Shows how far an upload is",
    )
    async def show(req: Request) -> Reply:
        """HEAD is the one of tus; GET needs no `Tus-Resumable` and says the same as JSON."""
        row = await uploads.find(req.behalf, req.path["upload"])
        body = UploadProgress(
            id=row.id, name=row.name, size=row.size, offset=row.received, expires_at=row.expires_at,
            video=row.video_id, problem=row.problem,
        )  # fmt: skip
        more = {"Upload-Length": str(row.size)} | ({"Upload-Metadata": row.metadata} if row.metadata else {})
        return Reply(200, body, _shown(row) | more)

    @api.patch(
        ROOT + "/{upload}",
        role=Role.editor,
        stream=True,
        consumes=CHUNK_TYPE,
        headers=(_SPEAKS, _OFFSET, _CHECKSUM),
        returns={204: None},
        problems=_WRITING,
        summary="Adds bytes to an upload",
    )
    async def patch(req: Request) -> Reply:
        """With the last byte the file becomes a video, named in `Cutlog-Video`; 422 when it is not usable."""
        return await _speaking(append, req)

    @api.delete(
        ROOT + "/{upload}",
        role=Role.editor,
        headers=(_SPEAKS,),
        returns={204: None},
        problems=(TUS_VERSION, UPLOAD_EXPIRED, UPLOAD_LOST, UPLOAD_BUSY),
        summary="Cancels an upload",
    )
    async def remove(req: Request) -> Reply:
        return await _speaking(terminate, req)

    @api.post(
        ROOT + "/{upload}",
        role=Role.editor,
        stream=True,
        consumes="*/*",
        body_optional=True,
        headers=(_SPEAKS, _OVERRIDE, replace(_OFFSET, required=False), _CHECKSUM),
        returns={204: None},
        problems=(*_WRITING, METHOD_NOT_ALLOWED),
        summary="PATCH or DELETE for clients that can only POST",
    )
    async def overridden(req: Request) -> Reply:
        """`X-HTTP-Method-Override` says which."""
        acts: dict[str, Act] = {"PATCH": append, "DELETE": terminate}
        act = acts.get(req.http.headers.get("X-HTTP-Method-Override", "").upper())
        if act is None:
            detail = "X-HTTP-Method-Override must be PATCH or DELETE."
            raise METHOD_NOT_ALLOWED(detail, headers={"Allow": "PATCH, DELETE"})
        return await _speaking(act, req)


async def _speaking(act: Act, req: Request) -> Reply:
    """Both sides speak the same version: what the answer says, whatever it is."""
    if req.http.headers.get("Tus-Resumable") != VERSION:
        told = ANSWERED | {"Tus-Version": VERSION}
        raise TUS_VERSION(f"Tus-Resumable must be {VERSION}.", headers=told)
    try:
        return await act(req)
    except Problem as problem:
        problem.headers |= ANSWERED
        raise


async def _pieces(http: web.Request) -> AsyncIterator[bytes]:
    """The body as it comes. Raises Problem 408 when nothing comes for long or it only drips, 400 when it breaks off."""
    pace = Pace(http.app[READING])
    while True:
        try:
            async with asyncio.timeout(pace.seconds):
                piece = await http.content.read(PIECE)
        except TimeoutError:
            raise REQUEST_TIMEOUT(f"No data arrived for {pace.seconds:g} s.") from None
        except (web.RequestPayloadError, HttpProcessingError):
            raise BAD_REQUEST(BAD_REQUEST.example) from None
        if not piece:
            return
        pace.came(len(piece))
        yield piece


def _shown(row: Resumable) -> dict[str, str]:
    shown = ANSWERED | {"Upload-Offset": str(row.received), "Upload-Expires": http_date(row.expires_at)}
    return shown if row.video_id is None else shown | {"Cutlog-Video": row.video_id}
