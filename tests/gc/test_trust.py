"""The collector trusts only what it can read: one unreadable receipt or key, and nothing is offered or deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from cutlog.bus import Outbox
from cutlog.contract.keys import CacheKey, Content, OriginalKey, ReceiptKey
from cutlog.db.engine import create_engine
from services.gc.report.reading import Blocked
from services.gc.report.storage import Keeper
from tests.gc.house import EAGER, House, house
from tests.support.configuration import SettingsFactory

slow = pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")

POLICY = EAGER | {"proxyTtlDays": 0, "segmentTtlDays": 0}
SEGMENTS = {"policy": POLICY, "classes": ["segment"]}
RECEIPT = str(ReceiptKey("p", 3, "proxy"))


@pytest.fixture
async def home(settings_for: SettingsFactory) -> AsyncIterator[House]:
    async with house(settings_for) as made:
        yield made


def segment(digest: str, tenant: str = "default") -> str:
    return str(CacheKey(tenant, digest, "mp4"))


async def film(home: House) -> tuple[str, str]:
    """A project whose newest proxy is made of one segment; the key of that, and of another one that is not used."""
    await home.project("p")
    await home.proxy("p", 3)
    await home.receipt("p", 3, "proxy", "aa" * 32)
    for digest in ("aa" * 32, "bb" * 32):
        await home.blobs.put_bytes(segment(digest), b"s")
    return segment("aa" * 32), segment("bb" * 32)


async def refused(home: House, path: str, body: Any = None, *, tenant: str = "default") -> str:
    """The detail of the problem that the object was unreadable."""
    status, problem = await home.http("POST" if body else "GET", f"/api/admin/{path}", body, tenant=tenant)
    assert status == 409 and problem["type"].endswith("object-unreadable"), problem
    return str(problem["detail"])


def offered(plan: dict[str, Any]) -> list[str]:
    return [each["id"] for each in plan["candidates"]]


@slow
@pytest.mark.parametrize("renamed", ["segments", "version", "output"])
async def test_a_receipt_with_a_renamed_field_stops_the_plan_and_is_named(home: House, renamed: str) -> None:
    used, unused = await film(home)
    good = await home.blobs.get(RECEIPT)
    plan = await home.gc("POST", "/calculate", SEGMENTS)
    assert offered(plan) == [unused]

    await home.blobs.put_bytes(RECEIPT, good.replace(f'"{renamed}"'.encode(), b'"another"', 1))
    assert RECEIPT in await refused(home, "gc/calculate", SEGMENTS)
    assert RECEIPT in await refused(home, "gc/calculate", SEGMENTS | {"classes": ["export", "proxy", "segment"]})
    assert RECEIPT in await refused(home, f"gc/explain?id={unused}")
    assert RECEIPT in await refused(home, "storage")
    delete = {"exportIds": [unused], "confirm": plan["planHash"]}
    assert RECEIPT in await refused(home, "gc/delete", delete), "nor by a plan that was made before"
    assert home.there("segments") == {used, unused, RECEIPT}
    assert (await home.gc("GET", "/candidates"))["planId"] == plan["planId"], "no half of a plan is left"
    health = await (await home.session.get(home.urls["gc"] + "/readyz")).json()
    assert health["status"] == "ok" and health["alarms"] == ["unreadable-object"]
    metrics = await (await home.session.get(home.urls["gc"] + "/metrics")).text()
    assert 'cutlog_gc_plans_blocked{tenant="default"} 1.0' in metrics

    await home.blobs.put_bytes(RECEIPT, good)
    everything = SEGMENTS | {"classes": ["segment", "preview", "leftover"]}
    assert offered(await home.gc("POST", "/calculate", everything)) == [unused]
    health = await (await home.session.get(home.urls["gc"] + "/readyz")).json()
    assert "alarms" not in health
    assert (await home.gc("POST", "/delete", delete))["deleted"] == [unused]


@slow
async def test_a_receipt_that_newer_software_wrote_stops_the_plan(home: House) -> None:
    await film(home)
    members = msgspec.json.decode(await home.blobs.get(RECEIPT))
    await home.blobs.put_bytes(RECEIPT, msgspec.json.encode(members | {"format": 3}))
    assert "its format is 3" in await refused(home, "gc/calculate", SEGMENTS)


@slow
@pytest.mark.parametrize(
    "key",
    [
        f"segments/default/aa/{'aa' * 32}.m4s", f"segments/default/{'aa' * 32}.mp4", "segments/receipts/p/v3.json",
        "segments/receipts/p/v3_mp5.json",
    ],
)  # fmt: skip
async def test_a_key_among_segments_that_is_none_stops_the_plan(home: House, key: str) -> None:
    await film(home)
    await home.blobs.put_bytes(key, b"x")
    assert key in await refused(home, "gc/calculate", SEGMENTS)
    await home.blobs.delete(key)
    assert offered(await home.gc("POST", "/calculate", SEGMENTS)) == [segment("bb" * 32)]


@slow
async def test_a_key_among_originals_that_is_none_stops_the_plan(home: House) -> None:
    leftovers = {"policy": POLICY, "classes": ["leftover"]}
    await home.blobs.put_bytes(str(OriginalKey(Content("default", "de" * 32, 1), ".mov")), b"x")
    await home.blobs.put_bytes("videos/default/film.mov", b"x")
    assert "videos/default/film.mov" in await refused(home, "gc/calculate", leftovers)


@slow
async def test_others_have_their_plans_and_their_storage_rolled_up(home: House, settings_for: SettingsFactory) -> None:
    await film(home)
    await home.blobs.put_bytes(RECEIPT, b"{}")
    await home.project("z", tenant="zeta")
    unused = segment("cc" * 32, "zeta")
    await home.blobs.put_bytes(unused, b"s")
    await refused(home, "gc/calculate", SEGMENTS)
    assert offered(await home.gc("POST", "/calculate", SEGMENTS, tenant="zeta")) == [unused]
    engine, registry, blocked = create_engine(settings_for("gc")), CollectorRegistry(), Blocked()
    await Keeper(engine, home.blobs, Outbox(engine, "gc"), registry, blocked, lambda *_: None).once()
    assert await blocked.alarms() == ["unreadable-object"]
    assert registry.get_sample_value("cutlog_gc_storage_bytes", {"tenant": "zeta", "class": "segments"}) == 1
    await home.receipt("p", 3, "proxy", "aa" * 32)
    keeper = Keeper(engine, home.blobs, Outbox(engine, "gc"), CollectorRegistry(), blocked, lambda *_: None)
    await keeper.once()
    assert await blocked.alarms() == []
    await engine.dispose()
