"""Tickets: a GET of one path without a header."""

from __future__ import annotations

import time
from typing import Any

import aiohttp
import pytest

from cutlog.auth.actor import Actor
from cutlog.auth.revocations import Revocation
from cutlog.auth.tickets import issue
from cutlog.auth.tokens import LEEWAY_SECONDS
from cutlog.web import Role, serve_http
from tests.support.gates import RING, SERVICE_RING, make_gate
from tests.web.sample import Address, Sample, bearer, sample_api

PATH = "/api/items?above=3&limit=2"
EVENTS = "/api/projects/p_1/events"


def ticket(path: str = PATH, *, ring: Any = RING, until: float = 60, role: Role = Role.viewer, life: float = 60) -> str:
    """The query that opens `path`, for a credential that lives for so many seconds."""
    now = time.time()
    actor = Actor("ann", "acme", role, id="t_1", issued=now, expires=now + life)
    return ("&" if "?" in path else "?") + "ticket=" + issue(ring, actor, path, now + until)


async def test_a_ticket_opens_its_path_with_its_query_for_whom_it_was_made(
    client: aiohttp.ClientSession, sample: Sample
) -> None:
    for method in ("GET", "HEAD", "GET"):
        async with client.request(method, PATH + ticket()) as answer:
            assert answer.status == 200, "as often as it is asked for"
    seen = sample.seen[-1]
    assert (seen.actor.subject, seen.actor.tenant, seen.actor.role) == ("ann", "acme", Role.viewer)
    assert (seen.query.above, seen.query.limit) == (3, 2)


async def test_it_opens_nothing_else(client: aiohttp.ClientSession) -> None:
    good = ticket()
    old = -LEEWAY_SECONDS - 1
    for method, url, status in (
        ("GET", "/api/items?limit=2&above=3" + good, 401),
        ("GET", "/api/items" + good.replace("&", "?"), 401),
        ("GET", f"{PATH}0{good}", 401),
        ("GET", f"{PATH}{good}&limit=5", 401),
        ("GET", f"{PATH}&kind=x{good}", 401),
        ("GET", "/api/items/i_1/versions/1" + good.replace("&", "?"), 401),
        ("GET", "/internal/items" + ticket("/internal/items", role=Role.admin), 401),
        ("DELETE", "/api/items/i_1" + ticket("/api/items/i_1", role=Role.admin), 401),
        ("POST", "/api/slow" + ticket("/api/slow", role=Role.admin), 401),
        ("GET", PATH + good[:-4] + "AAAA", 401),
        ("GET", PATH + "&ticket=", 401),
        ("GET", PATH + ticket(until=old), 401),
        ("GET", PATH + ticket(life=old), 401),
        ("GET", PATH + ticket(ring=SERVICE_RING, role=Role.admin), 401),
        ("GET", f"{PATH}&ticket={bearer()['Authorization'].removeprefix('Bearer ')}", 401),
    ):
        async with client.request(method, url) as answer:
            assert answer.status == status, url


async def test_it_is_no_token_and_gives_way_to_one(client: aiohttp.ClientSession) -> None:
    value = ticket().removeprefix("&ticket=")
    for url, headers in ((PATH, {"Authorization": f"Bearer {value}"}), (f"{EVENTS}?access_token={value}", {})):
        async with client.get(url, headers=headers) as answer:
            assert answer.status == 401
    async with client.get(PATH + ticket(), headers={"Authorization": "Bearer none"}) as answer:
        assert answer.status == 401


async def test_a_stream_that_it_opened_lives_as_long_as_the_credential(client: aiohttp.ClientSession) -> None:
    async with client.get(EVENTS + ticket(EVENTS, until=1 - LEEWAY_SECONDS, life=4)) as stream:
        assert stream.status == 200
        began = time.time()
        assert b"Tick" in await stream.content.read()  # to its end
        assert time.time() - began > 1, "the ticket had expired before"


async def test_it_ends_with_its_credential() -> None:
    gate = make_gate()
    async with serve_http(sample_api(Sample()), Address(), gate) as server, aiohttp.ClientSession(server.url) as client:
        url = PATH + ticket()
        async with client.get(url) as answer:
            assert answer.status == 200
        gate.revoke([Revocation(position=1, until=time.time() + 60, id="t_1")])
        async with client.get(url) as answer:
            assert answer.status == 401


@pytest.mark.parametrize("projects", [None, ("p_1", "p_2"), ()])
def test_it_sees_no_more_than_the_credential(projects: tuple[str, ...] | None) -> None:
    from cutlog.auth.tickets import redeem
    from tests.support.gates import PUBLIC

    actor = Actor("key:k_1", "acme", Role.editor, projects, "key", "k_1", 5.0, None)
    made = redeem(PUBLIC, issue(RING, actor, "/api/x", time.time() + 9), "/api/x")
    assert made == Actor("key:k_1", "acme", Role.editor, projects, "ticket", "k_1", 5.0, None)
