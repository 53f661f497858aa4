"""Answers that wait for a render, through the service itself."""

from __future__ import annotations

import asyncio
from typing import Any

from cutlog.contract.commands import Output, ReportProxy
from tests.ops.conftest import Ask, Client

COLOR = {"op": "clip.add", "clip": "a", "track": "v1", "at": 0, "color": "#ff0000", "frames": 10}


async def test_an_answer_waits_until_the_render_ends(editor: Client, ask: Ask) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await editor.edit("p1", {"op": "track.add", "track": "v1", "kind": "video"}, COLOR)
    export: dict[str, Any] = await editor.made("POST", "/api/projects/p1/export", {"version": 1})
    path = f"/api/projects/p1/exports/{export['id']}"
    assert (await editor.made("GET", f"{path}?wait=0"))["status"] == "queued"
    waiting = asyncio.create_task(editor.made("GET", f"{path}?wait=30"))
    await editor.made("GET", "/api/projects/p1/versions/1")  # by now the other request has been taken
    await editor.made("POST", f"{path}/cancel")
    assert (await waiting)["status"] == "cancelled"
    assert (await editor.made("GET", f"{path}?wait=30"))["status"] == "cancelled", "what has ended is told at once"

    proxy = asyncio.create_task(editor("GET", "/api/projects/p1/versions/1/proxy?wait=30", accept="application/json"))
    digest = (await editor.made("GET", "/api/projects/p1/versions/1"))["digest"]
    made = Output(key="proxies/p1/v1.mp4", size=1, sha256="0" * 64, frames=10, encoded=10)
    report = ReportProxy(project_id="p1", version=1, digest=digest, output=made)
    assert (await ask("render", report, "proxy-1")).refused is None
    answer = await proxy
    assert (answer.status, "url" in answer.body) == (200, True)
    for wait in (-1, 31):
        refused = await editor("GET", f"{path}?wait={wait}")
        assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "?wait")
