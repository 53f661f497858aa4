"""What rendering uses is counted with each segment, and shown to the tenant."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest

from cutlog.hosting.settings import Budgets
from services.render.bootstrap import serving as serving_render
from tests.render.house import House
from tests.support.configuration import SettingsFactory
from tests.support.painting import Painter
from tests.support.waiting import eventually


@pytest.mark.slow(reason="starts ops and render, and renders")
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


async def test_over_an_hourly_budget_a_proxy_waits_and_says_until_when_and_frames_and_exports_are_429(
    house: House, painted: Painter, settings_for: SettingsFactory
) -> None:
    small = Budgets(frames_per_hour=20)
    async with serving_render(settings_for("render").model_copy(update={"budgets": {"*": small}})):
        await house.upload(painted)
        project = await house.project()
        version = await house.shot(project, "v_1", 0, 13, 33)
        path = f"/api/projects/{project}/versions"
        await house.proxy(project, version)
        export = await house.call("POST", f"/api/projects/{project}/export", {"version": version}, 202)

        async def rendered() -> bool:
            uses = (await house.call("GET", "/api/usage"))["budgets"]
            return any(use["budget"] == "framesPerHour" and use["now"] >= 20 for use in uses)

        assert await eventually(rendered)
        waiting = await house.shot(project, "v_1", 20, 50, 90)
        assert waiting == version + 1, "an edit is never refused"

        async def told() -> Any:
            proxy = (await house.version(project, waiting))["proxy"]
            return proxy if proxy["waitsFor"] else None

        proxy = await eventually(told)
        assert (proxy["status"], proxy["waitsFor"]) == ("queued", "framesPerHour")
        assert proxy["waitsUntil"].endswith(":00:00Z")
        refused = await house.call("POST", f"/api/projects/{project}/export", {"version": waiting}, 429)
        assert (refused["type"], refused["budget"], refused["limit"]) == (
            "/problems/budget-used-up",
            "framesPerHour",
            20,
        )
        assert refused["used"] >= 20 and refused["reset"] == proxy["waitsUntil"]
        headers = {"Authorization": f"Bearer {settings_for.token('viewer')}"}
        frame = f"{settings_for.peers['render']}{path}/{version}/frame?at=3"
        async with house.session.get(frame, headers=headers) as answer:
            assert (answer.status, (await answer.json(content_type=None))["budget"]) == (429, "framesPerHour")
            assert 0 < int(answer.headers["Retry-After"]) <= 3600
        connection = await asyncpg.connect(house.database.owner_url)
        try:
            await connection.execute("UPDATE render.used SET hour = hour - interval '1 hour'")
        finally:
            await connection.close()
        await house.proxy(project, waiting)
        found = await house.call("GET", f"/api/projects/{project}/exports/{export['id']}")
        assert found["status"] in ("ready", "queued"), "what was accepted is made"
        async with house.session.get(frame, headers=headers) as answer:
            assert answer.status == 200
