"""Editors at work: `python -m bench.load` reads a plan from stdin and tells what they got done, as JSON.

Each editor has a connection and a project of its own, and sends the next edit when the last was acknowledged. Nothing
but HTTP/1.1 written by hand, so that the load costs the machine little.
"""

from __future__ import annotations

import asyncio
import sys
import time
from functools import partial
from typing import Final, cast

import msgspec
import uvloop


class Plan(msgspec.Struct):
    """`editors` are tokens, one each. `versions` are those at which their projects are: 1 where none are told. Of
    several `ports`, a project is always at the same one, as behind the gateway."""

    host: str
    ports: list[int]
    editors: list[str]
    warmup: float
    seconds: float
    versions: list[int] = []


class Done(msgspec.Struct):
    """Edits acknowledged in the measured time, their latencies in milliseconds, and the versions they led to."""

    acknowledged: int
    seconds: float
    p50: float
    p99: float
    versions: list[int]


END: Final = b"\r\n\r\n"


class Editor(asyncio.Protocol):
    """One connection: asks, waits, asks again."""

    def __init__(self, plan: Plan, number: int, token: str) -> None:
        self.plan, self.number = plan, number
        self.version = plan.versions[number] if plan.versions else 1
        self.head = (
            f"POST /api/projects/p{number}/ops HTTP/1.1\r\nHost: {plan.host}\r\nAuthorization: Bearer {token}\r\n"
            "Content-Type: application/json\r\n"
        ).encode()
        self.latencies: list[tuple[float, float]] = []
        self.buffer = b""
        self.sent = 0.0
        self.stopping = False
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.ask()

    def ask(self) -> None:
        body = self.body()
        self.sent = time.perf_counter()
        self.transport.write(self.head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def body(self) -> bytes:
        """The next edit."""
        gain = -(self.version % 40)
        return (
            b'{"ops":[{"op":"clip.set","clip":"c%d","gainDb":%d}],"expectedVersion":%d}'
            % (self.version % 10, gain, self.version)
        )  # fmt: skip

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, end, body = self.buffer.partition(END)
        if not end:
            return
        at = head.lower().find(b"content-length: ") + 16
        if len(body) < int(head[at : head.find(b"\r\n", at) if head.find(b"\r\n", at) > 0 else None]):
            return
        if not head.startswith(b"HTTP/1.1 201"):
            self.done.set_exception(RuntimeError((head + END + body).decode()))
            return
        now = time.perf_counter()
        self.latencies.append((now, now - self.sent))
        self.buffer = b""
        self.version += 1
        self.answered()

    def answered(self) -> None:
        """What comes after an acknowledged edit: the next one."""
        if self.stopping:
            self.done.set_result(None)
        else:
            self.ask()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed the connection"))


async def work(plan: Plan) -> Done:
    """Runs all editors at once."""
    loop = asyncio.get_running_loop()
    editors = []
    for number, token in enumerate(plan.editors):
        port = plan.ports[number % len(plan.ports)]
        _, editor = await loop.create_connection(partial(Editor, plan, number, token), plan.host, port)
        editors.append(editor)
    ended = asyncio.gather(*(editor.done for editor in editors))
    await asyncio.wait([ended], timeout=plan.warmup)
    start = time.perf_counter()
    await asyncio.wait([ended], timeout=plan.seconds)
    stop = time.perf_counter()
    for editor in editors:
        editor.stopping = True
    await ended
    took = sorted(latency for editor in editors for at, latency in editor.latencies if start <= at < stop)
    return Done(
        acknowledged=len(took),
        seconds=stop - start,
        p50=took[len(took) // 2] * 1000,
        p99=took[len(took) * 99 // 100] * 1000,
        versions=[editor.version for editor in editors],
    )


if __name__ == "__main__":
    done = uvloop.run(work(msgspec.json.decode(sys.stdin.buffer.read(), type=Plan)))
    sys.stdout.buffer.write(msgspec.json.encode(done))
