"""All four services on a bucket: upload, edit, proxy, export, download, archive, restore, delete."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from cutlog.blobs import BlobStore, open_blobs, remote
from tests.support.buckets import SeaweedFS
from tests.support.configuration import SettingsFactory
from tests.support.database import Database
from tests.support.faulty import Faulty, faulty
from tests.support.house import services
from tests.support.painting import Painter
from tests.support.waiting import eventually

EAGER = {"ttlDays": 0, "keepLatest": 0, "archiveGraceDays": 0, "maxDeleteFraction": 1.0}


class Users:
    """Requests to each service, as an admin."""

    def __init__(self, http: aiohttp.ClientSession, urls: dict[str, str], token: str) -> None:
        self.http, self.urls, self.token = http, urls, token

    async def __call__(self, service: str, method: str, path: str, body: Any = None, **more: Any) -> Any:
        """The answer's JSON or bytes; asks again as often as it is told to come back."""
        headers = {"Authorization": f"Bearer {self.token}"}
        while True:
            async with self.http.request(
                method, self.urls[service] + path, json=body, headers=headers, **more
            ) as answer:
                if answer.status == 503 and "Retry-After" in answer.headers:
                    await asyncio.sleep(float(answer.headers["Retry-After"]))
                    continue
                assert answer.status < 300, await answer.text()
                return await answer.json() if "json" in answer.content_type else await answer.read()

    async def until(self, service: str, path: str, status: str, part: str | None = None) -> Any:
        async def there() -> Any:
            found = await self(service, "GET", path)
            shown = found[part] if part else found
            assert shown["status"] != "failed", shown
            return found if shown["status"] == status else None

        return await eventually(there)


@pytest.fixture
async def network(s3: SeaweedFS) -> AsyncIterator[Faulty]:
    async with faulty(s3.url) as way:
        yield way


@pytest.fixture
def bad_bucket(bucket: str, network: Faulty, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket behind the network, of which services hear soon that it is unavailable."""
    monkeypatch.setenv("AWS_ENDPOINT", network.url)
    monkeypatch.setitem(remote.RETRIES, "max_retries", 1)
    return bucket


@pytest.fixture
async def users(settings_for: SettingsFactory, bucket: str) -> AsyncIterator[Users]:
    async with at_work(settings_for, bucket) as users:
        yield users


@asynccontextmanager
async def at_work(settings_for: SettingsFactory, bucket: str) -> AsyncIterator[Users]:
    async with services(settings_for, objects_url=bucket) as urls, aiohttp.ClientSession() as http:
        yield Users(http, urls, settings_for.token("admin"))


async def keys(store: BlobStore, prefix: str) -> list[str]:
    return sorted([head.key async for head in store.list(prefix)])


@pytest.mark.slow(reason="runs all services on a server of S3")
async def test_a_film_lives_and_ends_in_a_bucket(users: Users, bucket: str, painted: Painter) -> None:
    store, clip = open_blobs(bucket, ""), painted(25, 50, (320, 180), tag=1, audio=True)
    form = aiohttp.FormData()
    form.add_field("file", clip.read_bytes(), filename="my film.mp4")
    video = await users("media", "POST", "/api/videos/upload", data=form)
    await users.until("media", f"/api/videos/{video['id']}", "ready")
    canvas = {"width": 320, "height": 180, "fps": [25, 1]}
    await users("ops", "POST", "/api/projects", {"name": "Film", "id": "p", "canvas": canvas})
    ids: list[str] = []
    export: Any = None
    for version in (1, 2):
        track = [{"op": "track.add", "track": "v", "kind": "video"}] if version == 1 else []
        shot = {"op": "clip.add", "clip": f"c{version}", "track": "v", "at": 40 * version, "media": video["id"],
                "in": 3, "out": 33}  # fmt: skip
        await users("ops", "POST", "/api/projects/p/ops", {"ops": [*track, shot]})
        await users.until("ops", f"/api/projects/p/versions/{version}", "ready", "proxy")
        asked = await users("ops", "POST", "/api/projects/p/export", {"version": version, "profile": "mp4-360p"})
        ids.append(asked["id"])
        export = await users.until("ops", f"/api/projects/p/exports/{asked['id']}", "ready")
    async with users.http.get(export["url"]) as film:
        body = await film.read()
        assert 'filename="p_v2_mp4-360p.mp4"' in film.headers["Content-Disposition"]
        assert film.status == 200 and len(body) == export["size"] and body[4:8] == b"ftyp"
    assert await store.get(export["key"]) == body
    original = await users("media", "GET", f"/api/videos/{video['id']}/download")
    assert original == clip.read_bytes()

    async def planned() -> Any:
        made = await users("gc", "POST", "/api/admin/gc/calculate", {"policy": EAGER})
        return made if made["candidateCount"] == 1 else None

    plan = await eventually(planned)
    assert [each["exportId"] for each in plan["candidates"]] == ids[:1]
    await users("gc", "POST", "/api/admin/gc/archive", {"planId": plan["planId"]})
    assert len(await keys(store, "archive")) == 1 and len(await keys(store, "export")) == 1
    await users("gc", "POST", "/api/admin/gc/restore", {"exportIds": ids[:1]})
    await eventually(lambda: _restored(store))
    await users("gc", "POST", "/api/admin/gc/archive", {"planId": plan["planId"]})
    gone = await users("gc", "POST", "/api/admin/gc/delete", {"exportIds": ids[:1], "confirm": plan["planHash"]})
    assert gone["deleted"] == ids[:1] and gone["bytesFreed"] > 0
    assert await keys(store, "archive") == [] and await keys(store, "export") == [export["key"]]


async def _restored(store: BlobStore) -> bool:
    return len(await keys(store, "export")) == 2 and not await keys(store, "archive")


def form_of(clip: Path, name: str) -> aiohttp.FormData:
    form = aiohttp.FormData()
    form.add_field("file", clip.read_bytes(), filename=name)
    return form


async def rows(database: Database, service: str, query: str) -> list[dict[str, Any]]:
    connection = await asyncpg.connect(database.dsn(service))
    try:
        return [dict(row) for row in await connection.fetch(query)]
    finally:
        await connection.close()


@pytest.mark.slow(reason="a stack on a bucket sits an outage out")
@pytest.mark.parametrize("methods", [frozenset[str](), frozenset({"PUT", "POST"})], ids=["everything", "writing"])
async def test_an_outage_of_the_bucket_fails_nothing_and_costs_nothing_twice(
    bad_bucket: str,
    network: Faulty,
    settings_for: SettingsFactory,
    database: Database,
    painted: Painter,
    methods: frozenset[str],
) -> None:
    first, second = painted(25, 50, (320, 180), tag=1, audio=True), painted(25, 50, (320, 180), tag=2)
    async with at_work(settings_for, bad_bucket) as users:
        video = await users("media", "POST", "/api/videos/upload", data=form_of(first, "first.mp4"))
        network.lasting, network.methods = "503", methods

        async def told(service: str) -> tuple[int, Any]:
            async with users.http.get(users.urls[service] + "/readyz") as answer:
                return answer.status, (await answer.json())["checks"].get("store")

        assert [await told(name) for name in ("ops", "media", "render", "gc")] == [
            (200, None), *([(503, "down")] if not methods else [(200, "ok")]) * 3,
        ]  # fmt: skip
        where, headers = users.urls["media"] + "/api/videos/upload", {"Authorization": f"Bearer {users.token}"}
        async with users.http.post(where, data=form_of(second, "second.mp4"), headers=headers) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, "2")
            assert (await answer.json())["type"] == "/problems/dependency-down"
        canvas = {"width": 320, "height": 180, "fps": [25, 1]}
        await users("ops", "POST", "/api/projects", {"name": "Film", "id": "p", "canvas": canvas})
        shot = {"op": "clip.add", "clip": "c", "track": "v", "at": 0, "media": video["id"], "in": 0, "out": 50}
        title = {"op": "clip.add", "clip": "t", "track": "v", "at": 50, "text": {"text": "Ende"}, "frames": 25}
        track = {"op": "track.add", "track": "v", "kind": "video"}
        await users("ops", "POST", "/api/projects/p/ops", {"ops": [track, title]})
        met = len(network.happened)
        await eventually(lambda: len(network.happened) > met + 20)  # both services have met it, again and again
        assert [await told(name) for name in ("media", "render")] == [(503, "down")] * 2
        network.lasting = None
        assert [await told(name) for name in ("media", "render", "gc")] == [(200, "ok")] * 3
        await users.until("media", f"/api/videos/{video['id']}", "ready")
        await users.until("ops", "/api/projects/p/versions/1", "ready", "proxy")
        await users("ops", "POST", "/api/projects/p/ops", {"ops": [shot]})
        await users.until("ops", "/api/projects/p/versions/2", "ready", "proxy")
        await users("media", "POST", "/api/videos/upload", data=form_of(second, "second.mp4"))
        derived = "SELECT derive_run, status FROM video WHERE name = 'first.mp4'"
        assert await rows(database, "media", derived) == [{"derive_run": 1, "status": "ready"}]
        jobs = await rows(database, "render", "SELECT version, status, failures FROM job ORDER BY version")
        assert jobs == [{"version": version, "status": "done", "failures": 0} for version in (1, 2)]
