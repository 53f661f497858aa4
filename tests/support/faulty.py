"""A way to a server that fails as networks do: an answer of 5xx, silence, or the deed without the answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
from aiohttp import web

DROP = 1 << 13
Fault = Literal["503", "silence", "applied"]


@dataclass
class Faulty:
    """`url` leads to the server. `faults` happen to the next requests of those methods, one each; `lasting` to all
    requests while it is set, or to those of `methods`. With `slow`, bodies of answers come in small pieces with pauses.
    """

    url: str = ""
    lasting: Fault | None = None
    methods: frozenset[str] = frozenset()
    slow: bool = False
    faults: list[tuple[str, Fault]] = field(default_factory=list)
    happened: list[Fault] = field(default_factory=list)

    def next(self, method: str) -> Fault | None:
        if self.lasting is not None and (not self.methods or method in self.methods):
            self.happened.append(self.lasting)
            return self.lasting
        for fault in self.faults:
            if fault[0] == method:
                self.faults.remove(fault)
                self.happened.append(fault[1])
                return fault[1]
        return None


@asynccontextmanager
async def faulty(server: str) -> AsyncIterator[Faulty]:
    """Passes requests on to `server`, headers and all."""
    made = Faulty()
    async with aiohttp.ClientSession(auto_decompress=False) as session:

        async def handle(request: web.Request) -> web.StreamResponse:
            fault = made.next(request.method)
            body = await request.read()
            if fault == "503":
                return web.Response(status=503, text="<Error><Code>SlowDown</Code></Error>")
            if fault == "silence":
                await _break(request)
            async with session.request(
                request.method,
                server + request.raw_path,
                headers=request.headers,
                data=body,
                skip_auto_headers=["Accept"],
            ) as answer:
                content = await answer.read()
                if fault == "applied":
                    await _break(request)
                dropped = {"Content-Length", "Transfer-Encoding", "Connection", "Content-Encoding"}
                headers = {name: value for name, value in answer.headers.items() if name not in dropped}
                if request.method == "HEAD":
                    headers["Content-Length"] = answer.headers.get("Content-Length", "0")
                if made.slow:
                    return await _dripping(request, web.StreamResponse(status=answer.status, headers=headers), content)
                return web.Response(status=answer.status, body=content, headers=headers)

        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        made.url = f"http://{host}:{port}"
        try:
            yield made
        finally:
            await runner.cleanup()


async def _dripping(request: web.Request, answer: web.StreamResponse, content: bytes) -> web.StreamResponse:
    if request.method != "HEAD":
        answer.content_length = len(content)
    await answer.prepare(request)
    for at in range(0, len(content), DROP):
        await asyncio.sleep(0.001)
        await answer.write(content[at : at + DROP])
    await answer.write_eof()
    return answer


async def _break(request: web.Request) -> None:
    """The connection is gone, without a word."""
    assert request.transport is not None
    request.transport.abort()
    await asyncio.sleep(0)
    raise asyncio.CancelledError
