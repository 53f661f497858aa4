"""How often one may ask."""

from __future__ import annotations

import aiohttp
import pytest

from cutlog.auth.rings import KeyRing
from cutlog.contract.base import Strict
from cutlog.web import Api, Problem, Rate, Reply, Request, Role, mint, serve_http
from cutlog.web.problems import FORBIDDEN
from cutlog.web.ratelimit import MAX_BUCKETS, RateLimiter
from tests.support.gates import RING, make_gate
from tests.web.exchanges import problem
from tests.web.sample import Address, Sample, bearer, sample_api


async def test_who_asks_too_often_is_told_when_to_come_back(sample: Sample) -> None:
    async with (
        serve_http(sample_api(sample), Address(), make_gate(), rate=Rate(per_second=0.01, burst=2)) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        for _ in range(2):
            async with client.get("/api/items", headers=bearer()) as response:
                assert response.status == 200
        async with client.get("/api/items", headers=bearer()) as response:
            assert (await problem(response))["status"] == 429
        assert 1 <= int(response.headers["Retry-After"]) <= 100
        others = {"Authorization": f"Bearer {mint(RING, 'ben', Role.viewer)}"}
        for headers in (others, bearer(tenant="acme")):
            async with client.get("/api/items", headers=headers) as response:
                assert response.status == 200
        for _ in range(5):
            async with client.get("/internal/items", headers=bearer(Role.service)) as response:
                assert response.status == 200
            async with client.get("/healthz") as response:
                assert response.status == 200


async def test_requests_count_by_their_cost_and_each_tenant_has_its_own_rate() -> None:
    api = Api("sample")
    for name, cost in (("cheap", 1), ("dear", 3)):

        @api.get(f"/api/{name}", role=Role.viewer, cost=cost, returns={200: None}, summary="Answers")
        async def answer(_: Request) -> Reply:
            return Reply.empty(200)

    rates = {"small": Rate(per_second=0.01, burst=4), "default": Rate(per_second=0.01, burst=8)}
    async with (
        serve_http(api, Address(), make_gate(), rates=rates.__getitem__) as server,
        aiohttp.ClientSession(server.url) as client,
    ):

        async def status(name: str, tenant: str) -> int:
            async with client.get(f"/api/{name}", headers=bearer(tenant=tenant)) as response:
                if response.status == 429:
                    told = await problem(response)
                    assert (told["budget"], told["reset"][-1]) == ("requestsPerSecond", "Z")
                    assert told["used"] >= 2
                return response.status

        assert [await status("dear", "small") for _ in range(2)] == [200, 429]
        assert [await status("cheap", "small") for _ in range(2)] == [200, 429]
        assert [await status("dear", "default") for _ in range(3)] == [200, 200, 429]


async def test_the_public_is_told_apart_by_address_behind_the_gateway(sample: Sample) -> None:
    async with (
        serve_http(sample_api(sample), Address(), make_gate(), rate=Rate(per_second=0.01, burst=1)) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        statuses = []
        for address in ("192.0.2.1", "192.0.2.1", "198.51.100.9, 192.0.2.1", "192.0.2.2"):
            async with client.get("/files/a", headers={"X-Forwarded-For": address}) as response:
                statuses.append(response.status)
        assert statuses == [200, 429, 429, 200]


def test_a_bucket_fills_again_with_time() -> None:
    now = 0.0
    limiter = RateLimiter(Rate(per_second=2, burst=1), clock=lambda: now)
    limiter.take("ann")
    with pytest.raises(Problem):
        limiter.take("ann")
    now = 0.5
    limiter.take("ann")
    with pytest.raises(Problem):
        limiter.take("ann")


def test_buckets_do_not_grow_without_end() -> None:
    limiter = RateLimiter(Rate(per_second=1, burst=1), clock=lambda: 0.0)
    for number in range(MAX_BUCKETS + 500):
        limiter.take(f"subject {number}")
    assert limiter.buckets == MAX_BUCKETS


class Link(Strict):
    signature: str


FORGED = {"Authorization": f"Bearer {mint(KeyRing.new(), 'eve', Role.admin)}"}


async def test_failed_logins_are_limited_per_address_and_lock_nobody_out(sample: Sample) -> None:
    from_one = {"X-Forwarded-For": "192.0.2.1"}
    async with (
        serve_http(sample_api(sample), Address(), make_gate(), failures=Rate(per_second=0.01, burst=3)) as server,
        aiohttp.ClientSession(server.url) as client,
    ):

        async def status(headers: dict[str, str]) -> int:
            async with client.get("/api/items", headers=headers) as response:
                if response.status == 429:
                    assert "failed logins" in (await problem(response))["detail"]
                    assert 1 <= int(response.headers["Retry-After"]) <= 100
                return response.status

        assert [await status(FORGED | from_one) for _ in range(5)] == [401, 401, 401, 429, 429]
        assert [await status(bearer() | from_one) for _ in range(5)] == [200] * 5, "a good token from there"
        assert await status(from_one) == 401, "nothing was tried"
        assert await status(bearer(ttl=-60) | from_one) == 401, "one that has expired is not guessed"
        assert await status(FORGED | {"X-Forwarded-For": "192.0.2.2"}) == 401
        inside_one_network = [await status(FORGED | {"X-Forwarded-For": f"2001:db8::{n}"}) for n in range(1, 5)]
        assert inside_one_network == [401, 401, 401, 429]


async def test_wrong_links_are_limited_per_address_and_good_ones_work() -> None:
    api = Api("sample")

    @api.get("/files/a", role=None, signed=True, query=Link, returns={200: None}, summary="Gives a file")
    async def file(req: Request[None, Link]) -> Reply:
        if req.query.signature != "good":
            raise FORBIDDEN()
        return Reply.empty(200)

    async with (
        serve_http(api, Address(), make_gate(), failures=Rate(per_second=0.01, burst=2)) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        statuses = []
        for signature in ("wrong", "bad", "good", "other", "good"):
            async with client.get(f"/files/a?signature={signature}") as response:
                statuses.append(response.status)
        assert statuses == [403, 403, 200, 429, 200]


def test_what_is_found_out_too_late_is_owed() -> None:
    now = 0.0
    limiter = RateLimiter(Rate(per_second=1, burst=2), clock=lambda: now)
    for _ in range(3):
        limiter.check("ann")
    for _ in range(100):
        limiter.charge("ann")
    now = 2.5
    with pytest.raises(Problem):
        limiter.check("ann")
    now = 3.0
    limiter.take("ann")
    limiter.check("ben")
