"""Strangers at the gateway: whatever bytes they send, whoever behaves well is served as if they were not there."""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.support.stacks import RunningStack
from tests.support.waiting import PATIENCE

IDS = (
    "%00", "%01", "%0a", "%0d%0aX-Evil:%201", "%7f", "%1b%5b31m", "%2e%2e", "..%2f..%2finternal", "%ff%fe",
    "%e2%80%ae", "%F0%9F%92%A3", "p_1%00", "p_1%0a", "P_1", "-p", "p%201", "a" * 65, "a" * 3000, "{project}",
    "%7Benv.PATH%7D", "\x80\xff", "p_1", "*", "%25%30%30", ";", "none", "%",
)  # fmt: skip
NO_ROUTES = (
    "/api/projects/{}/versions/1/frame?at=0", "/api/videos/upload?{}", "/files/{}?expires=1&signature={}",
    "/api/admin/gc/{}", "/api/admin/storage/{}", "/api/health?{}", "/api/docs/{}", "/api/{}", "/{}", "/internal/{}",
    "/api/compat/{}", "/api/compat/uploads/{}", "/api/compat/api/projects/{}", "/metrics", "/healthz", "//{}", "http://evil.example/api/projects/{}",
)  # fmt: skip
"""Paths beside the routes that the documentation shows."""
METHODS = (
    "GET", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PROPFIND", "get", "X" * 40,
)  # fmt: skip
HEADERS = (
    "X-Cutlog-Project: p_1\r\nConnection: X-Cutlog-Project, X-Forwarded-For", "X-Forwarded-For: 10.0.0.1, 10.0.0.2",
    "Authorization: Bearer", "Authorization: \x80\xff", "Host: another", "Connection: Upgrade\r\nUpgrade: websocket",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
    "Content-Length: -1", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0", "Transfer-Encoding: gzip",
    "Expect: 100-continue", "Range: bytes=9-1", "traceparent: " + "0" * 400, "X-Request-Id: a\tb", "A: b\r\n" * 500,
    "Cookie: " + "c" * 7000, "A: " + "a" * 15000, "A: " + "a" * 20000, "A: " + "a" * 60000, "Last-Event-ID: %00",
    "Idempotency-Key: \x80", "Accept-Encoding: gzip;q=x", "Trailer: Content-Length",
)  # fmt: skip
CHUNKS = (
    "zz\r\nabc\r\n", "3\r\nabcdef\r\n", "f" * 100 + "\r\n", "-1\r\n", "3\nabc\n0\n\n", "\r\n",
    "1;" + "x" * 5000 + "\r\na\r\n", ("1;" + "x" * 3000 + "\r\na\r\n") * 20,
    "3\r\nabc\r\n0\r\nno trailer\r\n\r\n", "3\r\nabc\r\n0\r\n" + "X: y\r\n" * 9000 + "\r\n",
)  # fmt: skip
NOT_HTTP = frozenset({501, 505})
"""Statuses from 500 on that are the client's error: a method or version that HTTP does not have."""
ATTACKS = 900
RESETS = 50
REQUESTS = 150


def routes(stack: RunningStack) -> list[str]:
    """Every route that the gateway leads to, `{}` for what is chosen in it, and paths beside them."""
    _, document = stack.get("/api/openapi.json")
    return [*(re.sub(r"\{[^}]*\}", "{}", path) for path in json.loads(document)["paths"]), *NO_ROUTES]


def head(dice: random.Random, route: str) -> bytes:
    """A request without a body, with something in it that nobody should send."""
    path = re.sub(r"\{\}", lambda _: dice.choice(IDS), route)
    if dice.random() < 0.2:
        path += "".join(f"%{dice.randrange(256):02x}" for _ in range(dice.randrange(1, 9)))
    lines = [f"{dice.choice(METHODS)} {path} HTTP/1.1", "Host: x"]
    lines += dice.sample(HEADERS, dice.randrange(3))
    return "\r\n".join(lines).encode("latin-1")


class Strangers:
    """`attack` sends one thing and notes what came of it, by what it was."""

    def __init__(self, url: str, routes: Sequence[str], seed: int) -> None:
        address = urlsplit(url)
        self.host, self.port = str(address.hostname), int(address.port or 0)
        self.dice = random.Random(seed)
        self._next = cycle(self.dice.sample(routes, len(routes)))
        self.made: Counter[str] = Counter()
        self.wrong: list[tuple[str, bytes, int]] = []
        self._held: list[asyncio.StreamWriter] = []
        self.kinds: tuple[Callable[[], Awaitable[None]], ...] = (
            self.odd_request, self.odd_request, self.bad_chunks, self.aborted_body, self.aborted_at_once,
            self.half_open, self.http2_resets, self.http2_garbage,
        )  # fmt: skip

    async def attack(self) -> None:
        kind = self.dice.choice(self.kinds)
        with suppress(ConnectionError):
            await kind()
        self.made[kind.__name__] += 1

    async def odd_request(self) -> None:
        request = head(self.dice, next(self._next))
        await self._answered("odd_request", request + b"\r\n\r\n")

    async def bad_chunks(self) -> None:
        method, path = self.dice.choice(("POST", "PUT", "PATCH", "GET")), next(self._next).replace("{}", "p_1")
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{self.dice.choice(CHUNKS)}"
        await self._answered("bad_chunks", request.encode())

    async def aborted_body(self) -> None:
        path = next(self._next).replace("{}", "p_1")
        async with self._connected() as (_, writer):
            writer.write(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n".encode() + b"x" * 500)
            await writer.drain()
            reset(writer)

    async def aborted_at_once(self) -> None:
        async with self._connected() as (_, writer):
            writer.write(b"GET /api/projects/p_1/events?access_token=x HTTP/1.1\r\nHost: x\r\n\r\n")
            await writer.drain()
            reset(writer)

    async def half_open(self) -> None:
        _, writer = await asyncio.open_connection(self.host, self.port)
        writer.write(head(self.dice, next(self._next))[: self.dice.randrange(1, 40)])
        self._held.append(writer)

    async def http2_resets(self) -> None:
        """Many requests over HTTP/2, each taken back at once (CVE-2023-44487)."""
        path = next(self._next).replace("{}", "p_1").encode()[:100]
        headers = b"\x82\x86\x41\x01x\x44" + bytes([len(path)]) + path
        requests = (
            frame(1, 5, stream, headers) + frame(3, 0, stream, b"\0\0\0\x08") for stream in range(1, 2 * RESETS, 2)
        )
        await self._spoken(b"".join(requests))

    async def http2_garbage(self) -> None:
        """Frames of any kind and content: too long, out of order, half of a header without an end."""
        dice = self.dice
        frames = [
            frame(dice.randrange(12), dice.randrange(256), dice.randrange(9), dice.randbytes(dice.randrange(200)))
            for _ in range(dice.randrange(1, 20))
        ]
        await self._spoken(dice.choice((b"", b"\xff" * 9, frame(9, 0, 1, b"x") * 50)) + b"".join(frames))

    async def leave(self) -> None:
        for writer in self._held:
            writer.close()

    async def _answered(self, kind: str, request: bytes) -> None:
        async with self._connected() as (reader, writer):
            writer.write(request)
            try:
                async with asyncio.timeout(PATIENCE):
                    line = await reader.readline()
            except TimeoutError:
                self.wrong.append((kind, request[:400], 0))
                return
            status = int(line.split()[1]) if line else 400
            if status >= 500 and status not in NOT_HTTP:
                self.wrong.append((kind, request[:200], status))

    async def _spoken(self, frames: bytes) -> None:
        async with self._connected() as (reader, writer):
            writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + frames)
            await writer.drain()
            await reader.read(1)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            yield reader, writer
        finally:
            writer.close()


def frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    """A frame of HTTP/2 (RFC 9113)."""
    return len(content).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + content


def reset(writer: asyncio.StreamWriter) -> None:
    """Ends a connection the rude way."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


@pytest.mark.slow(reason="hundreds of attacks on a stack of its own")
async def test_no_stranger_takes_the_service_away_from_others(alone: RunningStack) -> None:
    known = routes(alone)
    assert len(known) > 60
    strangers = Strangers(alone.url, known, 7)
    headers = {"Authorization": f"Bearer {alone.token('editor')}"}
    served = asyncio.Event()

    async def torment() -> None:
        while not served.is_set() or strangers.made.total() < ATTACKS:
            await strangers.attack()

    async with aiohttp.ClientSession(alone.url, headers=headers) as honest, asyncio.TaskGroup() as tasks:
        projects = []
        for number in range(8):  # so that both processes of ops have some
            async with honest.post("/api/projects", json={"name": f"Film {number}"}) as answer:
                projects.append((await answer.json())["id"])
        for _ in range(4):
            tasks.create_task(torment())
        answers: Counter[int] = Counter()
        try:
            for number in range(REQUESTS):
                project = projects[number % len(projects)]
                op = {"op": "project.configure", "name": f"Name {number}"}
                async with honest.post(f"/api/projects/{project}/ops", json={"ops": [op]}) as answer:
                    answers[answer.status] += 1
                async with honest.get(f"/api/projects/{project}") as answer:
                    answers[answer.status] += 1
        finally:
            served.set()
    await strangers.leave()
    assert strangers.made.total() >= ATTACKS > 6 * len(known), "every route was asked for in several ways"
    assert min(strangers.made.values()) >= ATTACKS // 20, strangers.made
    assert answers == {201: REQUESTS, 200: REQUESTS}, "each request of the other client, at the first try"
    assert strangers.wrong == [], "\n".join(map(str, strangers.wrong))
