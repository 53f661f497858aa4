"""Reading a body: bounded while it streams, of the right type, in bounded time."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import Request

from cutlog.contract.answers.problems import ProblemError
from cutlog.web.problems import BAD_REQUEST, REQUEST_TIMEOUT, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, Problem, TooLarge
from cutlog.web.reply import JSON

READ_SECONDS: Final = 60.0
READING: Final = web.AppKey("reading", float)
"""Seconds after which a body that does not come, or only drips, is given up."""
LEAST_BYTES_PER_SECOND: Final = 1024
"""Of a body that streams, over all of its time, once that is more than `READING`."""


class Pace:
    """How fast a body comes. One that drips is given up: it would hold its connection and its file for days."""

    def __init__(self, seconds: float) -> None:
        """Only after so many `seconds` it is judged."""
        self.seconds = seconds
        self._began, self._bytes = time.monotonic(), 0

    def came(self, size: int) -> None:
        """So many bytes more. Raises Problem 408."""
        self._bytes += size
        seconds = time.monotonic() - self._began
        if seconds > self.seconds and self._bytes < seconds * LEAST_BYTES_PER_SECOND:
            detail = (
                f"{self._bytes} bytes arrived in {seconds:.0f} s; send {LEAST_BYTES_PER_SECOND} per second or more."
            )
            raise REQUEST_TIMEOUT(detail)


async def read_body(http: Request, limit: int) -> bytes:
    """The whole body, at most `limit` bytes. Raises Problem 413, 408 or 400."""
    check_length(http, limit)
    await say_continue(http)
    if http.content.is_eof():  # it came with its headers
        return _arrived(http, limit)
    body = bytearray()
    try:
        async with asyncio.timeout(http.app[READING]):
            async for chunk in http.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise too_large(limit)
    except TimeoutError:
        raise REQUEST_TIMEOUT(f"The body took longer than {http.app[READING]:g} s.") from None
    except (web.RequestPayloadError, HttpProcessingError):
        raise BAD_REQUEST(BAD_REQUEST.example) from None
    return bytes(body)


def _arrived(http: Request, limit: int) -> bytes:
    """A body that is there already. Raises Problem as `read_body` does."""
    try:
        body = http.content.read_nowait()
    except (web.RequestPayloadError, HttpProcessingError):
        raise BAD_REQUEST(BAD_REQUEST.example) from None
    if len(body) > limit:
        raise too_large(limit)
    return body


def check_length(http: Request, limit: int) -> None:
    """Raises Problem 413 when Content-Length alone is already too much."""
    if (http.content_length or 0) > limit:
        raise too_large(limit)


def too_large(limit: int) -> Problem:
    """413: more bytes than the route takes."""
    detail = f"At most {limit} bytes."
    errors = (ProblemError("", detail),)
    return TOO_LARGE(detail, errors=errors, more=TooLarge(limit=limit))


def check_type(http: Request, consumes: str) -> None:
    """Raises Problem 415 for a body that is compressed, of another media type than `consumes`, or JSON not in UTF-8.

    A missing Content-Type passes: whether there is a body at all shows only when it is read (`check_typed`).
    """
    encoding = http.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding != "identity":
        detail = f"Content-Encoding {encoding[:40]!r} is not supported; send the body uncompressed."
        raise _unsupported(detail, {"Accept-Encoding": "identity"})
    if http.headers.get("Content-Type") == consumes:  # as a rule, word for word
        return
    if "Content-Type" not in http.headers or http.content_length == 0 or consumes == "*/*":
        return
    kind = http.content_type
    if kind != consumes and not (consumes == JSON and kind.startswith("application/") and kind.endswith("+json")):
        raise _unsupported(f"Content-Type must be {consumes}, not {kind[:80]}.", {"Accept": consumes})
    if consumes == JSON and (http.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise _unsupported("JSON must be in UTF-8.", {"Accept": consumes})


def check_typed(http: Request, consumes: str) -> None:
    """Raises Problem 415 for a body that says nothing of its media type."""
    if "Content-Type" not in http.headers and consumes != "*/*":
        raise _unsupported(f"Content-Type is missing: it must be {consumes}.", {"Accept": consumes})


async def say_continue(http: Request) -> None:
    """Answers `Expect: 100-continue`, once it is certain that the body is wanted."""
    if http.headers.get("Expect", "").lower() == "100-continue" and http.version >= (1, 1):
        await http.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        http.writer.output_size = 0


def _unsupported(detail: str, headers: dict[str, str]) -> Problem:
    return UNSUPPORTED_MEDIA_TYPE(detail, headers=headers)
