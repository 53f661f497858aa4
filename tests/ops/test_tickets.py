"""POST /api/tickets."""

from __future__ import annotations

import time
from datetime import datetime
from urllib.parse import urlsplit

import aiohttp

from tests.ops.conftest import Client


async def test_a_ticket_is_made_and_opens_what_it_is_for(editor: Client) -> None:
    project = (await editor.made("POST", "/api/projects", {"name": "Film"}))["id"]
    path = f"/api/projects/{project}/ops?from=1"
    answer = await editor("POST", "/api/tickets", {"path": path, "ttl": 5}, key="once")
    assert answer.status == 201
    assert 3 < datetime.fromisoformat(answer.body["expiresAt"]).timestamp() - time.time() <= 5
    url = urlsplit(answer.body["url"])
    assert answer.body["url"].startswith(f"{editor.url}{path}&ticket=")
    for link, status in ((answer.body["url"], 200), (f"{editor.url}{url.path}?{url.query.partition('&')[2]}", 401)):
        async with aiohttp.ClientSession() as http, http.get(link) as opened:
            assert opened.status == status
    again = await editor("POST", "/api/tickets", {"path": path, "ttl": 5}, key="once")
    assert (again.status, again.body["type"]) == (409, "/problems/idempotency-key-used")
    other = await editor("POST", "/api/tickets", {"path": path, "ttl": 6}, key="once")
    assert (other.status, other.body["type"]) == (422, "/problems/idempotency-key-reused")


async def test_what_no_ticket_can_be_for_is_refused(editor: Client) -> None:
    for body in (
        {"path": "/internal/credentials"}, {"path": "https://evil.example/api/x"}, {"path": "/api/x#y"},
        {"path": "/api/a b"}, {"path": "/api/é"}, {"path": "/api/x\n"}, {"path": "/api/" + "x" * 2000}, {},
        {"path": "/api/projects", "ttl": 601}, {"path": "/api/projects", "ttl": 0}, {"path": "/api/x", "more": 1},
    ):  # fmt: skip
        assert (await editor("POST", "/api/tickets", body)).status == 422, body
