"""What operators see of a service."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from cutlog.web import Api, serve_http
from cutlog.web.health import Health
from tests.support.gates import make_gate
from tests.web.exchanges import GOOD, OPS
from tests.web.sample import Address, Sample, bearer, sample_api


async def fine() -> None: ...


async def broken() -> None:
    raise ConnectionError("the password is hunter2")


async def hanging() -> None:
    await asyncio.Event().wait()


async def ready(checks: dict[str, Any]) -> tuple[int, Any]:
    async with (
        serve_http(Api("sample"), Address(), make_gate(), checks=checks) as server,
        aiohttp.ClientSession() as client,
        client.get(server.url + "/readyz") as response,
    ):
        return response.status, await response.json()


async def test_it_is_ready_when_every_check_passes() -> None:
    assert await ready({"database": fine, "bus": fine}) == (
        200,
        {"service": "sample", "status": "ok", "checks": {"database": "ok", "bus": "ok"}},
    )


async def test_it_is_not_ready_when_a_check_fails_and_the_reason_stays_inside() -> None:
    status, report = await ready({"database": broken, "bus": fine})
    assert (status, report["checks"]) == (503, {"database": "down", "bus": "ok"})
    assert "hunter2" not in json.dumps(report)


async def test_a_check_that_hangs_is_down() -> None:
    report = await Health("sample", {"database": hanging}, seconds=0.05).report()
    assert (report.status, report.checks) == ("down", {"database": "down"})


async def test_alive_needs_no_check(client: aiohttp.ClientSession) -> None:
    async with client.get("/healthz") as response:
        assert (response.status, await response.text()) == (200, "ok\n")


async def test_requests_are_counted_by_route_and_never_by_what_a_client_makes_up(client: aiohttp.ClientSession) -> None:
    for project in ("p_1", "p_2"):
        await (await client.post(OPS.replace("p_1", project), json=GOOD, headers=bearer())).read()
    await (await client.request("PROPFIND", "/coffee/pot")).read()
    await (await client.get("/files/some/where")).read()
    async with client.get("/metrics") as response:
        text = await response.text()
    labels = 'method="POST",route="/api/projects/{project}/ops",service="sample"'
    line = f'cutlog_http_requests_total{{{labels},status="201"}} 2.0'
    assert line in text
    assert 'cutlog_http_requests_total{method="OTHER",route="unmatched",service="sample",status="404"} 1.0' in text
    assert 'route="/files/{key}"' in text
    assert "coffee" not in text
    assert f"cutlog_http_request_duration_seconds_count{{{labels}}} 2.0" in text
    assert f'http_requests_total{{{labels},status="201"}} 2.0' in text.splitlines(), "the former name"


async def test_two_services_in_one_process_count_for_themselves(sample: Sample) -> None:
    async with (
        serve_http(sample_api(sample, name="one"), Address(), make_gate()) as one,
        serve_http(sample_api(sample, name="two"), Address(), make_gate()) as two,
        aiohttp.ClientSession() as client,
    ):
        await (await client.get(one.url + "/healthz")).read()
        async with client.get(two.url + "/metrics") as response:
            assert 'service="one"' not in await response.text()


async def test_a_request_keeps_its_trace(client: aiohttp.ClientSession, sample: Sample) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await (await client.get("/api/items", headers=bearer() | {"traceparent": parent})).read()
    trace = sample.seen[0].trace
    assert (trace[:36], trace[-3:]) == (parent[:36], "-01")
    assert trace != parent


@pytest.mark.parametrize(
    "parent",
    [
        "",
        "junk",
        "00-" + "0" * 32 + "-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-" + "0" * 16 + "-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
    ],
)
async def test_a_trace_that_is_none_starts_a_new_one(
    client: aiohttp.ClientSession, sample: Sample, parent: str
) -> None:
    await (await client.get("/api/items", headers=bearer() | {"traceparent": parent})).read()
    version, trace, span, flags = sample.seen[0].trace.split("-")
    assert (version, len(trace), len(span), flags) == ("00", 32, 16, "01")
    assert trace != "0af7651916cd43dd8448eb211c80319c"


async def test_a_request_id_is_kept_when_it_is_harmless(client: aiohttp.ClientSession) -> None:
    async with client.get("/healthz", headers={"X-Request-Id": "abc-1"}) as response:
        assert response.headers["X-Request-Id"] == "abc-1"
    async with client.get("/healthz", headers={"X-Request-Id": "a b<script>"}) as response:
        assert response.headers["X-Request-Id"].isalnum()
