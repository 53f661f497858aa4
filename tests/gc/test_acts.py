"""Archive, restore and delete, by hand, on real files: what goes, what stays, and what is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from cutlog.contract.commands import RecordMediaDeduplicated
from cutlog.contract.events import MediaDeduplicated
from cutlog.contract.keys import CacheKey, Content, OriginalKey
from tests.gc.house import EAGER, House, house
from tests.support.configuration import SettingsFactory
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")


@pytest.fixture
async def home(settings_for: SettingsFactory) -> AsyncIterator[House]:
    async with house(settings_for) as made:
        yield made


async def test_exports_are_archived_restored_and_deleted_with_their_files(home: House) -> None:
    await home.project("p")
    first, second, third = [await home.export("p", n, size=100 * n) for n in (1, 2, 3)]
    plan, answer = await home.archived()
    assert sorted(answer["archived"]) == sorted([first, second]) and answer["skipped"] == [] and not answer["pending"]
    assert home.there("export", "archive") == {
        "export/p/v3_final.mp4", f"archive/{first}_v1_final.mp4", f"archive/{second}_v2_final.mp4",
    }  # fmt: skip
    shown = await home.shown("p", first)
    assert (shown["status"], shown["archived"], shown["url"]) == ("archived", True, None)
    restored = await home.gc("POST", "/restore", {"exportIds": [second, third]})
    assert restored["restored"] == [second] and restored["skipped"] == [{"exportId": third, "reason": "it is ready"}]
    assert (await home.shown("p", second))["status"] == "ready"
    assert (home.objects / "export/p/v2_final.mp4").stat().st_size == 200
    body = {"exportIds": [first, second, third, "x_unknown"], "confirm": plan["planHash"]}
    deleted = await home.gc("POST", "/delete", body)
    assert deleted["deleted"] == [first] and deleted["bytesFreed"] == 100
    reasons = {each["exportId"]: each["reason"] for each in deleted["skipped"]}
    assert reasons[second] == "not-ready: it is ready" and "plan" in reasons[third] and "plan" in reasons["x_unknown"]
    assert home.there("export", "archive") == {"export/p/v2_final.mp4", "export/p/v3_final.mp4"}
    assert (await home.shown("p", first))["status"] == "deleted"
    project = await home.ok("GET", "/api/projects/p")
    assert project["latestExportKey"] == "export/p/v3_final.mp4"
    runs = (await home.gc("GET", "/runs"))["items"]
    acts = [(run["action"], run["done"], run["skipped"], run["bytesFreed"]) for run in runs if run["finishedAt"]]
    assert acts == [("delete", 1, 3, 100), ("restore", 1, 1, 0), ("archive", 2, 0, 0)]
    assert {run["actor"] for run in runs} == {"tester"}
    items = (await home.gc("GET", f"/runs/{runs[0]['runId']}/items"))["items"]
    assert {item["id"]: item["outcome"] for item in items} == {
        first: "done", second: "skipped", third: "skipped", "x_unknown": "skipped",
    }  # fmt: skip


async def test_nothing_is_deleted_without_the_hash_of_a_plan_that_says_so(home: House) -> None:
    await home.project("p")
    first = await home.export("p", 1)
    await home.export("p", 2)
    plan, _ = await home.archived()
    for confirm, status in ((None, 400), ("", 400), ("f" * 64, 409)):
        body = {"exportIds": [first]} | ({} if confirm is None else {"confirm": confirm})
        assert (await home.http("POST", "/api/admin/gc/delete", body))[0] == status
    simulated = await home.gc("POST", "/calculate", {"policy": EAGER, "at": "2040-01-01T00:00:00Z"})
    body = {"exportIds": [first], "confirm": simulated["planHash"]}
    assert (await home.http("POST", "/api/admin/gc/delete", body))[0] == 409
    status, _ = await home.http("POST", "/api/admin/gc/archive", {"planId": simulated["planId"]})
    assert status == 409
    other = await home.gc("POST", "/calculate", {"policy": EAGER})
    deleted = await home.gc("POST", "/delete", {"exportIds": [first], "confirm": other["planHash"]})
    assert deleted["deleted"] == [] and "plan" in deleted["skipped"][0]["reason"]
    assert f"archive/{first}_v1_final.mp4" in home.there("archive")
    assert (await home.gc("POST", "/delete", {"exportIds": [first], "confirm": plan["planHash"]}))["deleted"] == [first]


@slow
async def test_what_is_pinned_since_the_plan_stays_at_both_stages(home: House) -> None:
    await home.project("p")
    ids = [await home.export("p", n) for n in (1, 2, 3)]
    plan = await home.gc("POST", "/calculate", {"policy": EAGER})
    await home.ok("POST", "/api/projects/p/versions/1/pin", {"pinned": True, "reason": "sold"})
    answer = await home.gc("POST", "/archive", {"planId": plan["planId"]})
    assert answer["archived"] == [ids[1]]
    assert "sold" in answer["skipped"][0]["reason"] and answer["skipped"][0]["exportId"] == ids[0]
    await home.ok("POST", "/api/projects/p/versions/2/pin", {"pinned": True})
    deleted = await home.gc("POST", "/delete", {"exportIds": [ids[1]], "confirm": plan["planHash"]})
    assert deleted["deleted"] == [] and deleted["skipped"][0]["reason"].startswith("pinned: ")
    assert f"archive/{ids[1]}_v2_final.mp4" in home.there("archive")


@slow
async def test_the_grace_and_the_brake_hold_a_deletion_back(home: House) -> None:
    await home.project("p", 4)
    first = await home.export("p", 1, size=1000)
    await home.export("p", 2, size=10)
    plan, _ = await home.archived(archiveGraceDays=7)
    deleted = await home.gc("POST", "/delete", {"exportIds": [first], "confirm": plan["planHash"]})
    assert deleted["deleted"] == [] and deleted["skipped"][0]["reason"].startswith("grace: archived ")
    assert (await home.gc("GET", f"/explain/{first}"))["reasons"][0]["rule"] == "grace"
    await home.gc("POST", "/restore", {"exportIds": [first]})
    third, _ = await home.export("p", 3, size=10), await home.export("p", 4, size=10)
    plan, _ = await home.archived(maxDeleteFraction=0.5)
    body = {"exportIds": [first, third], "confirm": plan["planHash"]}
    status, problem = await home.http("POST", "/api/admin/gc/delete", body)
    assert status == 409 and problem["type"].endswith("braked")
    assert "2 of 4 exports (1010 of 1030 bytes)" in problem["detail"], "half by number, more by bytes"
    assert {f"archive/{first}_v1_final.mp4", f"archive/{third}_v3_final.mp4"} < home.there("archive")


@slow
async def test_an_act_asked_for_again_under_its_key_gives_the_first_answer(home: House) -> None:
    await home.project("p")
    first = await home.export("p", 1)
    await home.export("p", 2)
    plan = await home.gc("POST", "/calculate", {"policy": EAGER})
    body = {"planId": plan["planId"]}
    one = await home.gc("POST", "/archive", body, key="k")
    await home.gc("POST", "/restore", {"exportIds": [first]})
    assert await home.gc("POST", "/archive", body, key="k") == one
    assert (await home.shown("p", first))["status"] == "ready", "nothing was archived again"
    status, problem = await home.http("POST", "/api/admin/gc/archive", {**body, "exportIds": [first]}, key="k")
    assert status == 422 and problem["type"].endswith("idempotency-key-reused")


@slow
async def test_an_export_is_rendered_again_from_the_archive_and_from_nothing(home: House) -> None:
    await home.project("p")
    first, second = await home.export("p", 1), await home.export("p", 2)
    await home.export("p", 3)
    plan, _ = await home.archived()
    await home.gc("POST", "/delete", {"exportIds": [second], "confirm": plan["planHash"]})
    for export_id, version, salt, same in ((first, 1, "", "identical"), (second, 2, "another build", "equivalent")):
        again = await home.ok("POST", f"/api/projects/p/exports/{export_id}/retry", role="editor")
        assert (again["id"], again["status"], again["reproduced"]) == (export_id, "queued", None)
        assert (await home.render("p", version, export_id, salt=salt)).accepted
        assert (await home.shown("p", export_id))["reproduced"] == same
    await eventually(lambda: _is(home.there("archive"), set()))
    assert home.there("export") == {f"export/p/v{n}_final.mp4" for n in (1, 2, 3)}


@slow
async def test_only_an_admin_lifts_a_hold(home: House) -> None:
    await home.project("p")
    first = await home.export("p", 1)
    await home.export("p", 2)
    pin = "/api/projects/p/versions/1/pin"
    hold = {"pinned": True, "mode": "hold", "reason": "lawsuit"}
    await home.ok("POST", pin, hold, role="editor", subject="ada")
    status, problem = await home.http("POST", pin, {"pinned": False}, role="operator")
    assert status == 403 and problem["type"].endswith("held")
    assert (await home.http("POST", pin, role="editor"))[0] == 403, "an empty body toggles no hold away"
    shown = (await home.shown("p", first))["pin"]
    assert (shown["owner"], shown["mode"], shown["reason"]) == ("ada", "hold", "lawsuit")
    verdict = await home.gc("GET", f"/explain/{first}")
    assert {"rule": "held", "detail": "until it is unpinned by ada: lawsuit"} in verdict["reasons"]
    await home.ok("POST", pin, {"pinned": False}, role="admin")
    assert (await home.shown("p", first))["pin"] is None


@slow
async def test_a_deleted_project_can_be_erased_at_once_but_for_what_is_held(home: House) -> None:
    await home.project("p")
    await home.project("q")
    ids = [await home.export("p", n) for n in (1, 2, 3)]
    await home.export("q", 1)
    await home.ok("POST", "/api/projects/p/versions/1/pin", {"pinned": True})
    await home.ok("POST", "/api/projects/p/versions/2/pin", {"pinned": True, "mode": "hold"})
    await home.ok("DELETE", "/api/projects/p")
    assert (await home.gc("POST", "/calculate"))["candidates"] == []
    erase = {"erase": ["p", "q"], "policy": {"archiveGraceDays": 30, "maxDeleteFraction": 1.0}}
    plan = await home.gc("POST", "/calculate", erase)
    assert sorted(each["exportId"] for each in plan["candidates"]) == sorted([ids[0], ids[2]])
    assert plan["candidates"][0]["reasons"][0]["rule"] == "erasure"
    archived = await home.gc("POST", "/archive", {"planId": plan["planId"]})
    assert sorted(archived["archived"]) == sorted([ids[0], ids[2]])
    body = {"exportIds": archived["archived"], "confirm": plan["planHash"]}
    assert sorted((await home.gc("POST", "/delete", body))["deleted"]) == sorted(archived["archived"])
    assert home.there("export", "archive") == {"export/p/v2_final.mp4", "export/q/v1_final.mp4"}


@slow
async def test_a_project_restored_since_the_plan_keeps_its_exports(home: House) -> None:
    await home.project("p")
    await home.export("p", 1)
    await home.ok("DELETE", "/api/projects/p")
    plan = await home.gc("POST", "/calculate", {"policy": EAGER})
    assert plan["candidateCount"] == 1
    await home.ok("POST", "/api/projects/p/restore")
    answer = await home.gc("POST", "/archive", {"planId": plan["planId"]})
    assert answer["archived"] == [] and home.there("export") == {"export/p/v1_final.mp4"}


@slow
async def test_versions_with_a_message_and_scopes_of_projects_keep(home: House) -> None:
    await home.project("p", 1)
    await home.version("p", 2, message="approved")
    await home.version("p", 3)
    await home.project("q")
    ids = [await home.export("p", n) for n in (1, 2, 3)]
    for n in (1, 2, 3):
        await home.export("q", n)
    scoped = {"policy": EAGER | {"scope": [{"projectId": "q", "keepLatest": 9}]}}
    plan = await home.gc("POST", "/calculate", scoped)
    assert [each["exportId"] for each in plan["candidates"]] == [ids[0]]
    await home.gc("PUT", "/policy", EAGER)
    assert (await home.gc("GET", f"/explain/{ids[1]}"))["reasons"] == [
        {"rule": "tagged", "detail": "its version is a checkpoint: approved"}
    ]
    untagged = await home.gc("POST", "/calculate", {"policy": EAGER | {"keepTagged": False, "minAgeHours": 1}})
    assert untagged["candidates"] == []


@slow
async def test_unused_videos_go_the_same_two_stages_and_come_back_when_needed(home: House) -> None:
    await home.gc("PUT", "/policy", EAGER)
    used, again = await home.media("m_used"), await home.media("m_again")
    unused = await home.media("m_unused", size=60)
    await home.project("p", 1, media="m_used")
    await home.gc("POST", "/calculate", {"policy": EAGER})  # answers when it has read the log to its end
    found = await home.gc("GET", "/unused-videos?limit=1")
    rest = await home.gc("GET", f"/unused-videos?limit=1&cursor={found['next']}")
    videos = found["items"] + rest["items"]
    assert [(v["id"], v["size"], v["refCount"], v["mayGo"]) for v in videos] == [
        ("m_unused", 67, 1, True), ("m_again", 57, 1, True),
    ], "the newest first"  # fmt: skip
    archived = await home.gc("POST", "/videos/archive", {"videoIds": ["m_used", "m_unused", "m_again", "m_x"]})
    assert sorted(archived["archived"]) == ["m_again", "m_unused"]
    assert {each["videoId"]: each["reason"].partition(":")[0] for each in archived["skipped"]} == {
        "m_used": "in-use", "m_x": "it is unknown",
    }  # fmt: skip
    assert home.there("videos") == {used} and len(home.there("archive")) == 2
    status, _ = await home.http("POST", "/api/projects/p/ops", {"ops": [_clip("m_unused")]})
    assert status == 422, "nothing may begin to use what is archived"
    event = MediaDeduplicated(name="again", ref_count=2)
    await home.tell("media", RecordMediaDeduplicated(media_id="m_again", event=event))
    await eventually(lambda: _is(home.there("videos"), {used, again}))
    plan = await home.gc("POST", "/calculate", {"policy": EAGER, "classes": ["video"]})
    assert [each["id"] for each in plan["candidates"]] == ["m_again"]
    body = {"videoIds": ["m_unused"], "confirm": plan["planHash"]}
    assert (await home.gc("POST", "/videos/delete", body))["deleted"] == [], "this plan does not say so"
    await home.gc("POST", "/videos/restore", {"videoIds": ["m_unused"]})
    plan = await home.gc("POST", "/calculate", {"policy": EAGER, "classes": ["video"]})
    await home.gc("POST", "/videos/archive", {"videoIds": ["m_unused"]})
    assert (await home.http("POST", "/api/admin/gc/videos/delete", {"videoIds": ["m_unused"]}))[0] == 400
    deleted = await home.gc("POST", "/videos/delete", body | {"confirm": plan["planHash"]})
    assert (deleted["deleted"], deleted["bytesFreed"]) == (["m_unused"], 67)
    assert home.there("videos") == {used, again} and home.there("archive") == set()
    assert unused not in home.there("videos") and len(home.there("derived")) == 2


@slow
async def test_media_of_a_deleted_project_comes_back_with_it_and_stays_for_a_pinned_export(home: House) -> None:
    await home.gc("PUT", "/policy", EAGER)
    key = await home.media("m")
    await home.project("p", 1, media="m")
    await home.ok("POST", "/api/projects/p/versions/1/pin", {"pinned": True})
    await home.ok("DELETE", "/api/projects/p")
    kept = await home.gc("POST", "/videos/archive", {"videoIds": ["m"]})
    assert kept["archived"] == [] and kept["skipped"][0]["reason"].startswith("in-use")
    await home.ok("POST", "/api/projects/p/restore")
    await home.ok("POST", "/api/projects/p/versions/1/pin", {"pinned": False})
    await home.ok("DELETE", "/api/projects/p")
    assert (await home.gc("POST", "/videos/archive", {"videoIds": ["m"]}))["archived"] == ["m"]
    assert home.there("videos") == set()
    await home.ok("POST", "/api/projects/p/restore")
    await eventually(lambda: _is(home.there("videos"), {key}))


@slow
async def test_proxies_segments_and_leftovers_go_by_the_same_mechanism(home: House) -> None:
    await home.project("p")
    old, new = await home.proxy("p", 1), await home.proxy("p", 3)
    kept, lost = str(CacheKey("default", "aa" * 32, "mp4")), str(CacheKey("default", "bb" * 32, "mp4"))
    await home.blobs.put_bytes(kept, b"k" * 5)
    await home.blobs.put_bytes(lost, b"l" * 6)
    receipt = await home.receipt("p", 3, "proxy", "aa" * 32)
    dead = str(OriginalKey(Content("default", "de" * 32, 1), ".mov"))
    await home.blobs.put_bytes(dead, b"u" * 9)
    policy = EAGER | {"proxyTtlDays": 0, "segmentTtlDays": 0}
    plan = await home.gc("POST", "/calculate", {"policy": policy, "classes": ["proxy", "segment", "leftover"]})
    assert [(each["class"], each["id"], each["size"]) for each in plan["candidates"]] == [
        ("proxy", "proxy:p:1", 10), ("segment", lost, 6),
    ]  # fmt: skip
    verdict = await home.gc("GET", f"/explain?id={kept}&planId={plan['planId']}")
    assert verdict["reasons"][0] == {"rule": "referenced", "detail": "1 kept renders use it"}
    leased = await home.gc("GET", f"/explain?id={dead}")
    assert leased["verdict"] == "kept" and leased["reasons"][0]["rule"] == "leased"
    body = {"exportIds": ["proxy:p:1", "proxy:p:3", lost, kept], "confirm": plan["planHash"]}
    deleted = await home.gc("POST", "/delete", body)
    assert sorted(deleted["deleted"]) == sorted(["proxy:p:1", lost]) and deleted["bytesFreed"] == 16
    assert home.there("proxy") == {new} and old not in home.there("proxy")
    assert home.there("segments") == {kept, receipt}
    version = await home.ok("GET", "/api/projects/p/versions/1")
    assert version["proxy"]["status"] == "superseded", "it is rendered again when asked for"


@slow
async def test_a_plan_is_downloaded_whole_as_csv_and_as_the_json_that_was_hashed(home: House) -> None:
    await home.project("p")
    ids = [await home.export("p", n) for n in (1, 2, 3)]
    plan = await home.gc("POST", "/calculate", {"policy": EAGER})
    document = await home.gc("GET", f"/plans/{plan['planId']}/download?format=json")
    assert document["candidates"] == plan["candidates"] and document["tenant"] == "default"
    text = await home.gc("GET", f"/plans/{plan['planId']}/download?format=csv")
    lines = text.splitlines()
    assert lines[0].startswith("class,id,projectId,version,profile,key,size") and len(lines) == 3
    assert {line.split(",")[1] for line in lines[1:]} == set(ids[:2])


@slow
async def test_one_act_at_a_time(home: House) -> None:
    await home.project("p")
    for n in (1, 2, 3):
        await home.export("p", n)
    plan = await home.gc("POST", "/calculate", {"policy": EAGER})
    body = {"planId": plan["planId"]}
    await home.gc("POST", "/restore", {"exportIds": ["x_none"]})  # the collector has read the whole log
    answers = await asyncio.gather(*(home.http("POST", "/api/admin/gc/archive", body) for _ in range(6)))
    archived = [answer["archived"] for status, answer in answers if status == 200]
    assert sum(map(len, archived)) == 2, "each object goes once, whoever comes first"
    assert {status for status, _ in answers} <= {200, 409, 503}


async def _is(one: Any, other: Any) -> bool:
    return bool(one == other)


def _clip(media: str) -> dict[str, Any]:
    return {"op": "clip.add", "clip": "new", "track": "v", "at": 900, "media": media, "in": 0, "out": 30}
