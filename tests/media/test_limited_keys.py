"""An API key that is limited to projects sees the videos that these use and its own uploads."""

from __future__ import annotations

from tests.media.conftest import Client, House
from tests.support.painting import Painter
from tests.support.waiting import eventually

TUS = {"Tus-Resumable": "1.0.0"}


async def test_a_limited_key_sees_what_its_projects_use_and_what_it_uploaded(house: House, painted: Painter) -> None:
    await house.start("ops", "media")
    admin, editor, media = house.client("ops", "admin"), house.client("ops"), house.client()
    used, other, shared = [(await media.upload(painted(25, 25, tag=tag))).body["id"] for tag in (1, 2, 3)]
    await media.ready(used)
    project = (await editor("POST", "/api/projects", json={"name": "Mine"})).body["id"]
    clip = {"op": "clip.add", "clip": "c", "track": "v", "at": 0, "media": used, "in": 0, "out": 10}
    batch = {"ops": [{"op": "track.add", "track": "v", "kind": "video"}, clip]}
    assert (await editor("POST", f"/api/projects/{project}/ops", json=batch)).status == 201
    asked = {"name": "k", "role": "editor", "projects": [project]}
    secret = (await admin("POST", "/api/keys", json=asked)).body["key"]
    key = Client(house.session, media.url, secret)

    async def listed() -> list[str]:
        return [each["id"] for each in (await key("GET", "/api/videos")).body["items"]]

    async def sees_used() -> bool:
        return await listed() == [used]

    await eventually(sees_used)
    again = await key.upload(painted(25, 25, tag=3))
    assert (again.status, again.body["id"]) == (200, shared), "a duplicate is its own upload, too"
    fresh = (await key.upload(painted(25, 25, tag=4))).body["id"]
    assert set(await listed()) == {used, shared, fresh}
    for video in (other, shared, fresh):
        await media.ready(video)
    for video, seen in ((used, True), (shared, True), (fresh, True), (other, False)):
        for path in ("", "/download", "/thumbnail?at=0"):
            assert ((await key("GET", f"/api/videos/{video}{path}")).status != 404) == seen, (video, path)
    assert (await key("DELETE", f"/api/videos/{used}")).status == 404, "somebody else uploaded it"
    assert (await key("DELETE", f"/api/videos/{fresh}")).status == 200
    assert (await key("POST", "/api/videos/check", json={"sha256": "0" * 64, "size": 1})).status == 403
    theirs = (await media("POST", "/api/uploads", headers=TUS | {"Upload-Length": "9"})).headers["Location"]
    mine = (await key("POST", "/api/uploads", headers=TUS | {"Upload-Length": "9"})).headers["Location"]
    assert (await key("HEAD", theirs, headers=TUS)).status == 404
    assert (await key("HEAD", mine, headers=TUS)).status == 200
    for path in ("/api/videos/examine", "/api/compat/videos"):
        assert (await key("GET", path)).status == 403, path
