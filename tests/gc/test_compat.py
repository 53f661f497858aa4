"""Garbage collection as frontends of the old backend ask for it: their names and shapes, our safety."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.gc.house import EAGER, House, house
from tests.support.configuration import SettingsFactory
from tests.support.waiting import eventually

ROOT = "/api/compat/admin/gc"


@pytest.fixture
async def home(settings_for: SettingsFactory) -> AsyncIterator[House]:
    async with house(settings_for) as made:
        yield made


async def old(home: House, method: str, path: str, body: Any = None, **how: Any) -> tuple[int, Any]:
    """Status and body of an old call, as soon as the collector has read the whole log."""
    found: list[tuple[int, Any]] = []

    async def answered() -> bool:
        found.append(await home.http(method, ROOT + path, body, **how))
        return found[-1][0] != 503

    await eventually(answered)
    return found[-1]


async def done(home: House, method: str, path: str, body: Any = None) -> Any:
    """The data of an old call that must be a success."""
    status, answer = await old(home, method, path, body)
    assert (status, answer["success"]) == (200, True), answer
    return answer["data"]


async def refused(home: House, path: str, body: Any, status: int) -> Any:
    """An old call that must be refused, in its form."""
    found, answer = await old(home, "POST", path, body)
    assert (found, answer["success"]) == (status, False) and answer["message"], answer
    return answer


@pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")
async def test_exports_are_marked_archived_and_deleted_and_our_safety_has_the_last_word(home: House) -> None:
    await refused(home, "/archive", {"exportIds": ["x"]}, 409)
    await home.project("p", 4)
    ids = [await home.export("p", n, size=100 * n) for n in (1, 2, 3, 4)]
    await home.ok("POST", "/api/projects/p/versions/4/pin", {"pinned": True})
    wanted = {"ttlDays": 0, "keepLatestN": 1}
    calculated = await done(home, "POST", "/calculate", wanted)
    rows = calculated.pop("candidates")
    assert calculated == {
        "totalProjects": 1, "projectsProcessed": 1, "candidatesMarked": 3, "candidatesAlreadyMarked": 0,
        "exportsPinned": 1, "exportsKept": 0, "errors": [],
    }  # fmt: skip
    first = next(row for row in rows if row["exportId"] == ids[0])
    assert first == {
        "projectId": "p", "projectName": "p", "version": 1, "exportId": ids[0],
        "filePath": "uploads/export/p/v1_final.mp4", "size": 100, "createdAt": first["createdAt"],
        "gcMarkedAt": first["gcMarkedAt"],
    }  # fmt: skip
    again = await done(home, "POST", "/calculate", wanted)
    assert (again["candidatesMarked"], again["candidatesAlreadyMarked"]) == (0, 3)
    assert again["candidates"] == rows, "marked since the first time"
    listed = await done(home, "GET", "/candidates")
    assert listed == {"count": 3, "totalSize": 600, "totalSizeMB": 0.0, "candidates": rows}
    assert (await done(home, "GET", "/candidates?olderThanDays=1"))["count"] == 0

    await home.ok("POST", "/api/projects/p/versions/1/pin", {"pinned": True, "reason": "sold"})
    answer = await refused(home, "/archive", {"exportIds": [ids[0]]}, 409)
    assert "sold" in answer["message"]
    assert answer["data"] == {
        "totalRequested": 1, "archived": 0, "failed": 1, "archivedExports": [],
        "errors": [{"exportId": ids[0], "error": answer["data"]["errors"][0]["error"]}],
    }  # fmt: skip
    assert home.there("archive") == set()
    moved = await done(home, "POST", "/archive", {"exportIds": [ids[0], ids[1], ids[1]]})
    where = f"uploads/archive/{ids[1]}_v2_final.mp4"
    assert (moved["totalRequested"], moved["archived"], moved["failed"]) == (2, 1, 1)
    assert moved["archivedExports"] == [
        {"exportId": ids[1], "projectId": "p", "version": 2, "filePath": where, "size": 200}
    ]
    paths = [row["filePath"] for row in (await done(home, "GET", "/candidates"))["candidates"]]
    assert sorted(paths) == [where, "uploads/export/p/v3_final.mp4"], "what is pinned since is no candidate"

    body = {"exportIds": [ids[1]]}
    assert "confirmed" in (await refused(home, "/delete", body, 400))["message"]
    answer = await refused(home, "/delete", body | {"confirmed": True}, 409)
    assert "grace" in answer["message"] and answer["data"]["deleted"] == 0
    await refused(home, "/delete", body | {"confirmed": True, "confirm": "f" * 64}, 409)
    await refused(home, "/delete", {"exportIds": [ids[2], "x_unknown"], "confirmed": True}, 409)
    assert home.there("archive") == {f"archive/{ids[1]}_v2_final.mp4"}

    await home.gc("POST", "/restore", {"exportIds": [ids[1]]})
    await home.gc("PUT", "/policy", EAGER | {"keepLatest": 1})
    await done(home, "POST", "/calculate")
    await done(home, "POST", "/archive", body)
    deleted = await done(home, "POST", "/delete", {"exportIds": [ids[1], ids[2]], "confirmed": True})
    (error,) = deleted.pop("errors")
    assert deleted == {"totalRequested": 2, "deleted": 1, "failed": 1, "spaceSaved": 200}
    assert error["exportId"] == ids[2] and home.there("archive") == set()


@pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")
async def test_unused_videos_are_listed_with_their_paths(home: House) -> None:
    used, unused = await home.media("v_used"), await home.media("v_unused", size=70)
    await home.project("p", 1, media="v_used")
    await home.media("v_about")
    await home.ok("POST", "/api/compat/projects", {"title": "Not edited yet", "videoId": "v_about"})
    await home.gc("POST", "/calculate")  # the collector has read all of it
    found = await done(home, "GET", "/unused-videos")
    (video,) = found["videos"]
    assert (found["count"], found["totalSize"]) == (1, 70)
    assert video == {
        "videoId": "v_unused", "title": "v_unused.mov", "filePath": f"uploads/videos/{unused.rpartition('/')[2]}",
        "size": 70, "refCount": 1, "createdAt": video["createdAt"],
    }  # fmt: skip
    assert used != unused


@pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")
async def test_wrong_input_is_answered_in_the_envelope_and_nobody_but_an_admin_gets_in(home: House) -> None:
    wrong: tuple[tuple[str, str, Any], ...] = (
        ("POST", "/calculate", {"ttlDays": -1}), ("POST", "/calculate", {"keepLatestN": "many"}),
        ("GET", "/candidates?olderThanDays=x", None), ("POST", "/archive", {}), ("POST", "/archive", {"exportIds": []}),
        ("POST", "/archive", {"exportIds": "all"}), ("POST", "/delete", {"exportIds": [1], "confirmed": True}),
        ("POST", "/delete", {"exportIds": ["x"], "confirmed": "yes"}),
    )  # fmt: skip
    for method, path, body in wrong:
        status, answer = await old(home, method, path, body)
        assert (status, answer["success"]) == (400, False) and answer["message"], (path, body, answer)
    status, answer = await old(home, "GET", "/candidates", role="operator")
    assert (status, answer["success"]) == (403, False)
    foreign = await old(home, "GET", "/candidates", tenant="acme")
    assert foreign[1]["data"]["count"] == 0
