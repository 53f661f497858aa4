"""Exports per tenant: a full queue and a hurried client are answered 429, and nothing is asked of the log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from cutlog.hosting.settings import Renders
from services.ops.bootstrap import serving
from tests.ops.conftest import Client
from tests.support.configuration import SettingsFactory

FILM: list[dict[str, Any]] = [
    {"op": "track.add", "track": "v", "kind": "video"},
    {"op": "clip.add", "clip": "a", "track": "v", "at": 0, "color": "#336699", "frames": 30},
]


@pytest.fixture
async def limited(settings_for: SettingsFactory) -> AsyncIterator[Client]:
    """An editor of a tenant with two exports in the queue and four requests a minute."""
    numbers = {"*": Renders(queued=2, per_minute=4), "large": Renders()}
    settings = settings_for("ops").model_copy(update={"renders": numbers})
    async with serving(settings) as server, aiohttp.ClientSession() as session:
        yield Client(session, server.url, settings_for.token("editor"))


@pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")
async def test_a_full_queue_is_refused_until_there_is_room(limited: Client) -> None:
    for project in ("p1", "p2", "p3"):
        await limited.made("POST", "/api/projects", {"name": "Film", "id": project})
        await limited.edit(project, *FILM)
    first = await limited("POST", "/api/projects/p1/export", {})
    assert (await limited("POST", "/api/projects/p2/export", {}, key="k")).status == 202
    full = await limited("POST", "/api/projects/p3/export", {})
    assert (full.status, full.body["type"]) == (429, "/problems/too-many-exports")
    assert int(full.headers["Retry-After"]) > 0 and "2" in full.body["detail"]
    assert (await limited("POST", "/api/projects/p2/export", {}, key="k")).status == 202, "the first answer, again"
    assert (await limited.made("GET", "/api/projects/p3/exports"))["items"] == []
    assert (await limited("POST", f"/api/projects/p1/exports/{first.body['id']}/cancel")).status == 202
    assert (await limited("POST", "/api/projects/p3/export", {})).status == 202


@pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")
async def test_who_asks_too_often_waits(limited: Client) -> None:
    await limited.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await limited.edit("p1", *FILM)
    answers = [await limited("POST", "/api/projects/p1/export", {}) for _ in range(6)]
    assert [answer.status for answer in answers] == [202, 200, 200, 200, 429, 429]
    last = answers[-1]
    assert last.body["type"] == "/problems/rate-limited" and int(last.headers["Retry-After"]) >= 1
