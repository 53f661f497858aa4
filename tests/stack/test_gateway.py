"""The gateway by itself, before servers that tell what reached them."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from cutlog.operate.stack.gateway import Gateway
from tests.support.ports import free_ports
from tests.support.running import start, stop
from tests.support.waiting import PATIENCE, eventually

SECRET = "a-token-that-no-log-may-hold"
CHUNKS = (
    "zz\r\nabc\r\n", "\r\n", "3\r\nabcdef\r\n", "f" * 100 + "\r\n", "-1\r\n", "3\nabc\n0\n\n", "1;" + "x" * 4094,
    "3\r\nabc\r\n0\r\nno trailer\r\n\r\n",
)  # fmt: skip
#: What a stranger puts where an id should be.
JUNK = (
    "%00", "%01", "%0a", "%7f", "%ff", "P_1", "-p", "a" * 65, "%0d%0aX-Evil:%20yes", "{http.request.host}",
)  # fmt: skip


class Upstream:
    """One process of a service: it tells what it was asked. It may be stopped, and started again at its address."""

    def __init__(self, name: str) -> None:
        self.name, self.port, self.status = name, free_ports(1)[0], 200
        self.seen: list[web.Request] = []
        self._runner: web.ServerRunner | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/healthz":
            return web.Response()
        self.seen.append(request)  # type: ignore[arg-type]
        if request.path.endswith("/events"):
            stream = web.StreamResponse()
            await stream.prepare(request)
            await stream.write(b": open\n\n")
            await asyncio.Event().wait()
        await request.read()
        told = {"name": self.name, "headers": dict(request.headers), "path": request.raw_path}
        return web.json_response(told, status=self.status)


@dataclass
class Door:
    """The gateway, and what stands behind it."""

    client: aiohttp.ClientSession
    port: int
    ops: tuple[Upstream, Upstream]
    log: Path

    async def raw(self, request: bytes) -> bytes:
        """Sends bytes as they are; the whole answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        async with asyncio.timeout(PATIENCE):
            answer = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"Content-Length: (\d+)", answer)
            answer += await reader.readexactly(int(length[1]) if length else 0)
        writer.close()
        return answer

    async def aborted(self, request: bytes) -> None:
        """Sends bytes and resets the connection as soon as they have reached a process."""
        before = self.reached
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        await eventually(lambda: self.reached > before)
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def at(self, project: str) -> str:
        """Which process of ops answers for a project, at the first try."""
        async with self.client.get(f"/api/projects/{project}/ops") as answer:
            assert answer.status == 200
            return str((await answer.json())["name"])

    @property
    def reached(self) -> int:
        """How many requests reached ops."""
        return sum(len(process.seen) for process in self.ops)


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    async with AsyncExitStack() as opened:
        first, second = Upstream("ops"), Upstream("ops-2")
        for process in (first, second):
            await process.start()
            opened.push_async_callback(process.stop)
        gateway = Gateway(tmp_path, "127.0.0.1", free_ports(1)[0])
        others = {name: [first.address] for name in ("media", "render", "gc")}
        program = gateway.program({"ops": [first.address, second.address], **others})
        opened.callback(stop, program, start(program, tmp_path / "gateway.log"))
        client = await opened.enter_async_context(aiohttp.ClientSession(gateway.url))

        async def serves() -> bool:
            try:
                async with client.get("/api/projects") as answer:
                    return answer.status == 200
            except aiohttp.ClientConnectionError:
                return False

        await eventually(serves)
        yield Door(client, gateway.port, (first, second), tmp_path / "gateway.log")


@pytest.mark.few(1, reason="one more request through a gateway")
@pytest.mark.parametrize("junk", JUNK)
async def test_an_id_that_no_project_can_have_reaches_nobody(door: Door, junk: str) -> None:
    before = [len(process.seen) for process in door.ops]
    answer = await door.raw(f"GET /api/projects/{junk} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ") and b"No project has an id like this." in answer
    assert [len(process.seen) for process in door.ops] == before


async def test_only_an_id_gets_into_the_header_that_chooses_a_process(door: Door) -> None:
    paths = {
        "/api/projects/p_1/ops": "p_1", "/api/projects/p_1": "p_1", "/api/projects": "none", "/api/health": "none",
        "/api/x%00y": "none", "/api/projects/..%2fx": "none",
        "/api/projects//%00": None, "/api/x/../projects/p_1": None,
    }  # fmt: skip
    for path, project in paths.items():
        for more in ("", "X-Cutlog-Project: p_2\r\nConnection: X-Cutlog-Project, close\r\n"):
            request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{more}\r\n"
            answer = await door.raw(request.encode())
            head, _, body = answer.partition(b"\r\n\r\n")
            if project is None:
                assert head.startswith(b"HTTP/1.1 404 ") or json.loads(body)["headers"]["X-Cutlog-Project"] == "none"
            else:
                assert json.loads(body)["headers"]["X-Cutlog-Project"] == project, path


async def test_a_service_is_told_the_address_of_the_connection_and_nothing_that_the_client_says(door: Door) -> None:
    forged = {"X-Forwarded-For": "192.0.2.9", "Forwarded": "for=192.0.2.9", "X-Real-IP": "192.0.2.9"}
    for more in ({}, {"Connection": "X-Forwarded-For"}):
        async with door.client.get("/api/projects", headers=forged | more) as answer:
            headers = (await answer.json())["headers"]
        assert headers["X-Forwarded-For"] == "127.0.0.1"


@pytest.mark.few(2, reason="one more request through a gateway")
@pytest.mark.parametrize("chunks", CHUNKS)
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_body_that_is_chunked_wrongly_is_the_error_of_its_sender(door: Door, method: str, chunks: str) -> None:
    before = door.reached
    request = f"{method} /api/projects HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
    answer = await door.raw(request.encode())
    assert answer.startswith(b"HTTP/1.1 400 ") and b"application/problem+json" in answer, answer[:200]
    assert door.reached <= before + 1, "it is not sent again and again"


@pytest.mark.few(1, reason="one more request through a gateway")
@pytest.mark.parametrize("method", ["X" * 40, "get", "Get", "TRACE", "PROPFIND", "M-SEARCH"])
async def test_a_method_that_no_route_has_is_the_error_of_its_sender_and_reaches_nobody(
    door: Door, method: str
) -> None:
    before = door.reached
    for path in ("/api/projects", "/api/projects/p_1/ops", "/", "/nothing"):
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nX-Long: {'a' * 15_000}\r\n\r\n"
        answer = await door.raw(head.encode())
        assert answer.startswith(b"HTTP/1.1 405 ") and json.loads(answer.partition(b"\r\n\r\n")[2]) == {
            "type": "/problems/method-not-allowed", "title": "The method is not allowed", "status": 405, "detail": "",
        }  # fmt: skip
    assert door.reached == before


async def test_what_clients_break_says_nothing_of_the_health_of_a_process(door: Door) -> None:
    projects = [f"p_{number}" for number in range(16)]
    at = {project: await door.at(project) for project in projects}
    assert set(at.values()) == {"ops", "ops-2"}
    for project in projects:
        request = f"POST /api/projects/{project}/ops HTTP/1.1\r\nHost: x\r\n"
        await door.raw(f"{request}Transfer-Encoding: chunked\r\n\r\nzz\r\n".encode())
        assert await door.at(project) == at[project]
        await door.aborted(f"{request}Content-Length: 9000\r\n\r\nabc".encode())
        assert await door.at(project) == at[project]


async def test_a_process_that_is_gone_leaves_its_projects_to_the_other_and_gets_them_back(door: Door) -> None:
    projects = [f"p_{number}" for number in range(16)]
    at = {project: await door.at(project) for project in projects}
    await door.ops[1].stop()
    for project in projects:  # nobody sees that it is gone: a refused connection is tried again, elsewhere
        assert await door.at(project) == "ops"
    await door.ops[1].start()

    async def as_before() -> bool:
        return {project: await door.at(project) for project in projects} == at

    await eventually(as_before)


async def test_old_frontends_are_answered_in_their_form_whatever_fails(door: Door) -> None:
    end = "HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    chunked = f"POST /api/compat/projects {end}Transfer-Encoding: chunked\r\n\r\nzz\r\n"
    before = door.reached
    requests = {
        f"GET /api/compat/projects/P_1 {end}\r\n": 404, f"GET /api/compat/projects/%00/ops {end}\r\n": 404,
        f"TRACE /api/compat/projects {end}\r\n": 400, f"GET /api/compat/uploads/..%2f../../x {end}\r\n": 404,
    }  # fmt: skip
    for request, status in requests.items():
        head, _, body = (await door.raw(request.encode())).partition(b"\r\n\r\n")
        failed = json.loads(body)
        assert head.startswith(f"HTTP/1.1 {status} ".encode()), request
        assert failed["success"] is False and failed["message"] and b"application/json" in head
    assert door.reached == before
    head, _, body = (await door.raw(chunked.encode())).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and json.loads(body)["success"] is False
    async with door.client.get("/api/compat/projects/p_1/ops") as answer:
        assert (await answer.json())["headers"]["X-Cutlog-Project"] == "p_1", "at the process that has the project"
    async with door.client.get("/api/compat/api/projects/p_1/ops?search=/api/compat/api/") as answer:
        told = await answer.json()
        assert told["path"] == "/api/compat/projects/p_1/ops?search=/api/compat/api/", "with or without their own /api"
        assert told["headers"]["X-Cutlog-Project"] == "p_1"
    for path in ("projects", "uploads/..%2fx", "x%00"):
        answer_ = await door.raw(f"GET /api/compat/api/{path} {end}\r\n".encode())
        assert json.loads(answer_.partition(b"\r\n\r\n")[2])["path"] == f"/api/compat/{path}"
    for process in door.ops:
        await process.stop()
    for path in ("projects/p_1", "videos", "admin/gc/candidates"):
        async with door.client.get(f"/api/compat/{path}") as answer:
            assert (answer.status, (await answer.json())["success"]) == (503, False)
            assert answer.headers["Retry-After"]


@pytest.mark.few(1, reason="one more request through a gateway")
@pytest.mark.parametrize("status", [429, 500, 503, None])
async def test_a_tus_client_that_asks_how_far_it_is_while_nobody_can_say_keeps_its_upload(
    door: Door, status: int | None
) -> None:
    if status is None:
        await door.ops[0].stop()
    else:
        door.ops[0].status = status
    for method, expected in (("HEAD", 423), ("GET", status or 503), ("PATCH", status or 503)):
        async with door.client.request(method, "/api/uploads/u_1") as answer:
            assert answer.status == expected, method
            assert (answer.headers.get("Tus-Resumable") == "1.0.0") == (method == "HEAD")
            assert "Retry-After" in answer.headers or method != "HEAD"


@pytest.mark.few(1, reason="one more request through a gateway")
@pytest.mark.parametrize("status", [200, 404, 410])
async def test_what_is_known_of_an_upload_is_passed_on(door: Door, status: int) -> None:
    door.ops[0].status = status
    async with door.client.head("/api/uploads/u_1") as answer:
        assert answer.status == status


async def test_no_query_and_no_header_gets_into_the_log(door: Door) -> None:
    request = (
        f"GET /api/projects/p_1/events?access_token={SECRET}&signature={SECRET} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {SECRET}\r\nX-Other: {SECRET}\r\nCookie: a={SECRET}\r\nReferer: http://x/?t={SECRET}\r\n\r\n"
    )
    await door.aborted(request.encode())
    await door.ops[0].stop()
    await door.ops[1].stop()
    text = await eventually(
        lambda: "/api/projects/p_1/events?REDACTED" in door.log.read_text() and door.log.read_text()
    )
    assert SECRET not in str(text)
