"""Pages of other origins, as far as the gateway decides: CORS headers of every route, and of its own errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from multidict import CIMultiDictProxy

from cutlog.operate.stack.gateway import Gateway
from cutlog.operate.stack.origins import origin_of
from cutlog.web import serve_http
from tests.support.gates import make_gate
from tests.support.ports import free_ports
from tests.support.roles import table
from tests.support.running import start, stop
from tests.support.waiting import eventually
from tests.web.sample import Address, Sample, bearer, sample_api

PAGE: Final = "http://localhost:3000"
OTHER: Final = "https://app.example.com"
REQUESTED: Final = """Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Range, Last-Event-ID,
    X-CSRF-Token, traceparent, Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, Upload-Checksum"""
EXPOSED: Final = """Location, ETag, Retry-After, Content-Range, Accept-Ranges, Content-Disposition, WWW-Authenticate,
    Cutlog-Losses, X-Request-Id, Upload-Offset, Upload-Length, Upload-Expires, Tus-Resumable, Tus-Version"""
EMBEDDED: Final = (
    "/files/videos/x", "/api/videos/v_1/thumbnail", "/api/videos/v_1/download", "/api/projects/p_1/versions/1/frame",
    "/api/projects/p_1/versions/1/proxy", "/api/projects/p_1/versions/1/segments/x", "/api/compat/uploads/x",
)  # fmt: skip


def words(text: str) -> set[str]:
    return {word.strip().lower() for word in text.split(",") if word.strip()}


@asynccontextmanager
async def gateway(folder: Path, origins: Sequence[str], *, down: str = "") -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a gateway before a service, which answers 404 for most of what is asked. Nothing listens where the
    service `down` should."""
    async with AsyncExitStack() as opened:
        server = await opened.enter_async_context(serve_http(sample_api(Sample()), Address(), make_gate()))
        made = Gateway(folder, "127.0.0.1", free_ports(1)[0], origins=origins)
        address, nowhere = server.url.removeprefix("http://"), f"127.0.0.1:{free_ports(1)[0]}"
        services = {name: [nowhere if name == down else address] for name in ("ops", "media", "render", "gc")}
        program = made.program(services)
        opened.callback(stop, program, start(program, folder / "gateway.log"))
        client = await opened.enter_async_context(aiohttp.ClientSession(made.url))

        async def serves() -> bool:
            try:
                async with client.get("/api/items", headers=bearer()) as answer:
                    return answer.status == 200
            except aiohttp.ClientConnectionError:
                return False

        await eventually(serves)
        yield client


Headers = CIMultiDictProxy[str]


async def asked(
    client: aiohttp.ClientSession, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> tuple[int, Headers]:
    async with client.request(method, path, headers=headers, data=body, allow_redirects=False) as answer:
        return answer.status, answer.headers


def assert_shared(headers: Headers, origin: str = PAGE) -> None:
    """A page of the origin may read the answer, and no cache gives it to one of another."""
    assert headers.getall("Access-Control-Allow-Origin") == [origin]
    assert headers.getall("Access-Control-Allow-Credentials") == ["true"]
    assert words(headers["Access-Control-Expose-Headers"]) >= words(EXPOSED)
    assert "*" not in headers["Access-Control-Expose-Headers"]
    assert "origin" in words(",".join(headers.getall("Vary")))


def assert_kept(headers: Headers) -> None:
    assert not [name for name in headers if name.lower().startswith("access-control-")]


async def test_every_route_answers_preflights_and_the_pages_of_allowed_origins_and_of_no_other(tmp_path: Path) -> None:
    rows = table()
    assert len(rows) >= 82
    async with gateway(tmp_path, [PAGE, OTHER]) as client:
        for row in rows:
            path = row.path()
            wanted = {"Access-Control-Request-Method": row.method, "Access-Control-Request-Headers": "authorization"}
            status, headers = await asked(client, "OPTIONS", path, {"Origin": OTHER} | wanted)
            assert status == 204, row
            assert_shared(headers, OTHER)
            assert words(headers["Access-Control-Allow-Methods"]) >= words("GET, HEAD, POST, PUT, PATCH, DELETE")
            assert words(headers["Access-Control-Allow-Headers"]) >= words(REQUESTED)
            assert "*" not in headers["Access-Control-Allow-Headers"]
            _, headers = await asked(client, row.method, path, {"Origin": PAGE})
            assert_shared(headers)
            for stranger in ({"Origin": "http://localhost:3001"}, {"Origin": "null"}, {"Origin": ""}, {}):
                _, headers = await asked(client, row.method, path, stranger)
                assert_kept(headers)
                assert "origin" in words(",".join(headers.getall("Vary"))), "a cache keeps it for no other origin"
            _, headers = await asked(client, "OPTIONS", path, {"Origin": "https://evil.example"} | wanted)
            assert_kept(headers)


async def test_errors_of_the_gateway_itself_can_be_read_too(tmp_path: Path) -> None:
    own = {"Origin": PAGE}
    async with gateway(tmp_path, [PAGE], down="render") as client:
        for status, method, path in (
            (404, "GET", "/nothing"), (404, "GET", "/api/projects/%00"), (404, "GET", "/api/compat/projects/%00"),
            (405, "PROPFIND", "/api/projects"), (503, "GET", "/api/projects/p_1/versions/1/frame"),
        ):  # fmt: skip
            found, headers = await asked(client, method, path, own)
            assert found == status, path
            assert_shared(headers)
        assert_shared((await asked(client, "GET", "/", own))[1])
        reader, writer = await asyncio.open_connection("127.0.0.1", client._base_url.port)  # type: ignore[union-attr]
        # To a route that reads its body: another would answer before the gateway has looked at that.
        lines = {"Host": "x", "Origin": PAGE, "Content-Type": "application/json", "Transfer-Encoding": "chunked"}
        head = "".join(f"{name}: {value}\r\n" for name, value in (lines | bearer()).items())
        writer.write(f"POST /api/projects/p_1/ops HTTP/1.1\r\n{head}\r\nzz\r\n".encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        writer.close()
        assert answer.startswith("HTTP/1.1 400 ") and answer.count(f"Access-Control-Allow-Origin: {PAGE}\r\n") == 1


async def test_an_options_request_that_is_no_preflight_is_answered_by_the_service(tmp_path: Path) -> None:
    async with gateway(tmp_path, [PAGE]) as client:
        status, headers = await asked(client, "OPTIONS", "/api/items", {"Origin": PAGE})
        assert status == 204 and "GET" in headers["Allow"]
        assert_shared(headers)


async def test_files_can_be_embedded_once_an_origin_is_allowed_and_answers_of_the_api_never(tmp_path: Path) -> None:
    async with gateway(tmp_path, [PAGE]) as client:
        for path in EMBEDDED:
            _, headers = await asked(client, "GET", path, {})
            assert headers.getall("Cross-Origin-Resource-Policy") == ["cross-origin"], path
        for path in ("/api/items", "/api/projects/p_1", "/api/videos/v_1", "/api/projects/p_1/versions/1"):
            _, headers = await asked(client, "GET", path, {})
            assert headers.getall("Cross-Origin-Resource-Policy") == ["same-origin"], path


async def test_without_an_allowed_origin_nothing_is_shared(tmp_path: Path) -> None:
    async with gateway(tmp_path, []) as client:
        for path in ("/api/items", "/nothing", *EMBEDDED):
            _, headers = await asked(client, "GET", path, {"Origin": PAGE})
            assert_kept(headers)
            assert headers.get("Cross-Origin-Resource-Policy", "same-origin") == "same-origin"
        wanted = {"Origin": PAGE, "Access-Control-Request-Method": "GET"}
        status, headers = await asked(client, "OPTIONS", "/api/items", wanted)
        assert status == 204
        assert_kept(headers)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("http://localhost:3000", "http://localhost:3000"),
        ("HTTPS://App.Example.com:443", "https://app.example.com"),
        ("http://[::1]:80", "http://[::1]"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_an_origin_is_compared_as_browsers_send_it(given: str, sent: str) -> None:
    assert origin_of(given) == sent


@pytest.mark.parametrize(
    "text",
    ["*", "https://*.example.com", "null", "", "localhost:3000", "http://", "http://a/", "http://a/app", "http://a?x",
     "http://a#", "http://me@a", "http://a:port", "http://a:99999", "ftp://a", "http://bücher.example", 'http://a"b',
     "http://a b", "http://{env.HOME}", "http://a\n", "http://[::1", "http://:80"],
)  # fmt: skip
def test_what_is_not_one_origin_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".{20}"):
        origin_of(text)
