"""What rendering uses is counted with each segment, and shown to the tenant."""

from __future__ import annotations

from typing import Any

import asyncpg

from tests.render.house import House
from tests.support.painting import Painter
from tests.support.waiting import eventually


async def test_what_rendering_used_is_shown_by_budget_and_project(house: House, painted: Painter) -> None:
    async with house.render():
        await house.upload(painted)
        project = await house.project()
        version = await house.shot(project, "v_1", 0, 13, 73)
        await house.proxy(project, version)
        export = await house.export(project, version)
        assert export["status"] == "ready"

        async def counted() -> dict[str, Any] | None:
            usage = await house.call("GET", "/api/usage")
            found = {each["budget"]: each for each in usage["budgets"]}
            return found if found["framesPerHour"]["now"] else None

        found = await eventually(counted)
        # The head of the shot for the proxy, and all of it for the export, which is larger.
        wanted = {"framesPerHour": 12 + 60, "pixelsPerHour": 12 * 854 * 480 + 60 * 320 * 180}
        for budget, amount in wanted.items():
            use = found[budget]
            assert (use["now"], use["hour"], use["day"], use["month"]) == (amount,) * 4
            assert use["projects"] == [{"projectId": project, "hour": amount, "day": amount, "month": amount}]
            assert use["reset"].endswith(":00:00Z")
        log = found["logBytes"]
        assert [each["projectId"] for each in log["projects"]] == [project]
        assert 0 < log["now"] < 100_000
    connection = await asyncpg.connect(house.database.owner_url)
    try:
        rows = await connection.fetch("SELECT key, amounts FROM render.slice ORDER BY key")
        assert await connection.fetchval("SELECT count(*) FROM render.slice_begun") == 0
    finally:
        await connection.close()
    assert {row["key"] for row in rows} == {
        f"segments/default/{name[:2]}/{name}.mp4" for name in house.studio.pictures()
    }
    usage = await house.call("GET", "/api/usage")
    assert "render" in usage["unavailable"], "it is not running any more"
