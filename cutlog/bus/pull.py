"""A pull loop of our own: one inbox, overlapping requests, and no stall when the connection or the server goes away.

https://docs.nats.io/reference/reference-protocols/nats_api_reference and ADR-37 describe the protocol.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Final

import msgspec
import structlog
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from cutlog.bus.connection import Bus
from cutlog.bus.errors import CONSUMER_NOT_FOUND, NAME_TAKEN, ApiError
from cutlog.bus.streams import SECOND

log = structlog.get_logger(__name__)

EXPIRES: Final = 30.0
HEARTBEAT: Final = 2.5
MAX_BYTES: Final = 9 << 20
"""Of one request: more than the largest message, so that there is always room for one."""
HELD_BYTES: Final = 4 * MAX_BYTES
"""Of what is asked for and what waits: whoever is slower than the server holds no more."""


_ENDS: Final = ("Batch Completed", "Message Size Exceeds MaxBytes")
"""Descriptions of status 409 that are the regular end of a request."""


class ConsumerGone(Exception):
    """The consumer, or its stream, no longer exists."""


async def ensure_consumer(bus: Bus, stream: str, config: dict[str, Any]) -> dict[str, Any]:
    """Makes the durable consumer `config["durable_name"]` unless there is one, which then gets the filter of `config`.

    Raises ApiError, BusUnavailable.
    """
    name, wanted = config["durable_name"], config.get("filter_subject")
    try:
        info = await bus.api(f"CONSUMER.INFO.{stream}.{name}")
    except ApiError as error:
        if error.code != CONSUMER_NOT_FOUND:
            raise
    else:
        if wanted is None or info["config"].get("filter_subject") == wanted:
            return info
        changed = {"stream_name": stream, "config": info["config"] | {"filter_subject": wanted}, "action": "update"}
        return await bus.api(f"CONSUMER.CREATE.{stream}.{name}", changed)
    request = {"stream_name": stream, "config": config | {"name": name}, "action": "create"}
    try:
        return await bus.api(f"CONSUMER.CREATE.{stream}.{name}", request)
    except ApiError as error:
        if error.code not in NAME_TAKEN:
            raise
        return await bus.api(f"CONSUMER.INFO.{stream}.{name}")


class Pull:
    """Messages of one durable consumer; an async context manager, from which one task takes.

    `room(held)` tells how many more may come when `held` are under way or wait here; `step` at a time are asked for, as
    long as they cannot be more than HELD_BYTES.
    """

    def __init__(self, bus: Bus, stream: str, consumer: str, *, room: Callable[[int], int], step: int) -> None:
        self._bus, self._stream, self._consumer = bus, stream, consumer
        self._room, self._step = room, step
        self._waiting: deque[Msg] = deque()
        self._asked = self._bytes = 0
        self._arrived = asyncio.Event()
        self._gone = False
        self._heard = 0.0
        self._requests = 0
        self._inbox = ""
        self._subscription: Subscription | None = None
        self._watch: asyncio.Task[None] | None = None
        self._stir = asyncio.Event()
        self._cut = False
        self._closed = False
        self._forget: Callable[[], None] = lambda: None

    async def __aenter__(self) -> Pull:
        self._forget = self._bus.on_reconnect(self._reconnected)
        await self._begin()
        self._watch = asyncio.create_task(self._watching(), name=f"pull {self._stream} {self._consumer}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._forget()
        self._closed = True  # the client may swallow a cancellation
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.wait([self._watch])
        await self._unsubscribe()

    async def take(self, limit: int, *, timeout: float) -> list[Msg]:
        """Up to `limit` messages in their order; waits up to `timeout` seconds for the first. Raises ConsumerGone."""
        self._arrived.clear()
        await self._ask()
        if not self._waiting:
            if self._is_gone():
                raise ConsumerGone(self._consumer)
            try:
                await asyncio.wait_for(self._arrived.wait(), timeout)
            except TimeoutError:
                return []
            if not self._waiting and self._is_gone():
                raise ConsumerGone(self._consumer)
        taken = [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]
        self._bytes -= sum(len(message.data) for message in taken)
        return taken

    def _is_gone(self) -> bool:
        return self._gone

    def wake(self) -> None:
        """Ends a `take` that waits: there is room again, or no more wish."""
        self._arrived.set()

    def left(self) -> list[Msg]:
        """What arrived and was not taken."""
        left = list(self._waiting)
        self._waiting.clear()
        self._bytes = 0
        return left

    async def _begin(self) -> None:
        """A fresh inbox: what an older request still brings finds nobody there, and the server gives it up."""
        await self._unsubscribe()
        self._cut = False
        self._asked = 0
        self._heard = asyncio.get_running_loop().time()
        self._inbox = self._bus.client.new_inbox()
        inbox = self._inbox

        async def receive(message: Msg) -> None:
            if inbox == self._inbox:
                await self._receive(message)

        self._subscription = await self._bus.client.subscribe(
            f"{inbox}.*", cb=receive, pending_msgs_limit=0, pending_bytes_limit=0
        )
        await self._ask()

    def _reconnected(self) -> None:
        self._cut = True
        self._stir.set()

    async def _unsubscribe(self) -> None:
        subscription, self._subscription = self._subscription, None
        if subscription is not None and not self._bus.client.is_closed and not self._bus.client.is_draining:
            await subscription.unsubscribe()

    async def _ask(self) -> None:
        """Asks for more when a step's worth of room is free."""
        if self._gone or not self._bus.client.is_connected:
            return
        while (
            (missing := self._room(self._asked + len(self._waiting))) > 0
            and (missing >= self._step or not self._asked)
            and self._most_bytes() + MAX_BYTES <= HELD_BYTES
        ):
            batch = min(missing, self._step)
            self._asked += batch
            self._requests += 1
            request = {
                "batch": batch,
                "max_bytes": MAX_BYTES,
                "expires": int(EXPIRES * SECOND),
                "idle_heartbeat": int(HEARTBEAT * SECOND),
            }
            await self._bus.client.publish(
                f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}",
                msgspec.json.encode(request),
                reply=f"{self._inbox}.{self._requests}",
            )

    def _most_bytes(self) -> int:
        """What waits here, and as much as the requests under way may bring."""
        return self._bytes + math.ceil(self._asked / self._step) * MAX_BYTES

    async def _receive(self, message: Msg) -> None:
        self._heard = asyncio.get_running_loop().time()
        headers = message.headers
        if headers is None or "Status" not in headers or message.data:
            self._asked -= 1
            self._waiting.append(message)
            self._bytes += len(message.data)
            self._arrived.set()
            return
        status, description = headers["Status"], headers.get("Description", "")
        if status == "100":
            return
        self._asked = max(0, self._asked - int(headers.get("Nats-Pending-Messages", "0") or 0))
        if status == "503" or "Consumer Deleted" in description:
            self._gone = True
            self._arrived.set()
        elif status in ("404", "408") or description in _ENDS:
            await self._ask()
        else:
            log.info("pull.ended", stream=self._stream, consumer=self._consumer, status=status, why=description)
            self._stir.set()

    async def _watching(self) -> None:
        """Begins anew on reconnect, and when nothing was heard for two heartbeats although something was asked.

        What was under way to the old inbox comes again after the consumer's `ack_wait`: this is for real losses only.
        """
        while not self._closed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stir.wait(), HEARTBEAT)
                await asyncio.sleep(0.1)  # several requests may end for one reason
            stirred = self._stir.is_set()
            self._stir.clear()
            if not self._bus.client.is_connected:
                continue
            silent = asyncio.get_running_loop().time() - self._heard
            if self._cut or (self._asked and silent > 2 * HEARTBEAT):
                log.info("pull.reissued", stream=self._stream, consumer=self._consumer, silent=round(silent, 1))
                await self._begin()
            elif stirred:
                await self._ask()
