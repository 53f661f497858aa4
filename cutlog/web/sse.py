"""Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any, Final

import msgspec
from aiohttp import web

from cutlog.web.dispatch import DRAINING
from cutlog.web.request import Request

HEARTBEAT_SECONDS: Final = 15.0
WATCH_SECONDS: Final = 0.5
STUCK_SECONDS: Final = 5.0
"""A client whose connection takes not even a heartbeat for so long has to come again."""
RETRY_MILLISECONDS: Final = 1000
_HEADERS: Final = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}


class EventStream:
    """An answer that goes on until the handler leaves the block, the client goes away or the server drains.

        async with EventStream(req) as stream:
            async for event in feed:
                await stream.send(event.position, event.type, event)
        return stream.response

    In the latter two cases the block is left by cancellation, which ends at the block; `ended` tells. What must be
    released is released by `finally` inside of it. Register the route with `events=True`.
    """

    def __init__(self, request: Request[Any, Any], heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self.response = web.StreamResponse(headers=_HEADERS)
        self.ended = False
        self._http = request.http
        self._draining = request.http.app[DRAINING]
        self._heartbeat = heartbeat
        self._task: asyncio.Task[Any] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._cancelling = 0

    async def __aenter__(self) -> EventStream:
        await self.response.prepare(self._http)
        await self.response.write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())
        self._task = asyncio.current_task()
        assert self._task is not None
        self._cancelling = self._task.cancelling()
        self._watcher = asyncio.create_task(self._watch())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        assert self._task is not None
        assert self._watcher is not None
        self._watcher.cancel()
        await asyncio.gather(self._watcher, return_exceptions=True)
        if self.ended and isinstance(error, asyncio.CancelledError):
            return self._task.uncancel() <= self._cancelling
        if isinstance(error, ConnectionError) and self._gone():
            self.ended = True
            return True
        return False

    async def send(self, position: int | str | None, event: str, data: Any) -> None:
        """One event. `position` becomes Last-Event-ID on a reconnect; `data` is what msgspec encodes, or JSON bytes."""
        body = data if isinstance(data, bytes) else msgspec.json.encode(data)
        head = f"event: {event}\n" if position is None else f"id: {position}\nevent: {event}\n"
        lines = b"".join(b"data: " + line + b"\n" for line in body.splitlines() or [b""])
        await self.response.write(head.encode() + lines + b"\n")

    async def _watch(self) -> None:
        """Keeps idle connections alive, and ends the block when nobody listens or the server drains."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._heartbeat
        while not self._gone() and not self._draining.is_set():
            try:
                async with asyncio.timeout(min(WATCH_SECONDS, self._heartbeat)):
                    await self._draining.wait()
            except TimeoutError:
                pass
            if loop.time() >= due:
                due = loop.time() + self._heartbeat
                try:
                    async with asyncio.timeout(STUCK_SECONDS):
                        await self.response.write(b": still here\n\n")
                except (ConnectionError, TimeoutError):
                    break
        self.ended = True
        assert self._task is not None
        self._task.cancel()

    def _gone(self) -> bool:
        transport = self._http.transport
        return transport is None or transport.is_closing()
