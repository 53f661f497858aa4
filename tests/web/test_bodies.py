"""Bodies: of the right type, of bounded size, never inflated."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest

from cutlog.web import Role, Server
from tests.support.waiting import PATIENCE
from tests.web.exchanges import GOOD, OPS, exchange, problem
from tests.web.sample import Sample, bearer

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/json; charset=utf-16", "x"],
)
async def test_another_media_type_is_a_415(client: aiohttp.ClientSession, content_type: str) -> None:
    headers = bearer() | {"Content-Type": content_type}
    async with client.post(OPS, data=json.dumps(GOOD).encode(), headers=headers) as response:
        assert (await problem(response))["status"] == 415


async def test_a_missing_media_type_is_a_415(client: aiohttp.ClientSession) -> None:
    body = json.dumps(GOOD).encode()
    async with client.post(OPS, data=body, headers=bearer(), skip_auto_headers=["Content-Type"]) as response:
        assert (await problem(response))["status"] == 415
    assert response.headers["Accept"] == "application/json"


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=UTF-8", "application/vnd.cutlog+json", "Application/JSON"]
)
async def test_other_names_of_json_are_fine(client: aiohttp.ClientSession, content_type: str) -> None:
    headers = bearer() | {"Content-Type": content_type}
    async with client.post(OPS, data=json.dumps(GOOD).encode(), headers=headers) as response:
        assert response.status == 201


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, identity"])
async def test_a_compressed_body_is_a_415_and_never_inflated(client: aiohttp.ClientSession, coding: str) -> None:
    bomb = gzip.compress(b" " * (8 << 20))
    async with client.post(OPS, data=bomb, headers=bearer() | JSON | {"Content-Encoding": coding}) as response:
        assert (await problem(response))["status"] == 415
    assert response.headers["Accept-Encoding"] == "identity"


async def test_a_body_beyond_the_limit_is_a_413(client: aiohttp.ClientSession) -> None:
    headers = bearer() | {"Content-Type": "application/octet-stream"}
    async with client.put("/api/blob", data=b"x" * 100_000, headers=headers) as response:
        assert (await response.json())["number"] == 100_000
    async with client.put("/api/blob", data=b"x" * 100_001, headers=headers) as response:
        assert (await problem(response))["limit"] == 100_000
    assert response.status == 413


async def test_a_chunked_body_beyond_the_limit_is_a_413_before_it_ends(client: aiohttp.ClientSession) -> None:
    refused = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        while not refused.is_set():
            yield b"x" * 10_000
            await asyncio.sleep(0)

    headers = bearer() | {"Content-Type": "application/octet-stream"}
    async with client.put("/api/blob", data=endless(), headers=headers) as response:
        refused.set()
        assert (await problem(response))["status"] == 413


async def test_a_body_shorter_than_promised_reaches_no_handler(server: Server, sample: Sample) -> None:
    token = bearer()["Authorization"]
    head = f"POST {OPS} HTTP/1.1\r\nHost: a\r\nAuthorization: {token}\r\nContent-Type: application/json\r\n"
    host, port = server.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"{head}Content-Length: 500\r\n\r\n{json.dumps(GOOD)}".encode())
    writer.write_eof()
    async with asyncio.timeout(PATIENCE):
        await reader.read()
    writer.close()
    assert sample.seen == []


async def test_a_body_longer_than_promised_is_cut_at_the_promise(server: Server) -> None:
    token = bearer()["Authorization"]
    head = f"POST {OPS} HTTP/1.1\r\nHost: a\r\nAuthorization: {token}\r\nContent-Type: application/json\r\n"
    answer = await exchange(server, f"{head}Content-Length: 5\r\n\r\n{json.dumps(GOOD)}".encode())
    assert answer.split(b" ")[1] == b"400"


async def test_continue_is_said_only_when_the_body_is_wanted(server: Server) -> None:
    head = f"POST {OPS} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nConnection: close\r\n"
    head += "Content-Type: application/json\r\n"
    body = json.dumps(GOOD).encode()
    token = bearer()["Authorization"]
    wanted = f"{head}Authorization: {token}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    unwanted = f"{head}Content-Length: {len(body)}\r\n\r\n".encode()
    assert (await exchange(server, wanted)).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201")
    assert (await exchange(server, unwanted)).startswith(b"HTTP/1.1 401")


@pytest.mark.parametrize("body", [None, b"", b"{}"])
async def test_a_route_without_a_body_takes_none_or_an_empty_object(
    client: aiohttp.ClientSession, body: bytes | None
) -> None:
    headers = bearer(Role.operator) | (JSON if body is not None else {})
    async with client.post("/api/projects/p_1/pin", data=body, headers=headers) as response:
        assert response.status == 200


async def test_a_route_without_a_body_ignores_nothing(client: aiohttp.ClientSession) -> None:
    async with client.post("/api/projects/p_1/pin", json={"pinned": True}, headers=bearer(Role.operator)) as response:
        assert [error["pointer"] for error in (await problem(response))["errors"]] == ["/pinned"]


async def test_an_optional_body_may_be_empty(client: aiohttp.ClientSession) -> None:
    async with client.post("/api/projects/p_1/export", headers=bearer()) as response:
        assert (response.status, (await response.json())["number"]) == (202, 0)
    body = {"op": "marker.add", "at": 7}
    async with client.post("/api/projects/p_1/export", json=body, headers=bearer()) as response:
        assert (response.status, (await response.json())["number"]) == (202, 7)


async def test_a_needed_body_that_is_empty_is_a_400(client: aiohttp.ClientSession) -> None:
    async with client.post(OPS, headers=bearer() | JSON) as response:
        assert (await problem(response))["status"] == 400


async def test_an_upload_streams_through_its_handler(client: aiohttp.ClientSession) -> None:
    form = aiohttp.FormData()
    form.add_field("file", b"x" * 3_000_000, filename="clip.mp4")
    async with client.post("/api/upload", data=form, headers=bearer()) as response:
        assert (response.status, (await response.json())["number"]) == (201, 3_000_000)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"--b\r\n",
        b"--b\r\n\r\n--b--\r\n",
        b"--b\r\n3.6--b--\r\n",
        b"--b\r\nno colon\r\n\r\nx\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nno end',
        b"--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n--b--\r\n",
        b'--b\r\nContent-Disposition: form-data; name="file"\r\nContent-Encoding: gzip\r\n\r\nx\r\n--b--\r\n',
        b'--b\r\nContent-Disposition: form-data; name="file"\r\nContent-Transfer-Encoding: base64\r\n\r\nx\r\n--b--',
        b"--b\r\n" + b"X: y\r\n" * 10_000 + b"\r\n\r\n--b--\r\n",
    ],
)
async def test_a_form_that_is_none_is_refused(client: aiohttp.ClientSession, body: bytes) -> None:
    headers = bearer() | {"Content-Type": "multipart/form-data; boundary=b"}
    async with client.post("/api/upload", data=body, headers=headers) as response:
        assert (await problem(response))["status"] in (400, 413, 415, 422)


async def test_what_a_part_says_of_its_length_is_not_believed(client: aiohttp.ClientSession) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"\r\nContent-Length: 1\r\n\r\n'
    headers = bearer() | {"Content-Type": "multipart/form-data; boundary=b"}
    async with client.post("/api/upload", data=head + b"xxxxxx\r\n--b--\r\n", headers=headers) as response:
        assert (await response.json())["number"] == 6


@pytest.mark.parametrize("parameters", ["", "; boundary=", "; boundary=" + "x" * 100, "; charset=utf-8"])
async def test_a_form_without_a_boundary_is_a_400(client: aiohttp.ClientSession, parameters: str) -> None:
    headers = bearer() | {"Content-Type": "multipart/form-data" + parameters}
    async with client.post("/api/upload", data=b"--b--", headers=headers) as response:
        assert (await problem(response))["status"] == 400


async def test_a_file_beyond_the_limit_is_a_413(client: aiohttp.ClientSession) -> None:
    form = aiohttp.FormData()
    form.add_field("file", b"x" * 5_000_001, filename="clip.mp4")
    async with client.post("/api/upload", data=form, headers=bearer()) as response:
        assert (await problem(response))["limit"] == 5_000_000


async def test_an_upload_of_another_type_is_a_415(client: aiohttp.ClientSession) -> None:
    async with client.post("/api/upload", data=b"x", headers=bearer() | JSON) as response:
        assert (await problem(response))["status"] == 415


async def test_large_json_is_compressed_for_those_who_take_it(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/items", headers=bearer() | {"Accept-Encoding": "gzip"}) as response:
        assert (response.headers["Content-Encoding"], response.headers["Vary"]) == ("gzip", "Accept-Encoding")
        assert len((await response.json())["items"]) == 50
    async with client.get("/api/items", headers=bearer() | {"Accept-Encoding": "gzip;q=0"}) as response:
        assert "Content-Encoding" not in response.headers
        assert len((await response.json())["items"]) == 50
