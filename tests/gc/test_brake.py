"""In one run no more than a part of all there is of a class is deleted, whichever class; one object always may be."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cutlog.contract.answers.collection import Policy
from cutlog.contract.keys import ArchivedExportKey, CacheKey, Content, OriginalKey, ThumbnailKey
from services.gc.acts.brake import BrakedError, Share, pull
from tests.gc.house import EAGER, House, house
from tests.support.configuration import SettingsFactory

slow = pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")

POLICY = {name: value for name, value in EAGER.items() if name != "maxDeleteFraction"} | {
    "proxyTtlDays": 0, "segmentTtlDays": 0, "previewTtlDays": 0,
}  # fmt: skip
"""Everything may go, and the brake is as it is by default: a fifth."""


@pytest.fixture
async def home(settings_for: SettingsFactory) -> AsyncIterator[House]:
    async with house(settings_for) as made:
        yield made


@pytest.mark.parametrize(
    ("most", "count", "size", "chosen", "chosen_size", "goes"),
    [
        (0.2, 4, 400, 1, 100, True), (0.2, 1, 100, 1, 100, True), (0.2, 4, 400, 1, 397, True),
        (0.2, 4, 400, 2, 200, False), (0.2, 9, 900, 2, 200, False), (0.2, 10, 1000, 2, 200, True),
        (0.2, 10, 1000, 2, 201, False), (0.0, 1, 100, 1, 100, False), (0.0, 100, 1000, 0, 0, True),
        (1.0, 3, 30, 3, 30, True), (0.5, 2, 20, 0, 0, True), (0.2, 0, 0, 0, 0, True),
    ],
)  # fmt: skip
def test_the_brake_counts_objects_and_bytes_and_lets_one_go(
    most: float, count: int, size: int, chosen: int, chosen_size: int, goes: bool
) -> None:
    share = Share("exports", count, size, chosen, chosen_size)
    if goes:
        pull(Policy(max_delete_fraction=most), share)
        return
    with pytest.raises(BrakedError, match=f"{chosen} of {count} exports"):
        pull(Policy(max_delete_fraction=most), share)


async def braked(home: House, plan: dict[str, Any], ids: list[str], said: str, *, path: str = "/delete") -> None:
    """Two of a few are refused and nothing goes; one is deleted."""
    before = home.there("export", "archive", "proxy", "segments", "derived", "videos")
    named = "videoIds" if "videos" in path else "exportIds"
    body = {named: ids[:2], "confirm": plan["planHash"]}
    status, problem = await home.http("POST", f"/api/admin/gc{path}", body)
    assert status == 409 and problem["type"].endswith("braked"), problem
    assert said in problem["detail"]
    assert home.there("export", "archive", "proxy", "segments", "derived", "videos") == before
    done = await home.gc("POST", path, {named: ids[:1], "confirm": plan["planHash"]})
    assert done["deleted"] == ids[:1]


@slow
async def test_of_four_exports_one_may_be_deleted(home: House) -> None:
    await home.project("p", 4)
    ids = [await home.export("p", n, size=100 * n) for n in (1, 2, 3, 4)]
    plan = await home.gc("POST", "/calculate", {"policy": POLICY})
    await home.gc("POST", "/archive", {"planId": plan["planId"]})
    await braked(home, plan, [ids[2], ids[1]], "2 of 4 exports (500 of 1000 bytes)")


@slow
async def test_proxies_are_under_the_brake(home: House) -> None:
    await home.project("p", 4)
    for version in (1, 2, 3, 4):
        await home.proxy("p", version)
    plan = await home.gc("POST", "/calculate", {"policy": POLICY, "classes": ["proxy"]})
    await braked(home, plan, ["proxy:p:1", "proxy:p:2"], "2 of 4 proxies (20 of 40 bytes)")


@slow
async def test_videos_are_under_the_brake(home: House) -> None:
    names = ["m1", "m2", "m3"]
    for name in names:
        await home.media(name)
    await home.gc("PUT", "/policy", POLICY)
    plan = await home.gc("POST", "/calculate", {"policy": POLICY, "classes": ["video"]})
    assert set((await home.gc("POST", "/videos/archive", {"videoIds": names}))["archived"]) == set(names)
    await braked(home, plan, names, "2 of 3 videos (114 of 171 bytes)", path="/videos/delete")


@slow
@pytest.mark.parametrize("kind", ["mp4", "jpeg"])
async def test_segments_and_previews_are_under_the_brake(home: House, kind: Any) -> None:
    keys = [str(CacheKey("default", digest * 32, kind)) for digest in ("aa", "bb", "cc", "dd")]
    for key in keys:
        await home.blobs.put_bytes(key, b"s" * 6)
    class_ = "segment" if kind == "mp4" else "preview"
    plan = await home.gc("POST", "/calculate", {"policy": POLICY, "classes": [class_]})
    await braked(home, plan, keys, f"2 of 4 {class_}s (12 of 24 bytes)")


@slow
async def test_leftovers_are_under_the_brake_beside_all_that_lies_where_they_do(home: House) -> None:
    kept = await home.media("m")
    await home.project("p", 2)
    export = await home.export("p", 1)
    await home.export("p", 2)
    lost = [
        str(OriginalKey(Content("default", "de" * 32, 1), ".mov")), str(ArchivedExportKey(export, 1, "mp4")),
        str(ThumbnailKey(Content("default", "de" * 32, 1), 4)),
    ]  # fmt: skip
    others = str(OriginalKey(Content("zeta", "de" * 32, 1), ".mov"))
    for key in (*lost, others):
        await home.blobs.put_bytes(key, b"l" * 10)
        os.utime(home.objects / key, (time.time() - 100_000,) * 2)
    plan = await home.gc("POST", "/calculate", {"policy": POLICY, "classes": ["leftover"]})
    assert {each["id"] for each in plan["candidates"]} == set(lost)
    made = f"{Content('default', hashlib.sha256(b'm').hexdigest(), 1).folder}/proxy.mp4"
    assert {kept, made} < home.there("videos", "derived")
    await braked(home, plan, lost, "2 of 5 objects among uploads and in the archive (20 of 87 bytes)")
