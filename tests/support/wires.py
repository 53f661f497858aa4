"""TCP connections that can be cut or held while both ends live: a proxy for each part of a stack."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

CHUNK = 1 << 16


class Wire:
    """What goes through one port. `end()` tells the port that it leads to, when somebody comes."""

    def __init__(self, end: Callable[[], int]) -> None:
        self._end = end
        self._flows = asyncio.Event()
        self._flows.set()
        self._transports: set[asyncio.WriteTransport] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it begins, on 127.0.0.1."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    async def open(self) -> None:
        """Listens."""
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", 0)

    async def close(self) -> None:
        """Listens no more, and cuts what there is."""
        assert self._server is not None
        self._server.close()
        self._flows.set()
        self.cut()
        await self._server.wait_closed()

    @property
    def connections(self) -> int:
        """How many go through it now."""
        return len(self._transports) // 2

    def cut(self) -> int:
        """Every connection ends with a reset, on both sides, wherever it is; how many."""
        count = self.connections
        for transport in list(self._transports):
            transport.abort()
        return count

    def silence(self) -> None:
        """Nothing passes any more, and nobody is told: what is sent is taken, and nothing comes."""
        self._flows.clear()

    def speak(self) -> None:
        """It passes again."""
        self._flows.set()

    async def hold(self, seconds: float) -> None:
        """Nothing passes for a while, and nobody is told."""
        self.silence()
        await asyncio.sleep(seconds)
        self.speak()

    async def _pass(self, near_reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        try:
            far_reader, far = await asyncio.open_connection("127.0.0.1", self._end())
        except OSError:
            near.transport.abort()
            return
        both = (near.transport, far.transport)
        self._transports.update(both)
        ways = [asyncio.create_task(self._pump(near_reader, far)), asyncio.create_task(self._pump(far_reader, near))]
        try:
            await asyncio.wait(ways)
        finally:
            for way in ways:
                way.cancel()
            for transport in both:
                transport.abort()
            self._transports.difference_update(both)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                await self._flows.wait()
                writer.write(chunk)
                await writer.drain()
        with suppress(OSError, RuntimeError):
            writer.write_eof()


@asynccontextmanager
async def wire(end: Callable[[], int]) -> AsyncIterator[Wire]:
    """A wire for as long as the block lasts."""
    made = Wire(end)
    await made.open()
    try:
        yield made
    finally:
        await made.close()
