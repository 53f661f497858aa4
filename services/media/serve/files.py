"""Signed downloads from the local store: ranges, conditions, always as an attachment."""

from __future__ import annotations

from typing import Final

import msgspec
from aiohttp import web

from cutlog.blobs import BlobStore, InvalidKeyError
from cutlog.blobs.presigned import attachment
from cutlog.contract.base import Strict
from cutlog.web import Api, Content, Reply, Request
from cutlog.web.problems import NOT_FOUND, RANGE_NOT_SATISFIABLE, not_found
from cutlog.web.signing import check
from services.media.serve.ranges import NotModified, Slice, Unsatisfiable, http_date, wanted

#: A file may be shown or played, never run: whatever it is, it has no origin, scripts or forms.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

_TYPES: Final = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".m4a": "audio/mp4", ".mov": "video/quicktime", ".webm": "video/webm",
    ".mkv": "video/x-matroska", ".mp3": "audio/mpeg", ".wav": "audio/wav", ".ogg": "audio/ogg", ".flac": "audio/flac",
    ".jpg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp",
    ".json": "application/json",
}  # fmt: skip


class Signed(Strict):
    """What `cutlog.blobs.signing` puts into a link."""

    expires: str = ""
    signature: str = ""
    filename: str | None = None


def routes(api: Api, blobs: BlobStore, secret: str) -> None:
    """Adds `GET /files/{key}`. On a bucket nobody comes here: its links are its own."""

    @api.get(
        "/files/{key:.+}",
        role=None,
        signed=True,
        path={"key": str},
        query=Signed,
        returns={200: Content("application/octet-stream"), 206: Content("application/octet-stream"), 304: None},
        problems=(NOT_FOUND, RANGE_NOT_SATISFIABLE),
        summary="Serves the file of a signed link",
    )
    async def file(req: Request[None, Signed]) -> Reply:
        """Answers ranges and conditions (ETag, Last-Modified)."""
        key = str(req.path["key"])
        query = {name: text for name, text in msgspec.structs.asdict(req.query).items() if text is not None}
        filename = check(secret, key, query, req.http.method)
        return await given(blobs, key, req.http, filename)


async def given(blobs: BlobStore, key: str, http: web.Request, filename: str | None) -> Reply:
    """What of an object a request wants. Raises Problem 404, 416."""
    try:
        head = await blobs.head(key)
    except InvalidKeyError:
        head = None
    if head is None:
        raise not_found("The file")
    headers = _headers(key, filename) | {
        "ETag": f'"{head.etag}"', "Last-Modified": http_date(head.modified), "Accept-Ranges": "bytes",
    }  # fmt: skip
    match wanted(http.headers, head.size, head.etag, head.modified):
        case NotModified():
            return Reply.empty(304, headers)
        case Unsatisfiable():
            raise RANGE_NOT_SATISFIABLE(
                f"The file has {head.size} bytes.", headers={"Content-Range": f"bytes */{head.size}"}
            )
        case Slice(start=start, end=end, partial=partial):
            headers["Content-Length"] = str(end - start)
            if partial:
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{head.size}"
            chunks = blobs.stream(key, start, end)
            return Reply.stream(206 if partial else 200, chunks, media_type(key), headers)


def media_type(key: str) -> str:
    """What kind of file an object is, by its name."""
    return _TYPES.get("." + key.rpartition("/")[2].rpartition(".")[2], "application/octet-stream")


def _headers(key: str, filename: str | None) -> dict[str, str]:
    return {
        "Content-Disposition": attachment(filename or key.rpartition("/")[2]),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": _POLICY,
        "Cross-Origin-Resource-Policy": "same-site",
        "Cache-Control": "private, max-age=60",
    }
