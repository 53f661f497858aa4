"""A service's connection to NATS, and what is asked over it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Final

import msgspec
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from cutlog.bus.errors import ApiError, BusUnavailable
from cutlog.contract.commands import Command, CommandReply, CommandSource, decode_reply, encode_command
from cutlog.contract.subjects import command as command_subject
from cutlog.process import sockets

log = structlog.get_logger(__name__)

OnEvent = Callable[[str, str], None]
"""Told what happens to the connection: `disconnected`, `reconnected`, `closed` or `error`, and a detail."""

Handler = Callable[[Msg], Awaitable[None]]

RECONNECT_SECONDS: Final = 0.25
PING_SECONDS: Final = 4
PINGS: Final = 2
"""A server that answers so many pings not at all is left for another one, after at most 12 s."""
TIMEOUT: Final = 5.0
PATIENCE: Final = 30.0


class _Client(Client):
    @staticmethod
    def _parse_header_lines(raw: bytes) -> dict[str, str]:
        """The same as the original, which looks at each character and takes most of the time of reading events."""
        headers: dict[str, str] = {}
        for line in raw.decode("utf-8", "replace").split("\r\n"):
            name, colon, value = line.partition(":")
            if colon:
                headers[name] = value.strip()
        return headers

    async def _process_connect_init(self) -> None:
        """The same as the original, on a connection that fails soon when the server's host has vanished."""
        if (writer := getattr(self._transport, "_bare_io_writer", None)) is not None:
            sockets.notice_silence(writer.transport)
        await super()._process_connect_init()

    async def _attempt_reconnect(self) -> None:
        """The same as the original, which gives up for good at an error that it does not expect."""
        while True:
            try:
                return await super()._attempt_reconnect()
            except Exception as error:  # such as uvloop's RuntimeError, of a transport that was closed meanwhile
                await self._error_cb(error)
                self._status = Client.RECONNECTING
                await asyncio.sleep(RECONNECT_SECONDS)


class Bus:
    """One connection, for ever: it reconnects by itself. Made by `Bus.connect`; an async context manager."""

    def __init__(self, client: Client, name: str, replicas: int = 1) -> None:
        self.client, self.name, self.replicas = client, name, replicas
        self._on_reconnect: list[Callable[[], None]] = []
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @classmethod
    async def connect(
        cls, url: str, seed: str, *, name: str, replicas: int = 1, on_event: OnEvent | None = None
    ) -> Bus:
        """Connects as `name`, with the nkey seed of that user ("" for none), and keeps trying until there is a server.

        `url` may name several servers of a cluster, with commas between; streams are kept on `replicas` of them.
        Replies come to `_INBOX_<name>.>`, which only that user may read.
        """
        client = _Client()
        bus = cls(client, name, replicas)

        def tell(what: str, detail: str = "") -> None:
            log.log(30 if what in ("error", "disconnected") else 20, f"bus.{what}", detail=detail, service=name)
            if on_event is not None:
                on_event(what, detail)

        async def disconnected() -> None:
            lost, bus._lost = bus._lost, asyncio.get_running_loop().create_future()
            lost.set_result(None)
            if not client.is_draining and not client.is_closed:
                tell("disconnected")

        async def reconnected() -> None:
            tell("reconnected")
            for callback in tuple(bus._on_reconnect):
                callback()

        async def closed() -> None:
            tell("closed")

        async def error(problem: Exception) -> None:
            tell("error", f"{type(problem).__name__}: {problem}")

        await client.connect(
            url.split(","),
            name=name,
            nkeys_seed_str=seed or None,
            inbox_prefix=f"_INBOX_{name}",
            max_reconnect_attempts=-1,
            reconnect_time_wait=RECONNECT_SECONDS,  # type: ignore[arg-type]
            ping_interval=PING_SECONDS,
            max_outstanding_pings=PINGS,
            drain_timeout=5,
            disconnected_cb=disconnected,
            reconnected_cb=reconnected,
            closed_cb=closed,
            error_cb=error,
        )
        return bus

    async def close(self) -> None:
        """Sends what is buffered, then disconnects."""
        if self.client.is_closed:
            return
        try:
            await self.client.drain()
        except (NatsError, OSError, TimeoutError):
            with suppress(RuntimeError):  # uvloop, of a transport that has gone already
                await self.client.close()

    async def __aenter__(self) -> Bus:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    @property
    def connected(self) -> bool:
        return self.client.is_connected

    async def check(self) -> None:
        """Readiness: raises BusUnavailable unless the server answers a ping."""
        try:
            await self.client.flush(timeout=2)
        except (NatsError, OSError, TimeoutError) as error:
            raise BusUnavailable("NATS does not answer") from error

    def on_reconnect(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Calls back after each reconnect, until the function returned here is called."""
        self._on_reconnect.append(callback)
        return lambda: self._on_reconnect.remove(callback)

    async def publish(self, subject: str, payload: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Core NATS: at most once, to whoever listens now. Raises BusUnavailable when too much is buffered already."""
        try:
            await self.client.publish(subject, payload, headers=dict(headers) if headers else None)
        except NatsError as error:
            raise BusUnavailable(f"cannot publish: {error}") from error

    async def request(
        self, subject: str, payload: bytes = b"", *, timeout: float = TIMEOUT, headers: Mapping[str, str] | None = None
    ) -> Msg:
        """One request, one reply.

        Raises BusUnavailable after `timeout` seconds; at once when nobody listens, or when the connection is lost.
        """
        asked = asyncio.ensure_future(
            self.client.request(subject, payload, timeout, headers=dict(headers) if headers else None)
        )
        try:
            await asyncio.wait((asked, self._lost), return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                raise BusUnavailable(f"no answer from {subject}: the connection was lost")
            return asked.result()
        except (NatsError, OSError, TimeoutError) as error:
            reason = "nobody listens" if isinstance(error, NoRespondersError) else str(error) or type(error).__name__
            raise BusUnavailable(f"no answer from {subject}: {reason}") from error
        finally:
            asked.cancel()

    async def api(self, subject: str, body: object = None, *, timeout: float = TIMEOUT) -> dict[str, Any]:
        """Asks `$JS.API.<subject>`. Raises ApiError, BusUnavailable.

        Requests and answers: https://docs.nats.io/reference/reference-protocols/nats_api_reference
        """
        payload = b"" if body is None else msgspec.json.encode(body)
        return answer((await self.request(f"$JS.API.{subject}", payload, timeout=timeout)).data)

    async def command(self, source: CommandSource, command: Command, *, patience: float = PATIENCE) -> CommandReply:
        """Asks ops, and asks again while it does not answer: the key keeps it from acting twice.

        Raises BusUnavailable when `patience` seconds went by.
        """
        subject = command_subject(source, type(command.body).__name__)
        payload = encode_command(command)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + patience
        pause = 0.05
        while True:
            try:
                return decode_reply((await self.request(subject, payload, timeout=min(TIMEOUT, patience))).data)
            except BusUnavailable:
                if loop.time() + pause > deadline:
                    raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, 1.0)

    async def subscribe(
        self, subject: str, handler: Handler, *, queue: str = "", concurrency: int = 64
    ) -> Callable[[], Awaitable[None]]:
        """Runs `handler` for each message, up to `concurrency` at once. Returns what ends it and waits for handlers.

        A handler's exception is logged, and that is all: replying with an error is the handler's own affair.
        """
        slots = asyncio.Semaphore(concurrency)
        running: set[asyncio.Task[None]] = set()

        async def handle(message: Msg) -> None:
            try:
                await handler(message)
            except Exception:
                log.exception("bus.message_failed", subject=message.subject)
            finally:
                slots.release()

        async def accept(message: Msg) -> None:
            await slots.acquire()
            task = asyncio.create_task(handle(message))
            running.add(task)
            task.add_done_callback(running.discard)

        subscription = await self.client.subscribe(subject, queue, cb=accept)

        async def end() -> None:
            if self.client.is_connected:
                await subscription.drain()  # type: ignore[no-untyped-call]
            while running:
                await asyncio.wait(running)

        return end


def answer(data: bytes) -> dict[str, Any]:
    """The body of a JetStream answer. Raises ApiError."""
    body: dict[str, Any] = msgspec.json.decode(data)
    if (error := body.get("error")) is not None:
        raise ApiError(error.get("err_code", 0), error.get("description", "unknown"))
    return body
