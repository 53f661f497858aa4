"""The end of a server: what has begun is finished, what has not is refused."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from cutlog.web import serve_http
from tests.support.gates import make_gate
from tests.web.sample import Address, Sample, bearer, sample_api


async def status_of(url: str) -> int:
    async with aiohttp.ClientSession() as client, client.get(url) as response:
        return response.status


async def test_a_running_request_is_finished(sample: Sample) -> None:
    async with aiohttp.ClientSession() as client:
        async with serve_http(sample_api(sample), Address(), make_gate(), drain_seconds=20) as server:
            running = asyncio.create_task(client.post(server.url + "/api/slow", headers=bearer()))
            await sample.working.wait()
            asyncio.get_running_loop().call_later(0.2, sample.finish.set)
        assert (await running).status == 200


async def test_a_request_that_never_ends_does_not_hold_up_the_end(sample: Sample) -> None:
    async with aiohttp.ClientSession() as client:
        async with serve_http(sample_api(sample), Address(), make_gate(), drain_seconds=0.1) as server:
            running = asyncio.create_task(client.post(server.url + "/api/slow", headers=bearer()))
            await sample.working.wait()
        with pytest.raises(aiohttp.ClientError):
            await running


async def test_a_drained_server_takes_no_connection(sample: Sample) -> None:
    async with serve_http(sample_api(sample), Address(), make_gate()) as server:
        pass
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.get(server.url + "/healthz")


async def test_an_address_that_is_taken_is_an_error_and_nothing_stays_behind(sample: Sample) -> None:
    async with serve_http(sample_api(sample), Address(), make_gate()) as server:
        taken = Address(listen=server.url.removeprefix("http://"))
        with pytest.raises(OSError, match="address already in use"):
            async with serve_http(sample_api(Sample()), taken, make_gate()):
                pass
        async with aiohttp.ClientSession() as client, client.get(server.url + "/healthz") as response:
            assert response.status == 200


async def test_it_is_not_ready_while_it_drains(sample: Sample) -> None:
    async with (
        serve_http(sample_api(sample), Address(), make_gate()) as server,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as client,
    ):
        server.draining.set()

        async with client.get(server.url + "/readyz") as response:
            assert response.status == 503


async def test_it_serves_ipv6(sample: Sample) -> None:
    try:
        async with serve_http(sample_api(sample), Address(listen="[::1]:0"), make_gate()) as server:
            assert await status_of(server.url + "/healthz") == 200
    except OSError:
        pytest.skip("this machine has no IPv6")
