"""A Reply on the wire: JSON, compressed where that pays and is accepted."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import aclosing
from typing import Final

from aiohttp import web

from cutlog.contract.pieces import encoded
from cutlog.web.reply import Reply

COMPRESS_FROM: Final = 1024
"""Bytes; below that, compression saves nothing."""
THREAD_FROM: Final = 64 * 1024
"""Bytes; above that, decoding and compressing would hold up the event loop."""
_TEXTUAL = ("application/json", "application/problem+json", "text/", "application/javascript")


async def respond(http: web.Request, answer: Reply | web.StreamResponse) -> web.StreamResponse:
    """The response that aiohttp sends. A streamed reply is already sent when this returns."""
    match answer:
        case Reply(content=None | bytes()):
            return await _whole(http, answer)
        case Reply():
            return await _streamed(http, answer)
        case web.StreamResponse():  # last: it is abstract, and to ask for such a class takes long
            return answer


async def _whole(http: web.Request, reply: Reply) -> web.Response:
    headers = dict(reply.headers)
    body = await asyncio.to_thread(encoded, reply.value) if reply.large and reply.content is None else reply.body
    if body and reply.content_type:
        headers.setdefault("Content-Type", reply.content_type)
    if reply.content_type.startswith(_TEXTUAL) and len(body) >= COMPRESS_FROM:
        headers["Vary"] = "Accept-Encoding"
        if accepts_gzip(http.headers.get("Accept-Encoding", "")):
            headers["Content-Encoding"] = "gzip"
            if len(body) >= THREAD_FROM:
                body = await asyncio.to_thread(gzip.compress, body, 5, mtime=0)
            else:
                body = gzip.compress(body, 5, mtime=0)
    return web.Response(status=reply.status, body=body, headers=headers)


async def _streamed(http: web.Request, reply: Reply) -> web.StreamResponse:
    assert reply.content is not None
    assert not isinstance(reply.content, bytes)
    headers = {"Content-Type": reply.content_type, **reply.headers}
    response = web.StreamResponse(status=reply.status, headers=headers)
    async with aclosing(reply.content) as chunks:  # type: ignore[type-var]
        await response.prepare(http)
        if http.method != "HEAD":
            async for chunk in chunks:
                await response.write(chunk)
    await response.write_eof()
    return response


def accepts_gzip(header: str) -> bool:
    """Whether an Accept-Encoding header (RFC 9110) takes gzip."""
    for part in header.lower().split(","):
        coding, _, parameters = part.partition(";")
        if coding.strip() in ("gzip", "*"):
            weight = parameters.replace(" ", "").removeprefix("q=") or "1"
            return weight.strip("0.") != ""
    return False
