"""Signed downloads from the local store: ranges, conditions, always as an attachment."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec
from aiohttp import web

from cutlog.blobs import BlobNotFoundError, BlobStore, InvalidKeyError
from cutlog.contract.base import Strict
from cutlog.web import Api, Content, Reply, Request
from cutlog.web.problems import not_found
from cutlog.web.signing import check

#: A file may be shown or played, never run: whatever it is, it has no origin, scripts or forms.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

_TYPES: Final = {
    ".mp4": "video/mp4", ".m4v": "video/mp4", ".m4a": "audio/mp4", ".mov": "video/quicktime", ".webm": "video/webm",
    ".mkv": "video/x-matroska", ".mp3": "audio/mpeg", ".wav": "audio/wav", ".ogg": "audio/ogg", ".flac": "audio/flac",
    ".jpg": "image/jpeg", ".png": "image/png", ".gif": "image/gif", ".webp": "image/webp",
}  # fmt: skip


class Signed(Strict):
    """What `cutlog.web.signing` puts into a link."""

    expires: str = ""
    signature: str = ""
    filename: str | None = None


def add_files(api: Api, blobs: BlobStore, secret: str) -> None:
    """Adds `GET /files/{key}`. On a bucket nobody comes here: its links are its own."""

    @api.get(
        "/files/{key:.+}",
        role=None,
        path={"key": str},
        query=Signed,
        returns={200: Content("application/octet-stream"), 206: Content("application/octet-stream"), 304: None},
        problems=(403, 404, 416),
        summary="Gives the file of a signed link",
    )
    async def file(req: Request[None, Signed]) -> web.StreamResponse | Reply:
        """Answers ranges and conditions (ETag, Last-Modified)."""
        key = str(req.path["key"])
        query = {name: text for name, text in msgspec.structs.asdict(req.query).items() if text is not None}
        filename = check(secret, key, query, req.http.method)
        try:
            async with blobs.local(key) as path:
                response = web.FileResponse(path, chunk_size=1 << 18, headers=_headers(key, filename))
                await response.prepare(req.http)
                return response
        except (BlobNotFoundError, InvalidKeyError):
            raise not_found("The file") from None


def _headers(key: str, filename: str | None) -> dict[str, str]:
    name = filename or key.rpartition("/")[2]
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    ending = key.rpartition("/")[2].rpartition(".")[2]
    return {
        "Content-Type": _TYPES.get(f".{ending}", "application/octet-stream"),
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": _POLICY,
        "Cross-Origin-Resource-Policy": "same-site",
        "Cache-Control": "private, max-age=60",
    }
