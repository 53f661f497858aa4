"""Two at once: whichever comes first counts, and nothing that somebody needs is gone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.gc.house import EAGER, House, house
from tests.support.configuration import SettingsFactory
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")


@pytest.fixture
async def home(settings_for: SettingsFactory) -> AsyncIterator[House]:
    async with house(settings_for) as made:
        yield made


@slow
async def test_a_pin_and_a_delete_never_cross(home: House) -> None:
    await home.project("p", 9)
    ids = [await home.export("p", n) for n in range(1, 10)]
    plan, archived = await home.archived()
    assert len(archived["archived"]) == 8
    body = {"exportIds": ids[:8], "confirm": plan["planHash"]}
    pins = [
        home.http("POST", f"/api/projects/p/versions/{n}/pin", {"pinned": True}, role="editor") for n in range(1, 9)
    ]
    answer, *pinned = await asyncio.gather(home.gc("POST", "/delete", body), *pins)
    assert {status for status, _ in pinned} == {200}
    kept = {each["exportId"] for each in answer["skipped"]}
    assert kept | set(answer["deleted"]) == set(ids[:8])
    stream = await home.gc("GET", f"/runs/{answer['runId']}/items")
    assert {item["id"] for item in stream["items"] if item["outcome"] == "done"} == set(answer["deleted"])
    for n, export_id in enumerate(ids[:8], 1):
        there = f"archive/{export_id}_v{n}_final.mp4" in home.there("archive")
        assert there == (export_id in kept), "a pin that came first keeps the file; one that came after pins nothing"


@pytest.mark.slow(reason="services race to render and to archive")
async def test_an_export_that_is_rendered_again_while_it_is_archived_has_its_file(home: House) -> None:
    await home.project("p", 2)
    first = await home.export("p", 1)
    await home.export("p", 2)
    plan = await home.gc("POST", "/calculate", {"policy": EAGER})

    async def again() -> None:
        async def asked() -> bool:
            status, _ = await home.http("POST", f"/api/projects/p/exports/{first}/retry", role="editor")
            return status == 202

        await eventually(asked)
        await home.render("p", 1, first)

    await asyncio.gather(home.gc("POST", "/archive", {"planId": plan["planId"]}), again())

    async def whole() -> bool:
        return home.there("export") == {"export/p/v1_final.mp4", "export/p/v2_final.mp4"} and not home.there("archive")

    await eventually(whole)
    assert (await home.shown("p", first))["status"] == "ready"


@slow
async def test_two_admins_with_two_plans_delete_each_object_once(home: House) -> None:
    await home.project("p", 9)
    ids = [await home.export("p", n) for n in range(1, 10)]
    one = await home.gc("POST", "/calculate", {"policy": EAGER})
    two = await home.gc("POST", "/calculate", {"policy": EAGER | {"keepLatest": 4}})

    async def by(plan: object, subject: str) -> list[str]:
        assert isinstance(plan, dict)
        archived: list[str] = []

        async def acted() -> bool:
            body = {"planId": plan["planId"]}
            status, answer = await home.http("POST", "/api/admin/gc/archive", body, subject=subject)
            if status == 200:
                archived.extend(answer["archived"])
            return status == 200

        await eventually(acted)
        return archived

    ada, bob = await asyncio.gather(by(one, "ada"), by(two, "bob"))
    assert not set(ada) & set(bob) and set(ada) | set(bob) == set(ids[:8])
    assert len(home.there("archive")) == 8 and home.there("export") == {"export/p/v9_final.mp4"}
    runs = (await home.gc("GET", "/runs"))["items"]
    assert {run["actor"] for run in runs if run["action"] == "archive"} == {"ada", "bob"}


@slow
async def test_a_project_that_begins_to_use_a_video_while_it_is_archived_has_it(home: House) -> None:
    await home.gc("PUT", "/policy", EAGER)
    keys = {f"m{n}": await home.media(f"m{n}") for n in range(4)}
    await home.ok("POST", "/api/projects", {"name": "p", "id": "p"})
    track = {"op": "track.add", "track": "v", "kind": "video"}
    await home.ok("POST", "/api/projects/p/ops", {"ops": [track]})

    async def use(n: int) -> bool:
        clip = {"op": "clip.add", "clip": f"c{n}", "track": "v", "at": 30 * n, "media": f"m{n}", "in": 0, "out": 30}
        status, _ = await home.http("POST", "/api/projects/p/ops", {"ops": [clip]}, role="editor")
        assert status in (201, 409, 422)
        return status == 201

    answer, *used = await asyncio.gather(
        home.gc("POST", "/videos/archive", {"videoIds": list(keys)}), *(use(n) for n in range(4))
    )
    for n, begun in enumerate(used):
        assert (keys[f"m{n}"] in home.there("videos")) == begun == (f"m{n}" not in answer["archived"])
