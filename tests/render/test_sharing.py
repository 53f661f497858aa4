"""Several workers at one export: the same film, each segment made once, whoever is killed."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import asyncpg
import pytest

from tests.render.house import House, marks
from tests.render.studio import digest
from tests.support.painting import Painter, read_marks
from tests.support.waiting import eventually

SHOTS = 6
LENGTH = 500


async def film(house: House, painted: Painter) -> tuple[str, int]:
    """Two minutes of shots, of which an export encodes every frame."""
    await house.upload(painted, frames=LENGTH + SHOTS)
    project = await house.project()
    shots = [
        {"op": "clip.add", "clip": f"c{n}", "track": "t", "at": n * LENGTH, "media": "v_1", "in": n, "out": n + LENGTH}
        for n in range(SHOTS)
    ]
    return project, await house.edit(project, *shots)


async def rows(house: House, query: str) -> list[Any]:
    connection = await asyncpg.connect(house.database.owner_url)
    try:
        return list(await connection.fetch(query))
    finally:
        await connection.close()


@pytest.mark.slow(reason="three processes export two minutes of film")
async def test_three_workers_share_an_export_and_one_is_killed_in_the_middle(house: House, painted: Painter) -> None:
    project, version = await film(house, painted)
    async with AsyncExitStack() as processes:
        workers = [await processes.enter_async_context(house.process()) for _ in range(3)]

        async def all_at_work() -> bool:
            found = await rows(house, "SELECT DISTINCT worker FROM render.part WHERE status = 'running'")
            return len(found) >= 2

        asked = await house.call("POST", f"/api/projects/{project}/export", {"version": version}, 202)
        await eventually(all_at_work)
        (owner,) = await rows(house, "SELECT worker FROM render.job WHERE kind = 'export'")
        helpers = await rows(house, "SELECT DISTINCT worker FROM render.part WHERE status = 'running'")
        victim = next(row["worker"] for row in helpers if row["worker"] != owner["worker"])
        pid = int(victim.split("_")[1])
        next(worker for worker in workers if worker.pid == pid).kill()
        export = await house.exported(project, asked["id"])
    assert export["status"] == "ready"
    shared = house.studio.blobs.path(export["key"])
    assert read_marks(shared) == marks(*((n, n + LENGTH) for n in range(SHOTS)))
    assert await rows(house, "SELECT FROM render.part") == []
    made, bytes_ = house.studio.segments(), digest(shared)
    # One worker alone makes the same film, of the same segments.
    for path in [*(house.studio.blobs.root / "segments").rglob("*"), shared]:
        if path.is_file():
            path.unlink()
    async with house.render():
        again = await house.call("POST", f"/api/projects/{project}/fork", {"name": "Alone", "id": "p_2"}, 201)
        asked = await house.call("POST", f"/api/projects/{again['id']}/export", {"version": 0}, 202)

        async def two_at_once() -> bool:
            return len(await rows(house, "SELECT FROM render.part WHERE status = 'running'")) == 2

        await eventually(two_at_once)
        alone = await house.exported("p_2", asked["id"])
    assert digest(house.studio.blobs.path(alone["key"])) == bytes_
    assert house.studio.segments().keys() == made.keys()
    together, single = await house.events("ExportRendered")
    assert together["encoded"] == single["encoded"] > 1000, "no segment was made twice"


@pytest.mark.long
async def test_an_owner_that_is_killed_is_followed_by_another_who_makes_what_is_missing(
    house: House, painted: Painter
) -> None:
    project, version = await film(house, painted)
    async with AsyncExitStack() as processes:
        workers = [await processes.enter_async_context(house.process()) for _ in range(2)]
        asked = await house.call("POST", f"/api/projects/{project}/export", {"version": version}, 202)

        async def some_done() -> Any:
            return await rows(house, "SELECT FROM render.part WHERE status = 'done'")

        await eventually(some_done)
        left = house.studio.segments()
        (owner,) = await rows(house, "SELECT worker FROM render.job WHERE kind = 'export'")
        pid = int(owner["worker"].split("_")[1])
        next(worker for worker in workers if worker.pid == pid).kill()
        export = await house.exported(project, asked["id"])
    assert read_marks(house.studio.blobs.path(export["key"])) == marks(*((n, n + LENGTH) for n in range(SHOTS)))
    after = house.studio.segments()
    assert {name: after[name] for name in left} == left, "no segment that was there was made again"


@pytest.mark.slow(reason="an export of two minutes, which two processes share")
async def test_a_cancelled_export_ends_its_parts(house: House, painted: Painter) -> None:
    project, version = await film(house, painted)
    async with house.render(), house.process():
        asked = await house.call("POST", f"/api/projects/{project}/export", {"version": version}, 202)

        async def shared() -> bool:
            found = await rows(house, "SELECT DISTINCT worker FROM render.part WHERE status = 'running'")
            return len(found) == 2

        await eventually(shared)

        async def told() -> Any:
            found = await house.call("GET", f"/api/projects/{project}/exports/{asked['id']}")
            return found if found["status"] == "rendering" and found["speed"] else None

        under_way = await eventually(told)
        assert under_way["framesTotal"] == SHOTS * LENGTH >= under_way["framesDone"] >= 0
        assert under_way["etaSeconds"] > 0 and 0 <= under_way["progress"] < 1
        await house.call("POST", f"/api/projects/{project}/exports/{asked['id']}/cancel", expect=202)

        async def idle() -> bool:
            return not await rows(house, "SELECT FROM render.part")

        await eventually(idle)
    assert not house.studio.blobs.path(f"export/p_1/v{version}_final.mp4").exists()
