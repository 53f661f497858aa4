"""One health, one document and one page for all services."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from cutlog.auth.rings import KeyRing
from cutlog.db.skipping import Skipping
from cutlog.web import Role, Server, mint, serve_http
from tests.support.gates import make_gate
from tests.web.sample import Address, Sample, bearer, sample_api


@pytest.fixture
async def silent() -> AsyncIterator[str]:
    """A peer that takes connections and never answers."""
    server = await asyncio.start_server(lambda reader, writer: asyncio.sleep(0), "127.0.0.1", 0)
    try:
        yield "http://{}:{}".format(*server.sockets[0].getsockname())
    finally:
        server.close()


async def ask(server: Server, path: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as client, client.get(server.url + path) as response:
        return response.status, await response.json()


async def test_the_health_of_all_is_that_of_each(sample: Sample, server: Server) -> None:
    api = sample_api(sample, {"media": server.url, "ops": "http://ignored.invalid"}, name="ops")
    async with serve_http(api, Address(), make_gate()) as ops:
        status, health = await ask(ops, "/api/health")
    assert (status, health["status"]) == (200, "ok")
    assert {name: report["status"] for name, report in health["services"].items()} == {"ops": "ok", "media": "ok"}


async def test_only_an_admin_is_told_whose_rows_were_passed_over(sample: Sample, server: Server) -> None:
    skipping = Skipping("sample.loop")
    for tenant in ("acme", "bad"):
        with skipping.row(tenant):
            raise KeyError(tenant)
    api = sample_api(sample, name="peer")
    api.skips(skipping)
    forged = {"Authorization": f"Bearer {mint(KeyRing.new(), 'eve', Role.admin)}"}
    async with serve_http(api, Address(), make_gate()) as peer:
        own = sample_api(sample, {"peer": peer.url}, name="ops")
        own.skips(skipping)
        async with serve_http(own, Address(), make_gate()) as ops, aiohttp.ClientSession(ops.url) as client:

            async def alarms(headers: dict[str, str]) -> Any:
                async with client.get("/api/health", headers=headers) as answer:
                    if answer.status != 200:
                        return answer.status
                    found = [report["alarms"] for report in (await answer.json())["services"].values()]
                    assert found[0] == found[1], "of the peer as of the service itself"
                    return found[0]

            for headers in ({}, bearer(Role.viewer), bearer(Role.operator), bearer(Role.service)):
                assert await alarms(headers) == ["skipped:sample.loop:+2"]
            assert await alarms(bearer(Role.admin)) == ["skipped:sample.loop:acme", "skipped:sample.loop:bad"]
            assert await alarms(forged) == 401
            assert await alarms({"Authorization": "Basic x"}) == 401


async def test_a_peer_that_is_gone_silent_or_strange_is_down(sample: Sample, silent: str) -> None:
    async with serve_http(sample_api(sample), Address(), make_gate()) as gone:
        pass
    peers = {"gone": gone.url, "silent": silent, "strange": "http://127.0.0.1:1/x?"}
    async with serve_http(sample_api(sample, peers, name="ops", seconds=0.5), Address(), make_gate()) as ops:
        status, health = await ask(ops, "/api/health")
    assert (status, health["status"]) == (503, "degraded")
    assert {name: report["status"] for name, report in health["services"].items()} == {
        "ops": "ok",
        "gone": "down",
        "silent": "down",
        "strange": "down",
    }


async def test_the_document_of_all_has_the_routes_of_each_and_outlives_them(sample: Sample) -> None:
    from cutlog.contract.base import Wire
    from cutlog.web import Api, Reply, Request, Role

    class Item(Wire):
        """Not the sample's Item."""

        colour: str

    other = Api("media", title="Media")

    @other.get("/api/things", role=Role.viewer, returns={200: Item}, summary="A thing")
    async def thing(_: Request) -> Reply:
        return Reply(200, Item(colour="red"))

    async with serve_http(other, Address(), make_gate()) as media:
        api = sample_api(sample, {"media": media.url}, name="ops")
        async with serve_http(api, Address(), make_gate()) as ops:
            status, together = await ask(ops, "/api/openapi.json")
            assert status == 200
            assert {"/api/things", "/api/items", "/api/health"} <= together["paths"].keys()
            ref = together["paths"]["/api/things"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
            schemas = together["components"]["schemas"]
            assert "colour" in schemas[ref["$ref"].rpartition("/")[2]]["properties"]
            assert "number" in schemas["Item"]["properties"]
            assert [tag["name"] for tag in together["tags"]] == ["Samples", "System", "Media"]
    async with serve_http(api, Address(), make_gate()) as ops:  # media has ended in the meantime
        assert "/api/things" in (await ask(ops, "/api/openapi.json"))[1]["paths"]


async def test_the_page_needs_nothing_from_elsewhere(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/docs") as response:
        page = await response.text()
        policy = response.headers["Content-Security-Policy"]
    assert "'unsafe" not in policy
    assert "http" not in policy
    sources = re.findall(r'(?:src|href)="([^"#]+)"', page)
    assert sources
    for source in sources:
        if source == "data:,":  # no icon
            continue
        assert source.startswith(("/api/docs/", "/api/openapi.json"))
        async with client.get(source) as response:
            assert response.status == 200
            assert not re.search(r"https?://(?!www\.w3\.org/)", await response.text())
    assert "<script>" not in page
    assert " style=" not in page
