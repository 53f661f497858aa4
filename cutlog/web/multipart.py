"""Uploaded files as they stream in: multipart/form-data (RFC 7578), never held in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import aiohttp
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web import RequestPayloadError

from cutlog.web.body import READING, Pace, too_large
from cutlog.web.problems import MALFORMED_FORM, REQUEST_TIMEOUT, TOO_MANY_PARTS, UNSUPPORTED_MEDIA_TYPE, Problem
from cutlog.web.request import Request

T = TypeVar("T")

CHUNK: Final = 1 << 18
"""Bytes read at a time."""
MAX_PARTS: Final = 1000
_PLAIN: Final = ("", "binary", "8bit", "7bit")


@dataclass(frozen=True)
class Part:
    """One field of a form. Read its chunks before going on to the next part."""

    name: str
    filename: str | None
    media_type: str
    _reader: aiohttp.BodyPartReader
    _seconds: float
    _limit: int

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes of the part. Raises Problem 413 beyond the limit, 408 when they stop coming, 400 when malformed."""
        size, pace = 0, Pace(self._seconds)
        while chunk := await _read(self._reader.read_chunk(CHUNK), pace.seconds):
            size += len(chunk)
            pace.came(len(chunk))
            if size > self._limit:
                raise too_large(self._limit)
            yield chunk


async def parts(request: Request[Any, Any], limit: int) -> AsyncIterator[Part]:
    """The parts of a form in order, each of at most `limit` bytes. For routes with `stream=True`.

    Raises Problem 400 for what is not a form; 413, 408, 415 as `Part.chunks` does.
    """
    seconds = request.http.app[READING]
    try:
        reader = await request.http.multipart()
    except (ValueError, RuntimeError, AssertionError) as error:
        raise _malformed(error) from None
    for _ in range(MAX_PARTS):
        part = await _read(reader.next(), seconds)
        if part is None:
            return
        if not isinstance(part, aiohttp.BodyPartReader):
            raise _malformed("a form inside of a form")
        for header in ("Content-Encoding", "Content-Transfer-Encoding"):
            if part.headers.get(header, "").strip().lower() not in _PLAIN:
                raise UNSUPPORTED_MEDIA_TYPE(f"Parts with {header} are not supported; send the file unencoded.")
        kind = part.headers.get("Content-Type", "application/octet-stream")
        yield Part(part.name or "", part.filename, kind, part, seconds, limit)
    raise TOO_MANY_PARTS(f"At most {MAX_PARTS} parts.")


async def _read(awaited: Awaitable[T], seconds: float) -> T:
    try:
        async with asyncio.timeout(seconds):
            return await awaited
    except TimeoutError:
        raise REQUEST_TIMEOUT(f"No data arrived for {seconds:g} s.") from None
    # The reader answers malformed input with all of these.
    except (ValueError, RuntimeError, TypeError, AssertionError, HttpProcessingError, RequestPayloadError) as error:
        raise _malformed(error) from None


def _malformed(reason: object) -> Problem:
    detail = str(reason)[:200]
    return MALFORMED_FORM(detail if detail.isprintable() else "")
