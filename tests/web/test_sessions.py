"""A session's cookie as a credential: only of this stack, and never without proof that one of its pages asks."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import aiohttp
import pytest

from cutlog.auth.actor import Actor, CredentialRefused
from cutlog.auth.sessions import cookie, cookie_name, csrf_of, no_cookie
from cutlog.web import Role, serve_http
from tests.support.gates import make_gate
from tests.web.sample import Address, Sample, bearer, sample_api

NAME = cookie_name(Address.public_url)
SECRET = "cs_secret"
OURS = {"Cookie": f"{NAME}={SECRET}"}
EDIT = "/api/projects/p_1/ops"


async def resolve(secret: str) -> Actor:
    if secret != SECRET:
        raise CredentialRefused("No.")
    return Actor("ann", "acme", Role.editor, None, "session", "s_1", time.time(), time.time() + 60)


@pytest.fixture
async def client(sample: Sample) -> AsyncIterator[aiohttp.ClientSession]:
    async with (
        serve_http(sample_api(sample), Address(), make_gate(resolve), drain_seconds=5) as server,
        aiohttp.ClientSession(server.url, cookie_jar=aiohttp.DummyCookieJar()) as session,
    ):
        yield session


async def status(client: aiohttp.ClientSession, method: str, path: str, headers: dict[str, str]) -> tuple[int, str]:
    body = {"ops": [{"op": "marker.add", "at": 1}]} if path == EDIT else None
    async with client.request(method, path, headers=headers, json=body) as answer:
        problem = await answer.json(content_type=None) if answer.status >= 400 and method != "HEAD" else {}
        return answer.status, problem.get("type", "")


async def test_a_cookie_reads_by_itself_and_writes_with_proof_only(
    client: aiohttp.ClientSession, sample: Sample
) -> None:
    proof = {"X-CSRF-Token": csrf_of(SECRET)}
    for method in ("GET", "HEAD"):
        assert (await status(client, method, "/api/items", OURS))[0] == 200
    assert (sample.seen[-1].actor.subject, sample.seen[-1].actor.credential) == ("ann", "session")
    for wrong in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": csrf_of("cs_other")}, {"X-CSRF-Token": SECRET}):
        for method, path in (("POST", EDIT), ("PUT", "/api/blob"), ("DELETE", "/api/items/i_1")):
            assert await status(client, method, path, OURS | wrong) == (403, "/problems/csrf-token-invalid")
    assert (await status(client, "POST", EDIT, OURS | proof))[0] == 201
    assert await status(client, "DELETE", "/api/items/i_1", OURS | proof) == (403, "/problems/forbidden")


async def test_a_cookie_of_another_stack_or_kind_is_none(client: aiohttp.ClientSession) -> None:
    other = cookie_name("http://127.0.0.1:8081")
    for given in (
        f"{other}={SECRET}",
        f"__Host-{NAME}={SECRET}",
        f"{NAME}=",
        f"{NAME}={bearer()['Authorization'][7:]}",
    ):
        assert await status(client, "GET", "/api/items", {"Cookie": given}) == (401, "/problems/unauthorized")
    for given in (f"{NAME}=cs_wrong", f"{NAME}={SECRET}x"):
        assert (await status(client, "GET", "/api/items", {"Cookie": given}))[0] == 401
    both = {"Cookie": f"{other}=cs_wrong; {NAME}={SECRET}"}
    assert (await status(client, "GET", "/api/items", both))[0] == 200


async def test_a_header_counts_and_not_the_cookie_beside_it(client: aiohttp.ClientSession, sample: Sample) -> None:
    assert (await status(client, "POST", EDIT, OURS | bearer(tenant="other")))[0] == 201
    assert sample.seen[-1].actor.tenant == "other"
    assert (await status(client, "GET", "/api/items", OURS | {"Authorization": "Bearer none"}))[0] == 401
    assert (await status(client, "GET", "/internal/items", OURS))[0] == 403


async def test_a_session_is_nothing_but_a_cookie(client: aiohttp.ClientSession) -> None:
    assert (await status(client, "GET", "/api/items", {"Authorization": f"Bearer {SECRET}"}))[0] == 401
    assert (await status(client, "POST", EDIT, {"Authorization": f"Bearer  {SECRET}"}))[0] == 401
    assert (await status(client, "GET", f"/api/projects/p_1/events?access_token={SECRET}", {}))[0] == 401


def test_a_cookie_is_for_one_stack_and_behind_tls_for_tls_only() -> None:
    plain, behind = cookie("http://127.0.0.1:8080", SECRET), cookie("https://cut.example.com/", SECRET)
    assert plain.startswith("cutlog_") and "Secure" not in plain
    assert behind.startswith("__Host-cutlog_") and behind.endswith("; Secure") and "Domain" not in behind
    for text in (plain, behind, no_cookie("https://cut.example.com")):
        assert {"Path=/", "HttpOnly", "SameSite=Strict"} <= set(text.split("; "))
    assert cookie_name("https://cut.example.com/") == cookie_name("https://cut.example.com")
    assert "Max-Age=0" in no_cookie("http://127.0.0.1:8080")
