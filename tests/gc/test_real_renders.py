"""The real renderer writes receipts, the real collector reads them: what a kept render is made of is never offered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
import pytest

from cutlog.blobs import LocalBlobs
from cutlog.bus import Bus
from cutlog.contract.keys import CacheKey, ReceiptKey
from cutlog.contract.receipts import read
from cutlog.ffmpeg import Ffmpeg
from services.gc.bootstrap import serving as serving_gc
from services.ops.bootstrap import serving as serving_ops
from services.render.cache.packets import unseal
from tests.render.house import House
from tests.render.studio import Studio
from tests.support.configuration import SettingsFactory
from tests.support.database import Database
from tests.support.messaging import NatsServer
from tests.support.waiting import eventually

POLICY = {"ttlDays": 0, "keepLatest": 0, "proxyTtlDays": 0, "segmentTtlDays": 0, "previewTtlDays": 0,
          "archiveGraceDays": 0, "maxDeleteFraction": 1.0}  # fmt: skip


@dataclass
class Whole:
    """ops, render and gc at work on one store."""

    house: House
    blobs: LocalBlobs
    url: str

    async def gc(self, path: str, body: Any) -> tuple[int, Any]:
        """Status and answer, as soon as the collector has read the whole log."""
        headers = {"Authorization": f"Bearer {self.house.settings.token('admin')}"}
        found: list[tuple[int, Any]] = []

        async def answered() -> bool:
            async with self.house.session.post(f"{self.url}/api/admin/gc/{path}", json=body, headers=headers) as reply:
                found.append((reply.status, await reply.json(content_type=None)))
            return found[-1][0] != 503

        await eventually(answered)
        return found[-1]

    async def offered(self, *classes: str) -> tuple[dict[str, Any], set[str]]:
        """A plan, and the ids of all that it offers."""
        status, plan = await self.gc("calculate", {"policy": POLICY, "classes": classes})
        assert status == 201, plan
        assert plan["next"] is None
        return plan, {each["id"] for each in plan["candidates"]}

    async def cached(self) -> set[str]:
        """All files of the render cache."""
        return {head.key async for head in self.blobs.list("segments/default")}

    async def made_of(self, version: int, profile: Any) -> set[str]:
        """The keys of what a film is made of, as its receipt says."""
        key = ReceiptKey("p_1", version, profile)
        receipt = read(key, await self.blobs.get(str(key)))
        return {str(CacheKey("default", digest, "mp4")) for digest in receipt.cached}


@pytest.fixture
async def whole(settings_for: SettingsFactory, database: Database, nats: NatsServer) -> AsyncIterator[Whole]:
    settings = settings_for("render")
    blobs = LocalBlobs(settings.data / "objects", "x")
    house = House(settings_for, database, nats, Studio(await Ffmpeg.find(settings), blobs))
    async with AsyncExitStack() as parts:
        house.url = (await parts.enter_async_context(serving_ops(settings_for("ops")))).url
        house.session = await parts.enter_async_context(aiohttp.ClientSession())
        house.media = await parts.enter_async_context(await Bus.connect(nats.url, nats.seed("media"), name="media"))
        gc = await parts.enter_async_context(serving_gc(settings_for("gc")))
        await parts.enter_async_context(house.render())
        yield Whole(house, blobs, gc.url)


async def three_versions(house: House) -> None:
    """Versions 2 to 4, each with a proxy; the last one shares a clip with the one before. Version 3 has an export."""
    await house.project()
    for version, colour in ((2, "#ff0000"), (3, "#00ff00"), (4, "#0000ff")):
        edit: list[dict[str, object]] = [
            {"op": "clip.add", "clip": f"c{version}", "track": "t", "at": 25 * version, "color": colour, "frames": 25}
        ]
        if version == 4:
            edit.append({"op": "clip.remove", "clip": "c2"})
        assert await house.edit("p_1", *edit) == version
        await house.proxy("p_1", version)
    assert (await house.export("p_1", 3))["status"] == "ready"


@pytest.mark.slow(reason="renders films beside the collector")
async def test_what_kept_films_are_made_of_stays_and_a_renamed_field_stops_the_plan(whole: Whole) -> None:
    await three_versions(whole.house)
    parts = {version: await whole.made_of(version, "proxy") for version in (2, 3, 4)}
    export = await whole.made_of(3, "mp4")
    everything = await whole.cached()
    assert all(parts.values()) and export and everything == export.union(*parts.values())

    plan, proxies = await whole.offered("proxy", "segment")
    assert proxies == {"proxy:p_1:2", "proxy:p_1:3"}, "no segment while every film is kept"
    status, done = await whole.gc("delete", {"exportIds": sorted(proxies), "confirm": plan["planHash"]})
    assert status == 200 and set(done["deleted"]) == proxies

    plan, segments = await whole.offered("segment", "leftover")
    assert segments and segments == everything - parts[4] - export

    frame = await whole.house.frame("p_1", 4, 100)
    _, previews = await whole.offered("preview")
    assert len(previews) == 1 and previews == await whole.cached() - everything, "a viewer's frame has a class"
    assert unseal(await whole.blobs.get(min(previews))) == frame
    _, again = await whole.offered("segment")
    assert again == segments, "and it is no segment"
    everything |= previews

    receipt = str(ReceiptKey("p_1", 3, "mp4"))
    good = await whole.blobs.get(receipt)
    for field in (b'"segments"', b'"sound"', b'"profile"'):
        assert good.count(field) == 1
        await whole.blobs.put_bytes(receipt, good.replace(field, field[:-1] + b'X"'))
        status, problem = await whole.gc("calculate", {"policy": POLICY, "classes": ["segment"]})
        assert status == 409 and receipt in problem["detail"]
        status, problem = await whole.gc("delete", {"exportIds": sorted(segments), "confirm": plan["planHash"]})
        assert status == 409 and receipt in problem["detail"]
    assert await whole.cached() == everything

    members = msgspec.json.decode(good)
    del members["format"]  # as it was written before receipts said their format
    await whole.blobs.put_bytes(receipt, msgspec.json.format(msgspec.json.encode(members), indent=1))
    plan, again = await whole.offered("segment")
    assert again == segments
    status, done = await whole.gc("delete", {"exportIds": sorted(segments), "confirm": plan["planHash"]})
    assert status == 200 and set(done["deleted"]) == segments
    assert await whole.cached() == parts[4] | export | previews
