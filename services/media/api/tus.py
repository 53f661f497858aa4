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
from services.media.records.videos import Asker
from services.media.serve.ranges import http_date
from services.media.uploads.headers import CHUNK_TYPE, EXTENSIONS, VERSION, HeaderError, checksum, metadata, number
from services.media.uploads.holding import BusyError, BytesLostError
from services.media.uploads.resumable import OffsetError, Resumable, UploadExpiredError, UploadUnknownError
from services.media.uploads.resuming import ChecksumError, Resuming, TooLongError

ROOT: Final = "/api/uploads"
PIECE: Final = 1 << 18
_TUS: Final = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}

_SPEAKS: Final = Header("Tus-Resumable", "The version of tus", {"type": "string", "enum": [VERSION]}, required=True)
_COUNT: Final = {"type": "integer", "minimum": 0}
_CHECKSUM: Final = Header("Upload-Checksum", "`sha256` and the digest of this body in base64, with a space between")
_LENGTH: Final = Header("Upload-Length", "Bytes of the file", _COUNT, required=True)
_OFFSET: Final = Header("Upload-Offset", "Bytes that have come already", _COUNT, required=True)
_METADATA: Final = Header("Upload-Metadata", "`filename` and its value in base64, with a space between")
_OVERRIDE: Final = Header(
    "X-HTTP-Method-Override", "What is meant", {"type": "string", "enum": ["PATCH", "DELETE"]}, required=True
)

Act = Callable[[Request[Any, Any]], Awaitable[Reply]]


class Progress(Wire):
    """How far an upload is. `offset` of `size` bytes have come; at the end `video` is its id, or `problem` says why the
    file is not usable."""

    id: str
    name: str
    size: int
    offset: int
    expires_at: datetime
    video: str | None
    problem: str | None


def add_uploads(api: Api, uploads: Resuming, *, max_upload: int) -> None:
    """Adds the routes below /api/uploads. Everybody sees the uploads of one tenant only."""
    api.problem(UploadUnknownError, status=404, type="not-found", headers=_TUS)
    api.problem(UploadExpiredError, status=410, type="upload-expired", headers=_TUS)
    api.problem(BytesLostError, status=410, type="upload-lost", headers=_TUS)
    api.problem(BusyError, status=423, type="upload-busy", headers=_TUS | {"Retry-After": "1"})
    api.problem(OffsetError, status=409, type="wrong-offset", headers=_TUS)
    api.problem(TooLongError, status=413, type="too-large", headers=_TUS)
    api.problem(ChecksumError, status=460, type="checksum-mismatch", headers=_TUS)
    api.problem(
        HeaderError, lambda error: Problem(400, "bad-header", "A header is not valid", str(error), headers=_TUS)
    )

    async def create(req: Request) -> Reply:
        headers = req.http.headers
        if "Upload-Concat" in headers or "Upload-Defer-Length" in headers:
            raise HeaderError("Upload-Length", "is needed; concatenation and later lengths are not supported")
        size, text = number(headers, "Upload-Length"), headers.get("Upload-Metadata", "")
        if size > max_upload:
            raise too_large(max_upload)
        if size == 0:
            raise Problem(422, "invalid-media", "The file is not usable media", "The file is empty.", headers=_TUS)
        named, proof, asker = metadata(text), checksum(headers.get("Upload-Checksum")), _asker(req)
        name = named.get("filename") or named.get("name")
        row = await uploads.begin(asker, size, text, name, req.idempotency_key)
        if req.http.can_read_body and req.http.content_type == CHUNK_TYPE and row.received == 0:
            row = await uploads.add(asker, row.id, 0, _pieces(req.http), proof)
        return Reply.empty(201, _shown(row) | {"Location": f"{ROOT}/{row.id}"})

    async def append(req: Request) -> Reply:
        if req.http.content_type != CHUNK_TYPE:
            raise Problem.of_status(415, f"Content-Type must be {CHUNK_TYPE}.", _TUS)
        offset, proof = number(req.http.headers, "Upload-Offset"), checksum(req.http.headers.get("Upload-Checksum"))
        row = await uploads.add(_asker(req), req.path["upload"], offset, _pieces(req.http), proof)
        return Reply.empty(204, _shown(row))

    async def terminate(req: Request) -> Reply:
        await uploads.terminate(_asker(req), req.path["upload"])
        return Reply.empty(204, _TUS)

    @api.route("OPTIONS", ROOT, role=None, returns={204: None}, summary="Shows the capabilities of resumable uploads")
    async def options(req: Request) -> Reply:
        told = {"Tus-Version": VERSION, "Tus-Extension": EXTENSIONS, "Tus-Max-Size": str(max_upload)}
        return Reply.empty(204, _TUS | told | {"Tus-Checksum-Algorithm": "sha256", "Allow": "OPTIONS, POST"})

    @api.post(
        ROOT,
        role=Role.editor,
        stream=True,
        consumes="*/*",
        body_optional=True,
        headers=(_SPEAKS, _LENGTH, _METADATA, _CHECKSUM),
        returns={201: None},
        problems=(400, 409, 410, 412, 413, 422, 423, 460, 507),
        summary="Starts a resumable upload",
    )
    async def post(req: Request) -> Reply:
        """tus 1.0: `Upload-Length` in bytes, `Upload-Metadata` with `filename`; the body may be the first bytes."""
        return await _speaking(create, req)

    @api.get(
        ROOT + "/{upload}",
        role=Role.editor,
        returns={200: Progress},
        problems=(404, 410, 412),
        summary="Shows how far an upload is",
    )
    async def show(req: Request) -> Reply:
        """HEAD is the one of tus; GET needs no `Tus-Resumable` and says the same as JSON."""
        row = await uploads.find(_asker(req), req.path["upload"])
        body = Progress(
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
        problems=(400, 404, 408, 409, 410, 412, 413, 415, 422, 423, 460, 507),
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
        problems=(404, 410, 412, 423),
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
        problems=(400, 404, 405, 409, 410, 412, 413, 415, 422, 423, 460, 507),
        summary="PATCH or DELETE for clients that can only POST",
    )
    async def overridden(req: Request) -> Reply:
        """`X-HTTP-Method-Override` says which."""
        acts: dict[str, Act] = {"PATCH": append, "DELETE": terminate}
        act = acts.get(req.http.headers.get("X-HTTP-Method-Override", "").upper())
        if act is None:
            raise Problem.of_status(405, "X-HTTP-Method-Override must be PATCH or DELETE.", {"Allow": "PATCH, DELETE"})
        return await _speaking(act, req)


def _bad_header(error: HeaderError) -> Problem:
    return Problem(400, "bad-header", "A header is not valid", str(error), headers=_TUS)


async def _speaking(act: Act, req: Request) -> Reply:
    """Both sides speak the same version: what the answer says, whatever it is."""
    if req.http.headers.get("Tus-Resumable") != VERSION:
        told = _TUS | {"Tus-Version": VERSION}
        raise Problem(412, "tus-version", "Another version of tus", f"Tus-Resumable must be {VERSION}.", headers=told)
    try:
        return await act(req)
    except Problem as problem:
        problem.headers |= _TUS
        raise


async def _pieces(http: web.Request) -> AsyncIterator[bytes]:
    """The body as it comes. Raises Problem 408 when nothing comes for long or it only drips, 400 when it breaks off."""
    pace = Pace(http.app[READING])
    while True:
        try:
            async with asyncio.timeout(pace.seconds):
                piece = await http.content.read(PIECE)
        except TimeoutError:
            raise Problem.of_status(408, f"Nothing came for {pace.seconds:g} s.") from None
        except (web.RequestPayloadError, HttpProcessingError):
            raise Problem.of_status(400, "The body is not what its headers promise.") from None
        if not piece:
            return
        pace.came(len(piece))
        yield piece


def _shown(row: Resumable) -> dict[str, str]:
    shown = _TUS | {"Upload-Offset": str(row.received), "Upload-Expires": http_date(row.expires_at)}
    return shown if row.video_id is None else shown | {"Cutlog-Video": row.video_id}


def _asker(req: Request) -> Asker:
    return Asker(req.actor.tenant, req.actor.subject, req.trace)
