"""Errors are problem documents, whatever went wrong and wherever."""

from __future__ import annotations

import json

import aiohttp
import pytest

from cutlog.web import Role, Server
from tests.web.exchanges import GOOD, OPS, exchange, problem
from tests.web.sample import Sample, bearer


async def test_an_invalid_op_in_a_list_is_a_422_with_its_pointer(client: aiohttp.ClientSession) -> None:
    ops = [{"op": "clip.trim", "clip": "c", "out": out} for out in (1, 2, 3, "x")]
    async with client.post(OPS, json={"ops": ops}, headers=bearer()) as response:
        found = await problem(response)
    assert (response.status, [error["pointer"] for error in found["errors"]]) == (422, ["/ops/3/out"])


async def test_a_good_request_reaches_its_handler_decoded(client: aiohttp.ClientSession, sample: Sample) -> None:
    headers = bearer(tenant="acme") | {"Idempotency-Key": "k-1"}
    async with client.post(OPS, json=GOOD, headers=headers) as response:
        assert (response.status, await response.json()) == (201, {"id": "p_1", "number": 1})
    (seen,) = sample.seen
    assert (seen.body.ops[0].out, seen.actor.tenant, seen.actor.role, seen.idempotency_key) == (
        5,
        "acme",
        Role.editor,
        "k-1",
    )


async def test_an_unknown_path_is_a_404(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/nothing/here") as response:
        assert (await problem(response))["status"] == 404


@pytest.mark.parametrize(
    "project", ["P_1", "a%20b", "x" * 65, "p_1%00", "%0ap", "p_1%0a", "_p", "%c3%a9", "%ff", "..%2fx"]
)
async def test_an_id_that_no_thing_can_have_is_a_404(client: aiohttp.ClientSession, project: str) -> None:
    url = client._build_url("/").with_path(f"/api/projects/{project}/ops", encoded=True)
    async with client.post(url, json=GOOD, headers=bearer()) as response:
        assert (await problem(response))["status"] == 404


@pytest.mark.parametrize("number", ["-1", "1.0", "x", "2147483648", "9" * 5000, "٣", "+1", "1_0", ""])
async def test_a_version_that_is_no_number_is_a_404(client: aiohttp.ClientSession, number: str) -> None:
    async with client.get(f"/api/items/i_1/versions/{number}", headers=bearer()) as response:
        assert (await problem(response))["status"] == 404


async def test_a_wrong_method_is_a_405_that_lists_the_right_ones(client: aiohttp.ClientSession) -> None:
    async with client.put("/api/items", headers=bearer()) as response:
        await problem(response)
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


async def test_options_lists_the_methods(client: aiohttp.ClientSession) -> None:
    async with client.options("/api/items") as response:
        assert (response.status, response.headers["Allow"]) == (204, "GET, HEAD, OPTIONS")


async def test_head_is_get_without_the_body(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/items?limit=2", headers=bearer()) as got:
        body = await got.read()
    async with client.head("/api/items?limit=2", headers=bearer()) as response:
        assert (response.status, await response.read()) == (200, b"")
    assert response.headers["Content-Length"] == str(len(body))


async def test_head_of_a_streamed_answer_has_no_body(client: aiohttp.ClientSession) -> None:
    async with client.head("/files/a") as response:
        assert (response.status, await response.read()) == (200, b"")
    async with client.get("/files/a") as response:
        assert (response.status, await response.text()) == (200, "aaa")


async def test_a_domain_error_is_mapped_by_the_table(client: aiohttp.ClientSession) -> None:
    async with client.post(OPS, json=GOOD | {"message": "conflict"}, headers=bearer()) as response:
        found = await problem(response)
    assert found == {
        "type": "/problems/version-conflict",
        "title": "The version is stale",
        "status": 409,
        "detail": "Version 3 is current, not 2.",
    }


async def test_a_domain_error_out_of_a_task_group_is_mapped_too(client: aiohttp.ClientSession) -> None:
    async with client.post(OPS, json=GOOD | {"message": "group"}, headers=bearer()) as response:
        assert (await problem(response))["status"] == 409


async def test_a_bug_is_a_500_that_tells_nothing_but_a_request_id(client: aiohttp.ClientSession) -> None:
    async with client.post(OPS, json=GOOD | {"message": "bug"}, headers=bearer()) as response:
        found = await problem(response)
    assert response.status == 500
    assert found["requestId"] == response.headers["X-Request-Id"]
    assert "hunter2" not in json.dumps(found)
    assert "RuntimeError" not in json.dumps(found)


async def test_a_dependency_that_is_down_is_a_503_with_retry_after(client: aiohttp.ClientSession) -> None:
    async with client.post(OPS, json=GOOD | {"message": "outage"}, headers=bearer()) as response:
        found = await problem(response)
    assert (response.status, response.headers["Retry-After"]) == (503, "2")
    assert "10.0.0.7" not in json.dumps(found)


async def test_a_handler_answers_any_problem(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/broken") as response:
        assert (await problem(response))["type"] == "/problems/quota"
    assert response.headers["Retry-After"] == "86400"


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "ünïcode"])
async def test_an_odd_idempotency_key_is_a_400(client: aiohttp.ClientSession, key: str) -> None:
    async with client.post(OPS, json=GOOD, headers=bearer() | {"Idempotency-Key": key}) as response:
        assert (await problem(response))["type"] == "/problems/invalid-header"


async def test_the_same_request_has_the_same_fingerprint_and_no_other_has(
    client: aiohttp.ClientSession, sample: Sample
) -> None:
    for tenant, path, body in [
        ("a", OPS, GOOD),
        ("a", OPS, GOOD),
        ("b", OPS, GOOD),
        ("a", OPS, GOOD | {"message": "m"}),
    ]:
        async with client.post(path, json=body, headers=bearer(tenant=tenant)) as response:
            assert response.status == 201
    first, again, *others = [request.fingerprint for request in sample.seen]
    assert first == again
    assert len({first, *others}) == 3


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"POST /api/slow HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/slow HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nbad header line\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_a_400_problem(server: Server, garbage: bytes) -> None:
    answer = await exchange(server, garbage)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith((b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/9.9 400"))
    assert b"application/problem+json" in head
    assert json.loads(body)["status"] == 400


@pytest.mark.parametrize("path", ["/api/items", "/api/nothing", "/api/docs", "/files/a", "/healthz", "/api/broken"])
async def test_every_answer_carries_safe_headers(client: aiohttp.ClientSession, path: str) -> None:
    async with client.get(path) as response:
        headers = response.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Server"] == "cutlog"
    assert headers["X-Request-Id"]


async def test_a_redirect_has_a_location_and_no_body(client: aiohttp.ClientSession) -> None:
    async with client.get("/files/redirect", allow_redirects=False) as response:
        assert (response.status, response.headers["Location"], await response.read()) == (302, "/files/other", b"")
