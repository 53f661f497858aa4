"""Whose word on the client's address counts, by what limits failed logins: the gateway before a real service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from cutlog.auth.rings import KeyRing
from cutlog.operate.stack.gateway import Gateway
from cutlog.web import Rate, Role, mint, serve_http
from tests.support.gates import make_gate
from tests.support.ports import free_ports
from tests.support.running import start, stop
from tests.support.waiting import eventually
from tests.web.sample import Address, Sample, bearer, sample_api

FORGED = {"Authorization": f"Bearer {mint(KeyRing.new(), 'eve', Role.admin)}"}
TRIES = 3
NEVER = Rate(per_second=0.001, burst=TRIES)


@pytest.fixture
async def door(
    tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the gateway, which trusts the proxies of the parameter. We ourselves connect from 127.0.0.1."""
    monkeypatch.setenv("CUTLOG_TRUSTED_PROXIES", request.param)
    async with AsyncExitStack() as opened:
        server = await opened.enter_async_context(
            serve_http(sample_api(Sample()), Address(), make_gate(), failures=NEVER)
        )
        gateway = Gateway(tmp_path, "127.0.0.1", free_ports(1)[0])
        address = server.url.removeprefix("http://")
        program = gateway.program({name: [address] for name in ("ops", "media", "render", "gc")})
        opened.callback(stop, program, start(program, tmp_path / "gateway.log"))
        client = await opened.enter_async_context(aiohttp.ClientSession(gateway.url))

        async def serves() -> bool:
            try:
                async with client.get("/api/items", headers=bearer()) as answer:
                    return answer.status == 200
            except aiohttp.ClientConnectionError:
                return False

        await eventually(serves)
        yield client


async def failed(client: aiohttp.ClientSession, forwarded: str) -> int:
    """The status of a login that fails, said to be forwarded for an address."""
    async with client.get("/api/items", headers=FORGED | {"X-Forwarded-For": forwarded}) as answer:
        return answer.status


@pytest.mark.few(1, reason="one more gateway")
@pytest.mark.parametrize("door", ["", "192.0.2.0/24", "192.0.2.1 10.0.0.0/8"], indirect=True)
async def test_an_address_that_a_client_makes_up_evades_no_limit(door: aiohttp.ClientSession) -> None:
    made_up = [f"203.0.113.{n}" for n in range(TRIES)] + ["192.0.2.1", "127.0.0.2", "10.0.0.1, 203.0.113.9", "x", ""]
    statuses = [await failed(door, address) for address in made_up]
    assert statuses == [401] * TRIES + [429] * (len(made_up) - TRIES)
    async with door.get("/api/items", headers=bearer()) as answer:
        assert answer.status == 200, "whoever has a token is served"


@pytest.mark.few(1, reason="one more gateway")
@pytest.mark.parametrize("door", ["127.0.0.1", "192.0.2.0/24 127.0.0.0/8"], indirect=True)
async def test_behind_a_proxy_that_is_trusted_each_client_has_its_own_limit(door: aiohttp.ClientSession) -> None:
    assert [await failed(door, "203.0.113.1") for _ in range(TRIES + 2)] == [401] * TRIES + [429] * 2
    assert await failed(door, "203.0.113.2") == 401
    # What came before the address that the proxy saw was said by the client.
    assert [await failed(door, f"198.51.100.{n}, 203.0.113.1") for n in range(3)] == [429] * 3
    assert await failed(door, "203.0.113.1, 203.0.113.3") == 401
