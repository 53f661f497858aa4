"""Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final

import msgspec
from aiohttp import web

from cutlog.auth.actor import Actor
from cutlog.auth.revocations import CredentialRevoked, Revocations
from cutlog.web.problems import EVENT_STREAMS_EXCEEDED, BudgetUsed
from cutlog.web.request import Request

HEARTBEAT_SECONDS: Final = 15.0
STUCK_SECONDS: Final = 5.0
"""A client whose connection takes not even a heartbeat for so long has to come again."""
RETRY_MILLISECONDS: Final = 1000
STREAMS_PER_SUBJECT: Final = 100
_HEADERS: Final = {"Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}
_RETRY_AFTER: Final = "30"


@dataclass(eq=False)
class HeldRequest:
    """A request that takes in a body, and whether its credential was revoked meanwhile."""

    actor: Actor
    task: asyncio.Task[Any]
    revoked: bool = False


class OpenStreams:
    """The event streams that a server has open, of which one subject of a tenant may have `most`, and the uploads."""

    def __init__(self, most: Callable[[str], int] = lambda _: STREAMS_PER_SUBJECT) -> None:
        self._most = most
        self._open: set[EventStream] = set()
        self._counts: Counter[str] = Counter()
        self._requests: set[HeldRequest] = set()
        self._draining = False

    def add(self, stream: EventStream) -> None:
        """Raises Problem 429 when its subject has as many as it may."""
        used, most = self._counts[stream.subject], self._most(stream.actor.tenant)
        if used >= most:
            detail = (
                f"{used} of {most} event streams of this subject are open (budget eventStreams). "
                "Close one to open another."
            )
            more = BudgetUsed(budget="eventStreams", used=used, limit=most)
            raise EVENT_STREAMS_EXCEEDED(detail, more=more, headers={"Retry-After": _RETRY_AFTER})
        self._counts[stream.subject] += 1
        self._open.add(stream)
        if self._draining:
            stream.end()

    def remove(self, stream: EventStream) -> None:
        """It is not open any more."""
        self._open.discard(stream)
        self._counts[stream.subject] -= 1
        if not self._counts[stream.subject]:
            del self._counts[stream.subject]

    @contextmanager
    def holding(self, actor: Actor) -> Iterator[None]:
        """While a request takes in a body that may be long. Raises CredentialRevoked in it when its credential is."""
        task = asyncio.current_task()
        assert task is not None
        held = HeldRequest(actor, task)
        self._requests.add(held)
        try:
            yield
        except asyncio.CancelledError:
            if held.revoked and task.uncancel() == 0:
                raise CredentialRevoked("The credential was revoked.") from None
            raise
        finally:
            self._requests.discard(held)

    def end_revoked(self, revocations: Revocations) -> None:
        """Ends what a revoked credential has open."""
        for stream in tuple(self._open):
            if revocations.cover(stream.actor):
                stream.end()
        for held in self._requests:
            if revocations.cover(held.actor) and not held.revoked:
                held.revoked = True
                held.task.cancel()

    def drain(self) -> None:
        """Ends all that are open, and every one that is opened from now on."""
        self._draining = True
        for stream in tuple(self._open):
            stream.end()


OPEN_STREAMS: Final = web.AppKey("open_streams", OpenStreams)


class EventStream:
    """An answer that goes on until the handler leaves the block, the client goes away, its token expires or is
    revoked, or the server drains.

        async with EventStream(req) as stream:
            async for event in feed:
                await stream.send(event.position, event.type, event)
        return stream.response

    In the latter cases the block is left by cancellation, which ends at the block; `ended` tells. What must be
    released is released by `finally` inside of it. Register the route with `events=True`. An idle stream does nothing
    but a heartbeat. Entering raises Problem 429 when the subject has too many streams open.
    """

    def __init__(self, request: Request[Any, Any], heartbeat: float = HEARTBEAT_SECONDS) -> None:
        self.response = web.StreamResponse(headers=_HEADERS)
        self.ended = False
        self.actor = request.actor
        self.subject = f"{request.actor.tenant} {request.actor.subject}"
        self._http = request.http
        self._expires = request.actor.expires
        self._streams = request.http.app[OPEN_STREAMS]
        self._heartbeat = heartbeat
        self._over = asyncio.Event()
        self._task: asyncio.Task[Any] | None = None
        self._watcher: asyncio.Task[None] | None = None
        self._cancelling = 0

    async def __aenter__(self) -> EventStream:
        self._streams.add(self)
        try:
            await self.response.prepare(self._http)
            await self.response.write(f"retry: {RETRY_MILLISECONDS}\n\n".encode())
        except BaseException:
            self._streams.remove(self)
            raise
        self._when_lost(self.end)
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
        self._when_lost(None)
        self._streams.remove(self)
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

    def end(self) -> None:
        """Leaves the block soon."""
        self._over.set()

    async def _watch(self) -> None:
        """Keeps an idle connection alive, and ends the block when it is over."""
        if self._gone():
            self._over.set()
        while not self._over.is_set() and (left := self._left()) > 0:
            try:
                async with asyncio.timeout(min(left, self._heartbeat)):
                    await self._over.wait()
            except TimeoutError:
                if left > self._heartbeat and not await self._beat():
                    break
        self.ended = True
        assert self._task is not None
        self._task.cancel()

    async def _beat(self) -> bool:
        """Whether the connection took a heartbeat."""
        try:
            async with asyncio.timeout(STUCK_SECONDS):
                await self.response.write(b": still here\n\n")
        except (ConnectionError, TimeoutError):
            return False
        return True

    def _left(self) -> float:
        """Seconds for which the token is still good."""
        return float("inf") if self._expires is None else self._expires - time.time()

    def _when_lost(self, callback: Callable[[], None] | None) -> None:
        """Of cutlog.web.server's connections, which tell that they were lost: nothing has to look for it."""
        self._http.protocol.on_lost = callback  # type: ignore[attr-defined]

    def _gone(self) -> bool:
        transport = self._http.transport
        return transport is None or transport.is_closing()
