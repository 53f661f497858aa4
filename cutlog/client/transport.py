"""Requests that are retried while a service is unavailable, and refusals as errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Final, TypeVar
from urllib.parse import urljoin

import aiohttp
import msgspec

from cutlog.client.errors import Unreachable, refusal
from cutlog.client.events import ProjectEvent, parsed

T = TypeVar("T")

AWAY: Final = frozenset({429, 502, 503, 504})
"""Statuses after which a request with the same Idempotency-Key can be retried safely."""


class Transport:
    """One base URL, and a token or a function that returns one for each request. Every request is safe to repeat,
    because of its method or its key."""

    def __init__(
        self, session: aiohttp.ClientSession, base: str, token: str | Callable[[], str], patience: float
    ) -> None:
        self._session, self._base, self._patience = session, base.rstrip("/") + "/", patience
        self._token = token

    def url(self, path: str) -> str:
        """The absolute URL of a path (or URL) that the API returned."""
        return urljoin(self._base, path)

    async def ask(
        self,
        answer: type[T],
        method: str,
        path: str,
        *,
        json: object = None,
        form: Callable[[], aiohttp.FormData] | None = None,
        key: str | None = None,
        query: Mapping[str, str] | None = None,
    ) -> T:
        """The decoded answer. `form` makes a multipart body for each attempt.

        Retries for `patience` seconds while the stack is unavailable. Raises Refused, Unreachable.
        """
        assert method != "POST" or key is not None, "a POST is repeated safely only with an Idempotency-Key"
        headers = {"Idempotency-Key": key} if key else {}
        body = None
        if json is not None:
            headers["Content-Type"] = "application/json"
            body = msgspec.json.encode(json)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        pause = 0.1
        while True:
            why: object
            wait = pause
            sent = self._bearer() | headers
            try:
                async with self._session.request(
                    method,
                    self.url(path),
                    data=form() if form else body,
                    headers=sent,
                    params=query,
                ) as response:
                    content = await response.read()
                    if response.status < 400:
                        return msgspec.json.decode(content or b"null", type=answer)
                    if response.status not in AWAY:
                        raise refusal(response.status, _document(content))
                    why = f"{response.status} {_document(content).get('detail') or response.reason}"
                    wait = max(pause, _seconds(response.headers.get("Retry-After")))
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
                why = error
            if loop.time() + wait > deadline:
                raise Unreachable(f"{method} {path}: {why}")
            await asyncio.sleep(wait)
            pause = min(pause * 2, 2.0)

    async def events(self, path: str, after: int | None) -> AsyncIterator[ProjectEvent]:
        """Events after a position of the log, or new ones only if it is None, endlessly. Reconnects when needed, and
        gives up after `patience` seconds without success. Raises Refused, Unreachable."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        pause = 0.1
        while True:
            headers = self._bearer() | ({} if after is None else {"Last-Event-ID": str(after)})
            why: object = "the stream ended"
            try:
                async with self._session.get(self.url(path), headers=headers) as response:
                    if response.status not in AWAY and response.status >= 400:
                        raise refusal(response.status, _document(await response.read()))
                    if response.status < 400:
                        async for event in parsed(response.content):
                            after = event.position if event.position is not None else after
                            deadline, pause = loop.time() + self._patience, 0.1
                            yield event
                    else:
                        why = response.status
            except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError) as error:
                why = error
            if loop.time() + pause > deadline:
                raise Unreachable(f"GET {path}: {why}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)

    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token if isinstance(self._token, str) else self._token()}"}


def _document(content: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError:
        return {}


def _seconds(retry_after: str | None) -> float:
    return min(float(retry_after), 10.0) if retry_after and retry_after.isdigit() else 0.0
