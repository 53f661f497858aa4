"""Projects and edits through the service itself: real HTTP, PostgreSQL and NATS."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from fnmatch import fnmatchcase
from typing import Any

import asyncpg
import msgspec
import pytest

from cutlog.contract.media import Stream
from tests.ops.conftest import FACTS, Client
from tests.support.database import Database

slow = pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")

Media = Callable[..., Awaitable[str]]
AsRole = Callable[..., Client]

TRACK = {"op": "track.add", "track": "v1", "kind": "video"}


def color(clip: str, at: int, frames: int = 10, **more: Any) -> dict[str, Any]:
    return {"op": "clip.add", "clip": clip, "track": "v1", "at": at, "color": "#ff0000", "frames": frames, **more}


async def test_a_project_is_made_edited_and_read_back(editor: Client, media: Media) -> None:
    await media("m1")
    project = await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    assert project["canvas"] == {"width": 1920, "height": 1080, "fps": [30, 1], "background": "#000000"}
    assert (project["currentVersion"], project["duration"], project["latestProxyKey"]) == (0, 0, None)
    committed = await editor.edit(
        "p1",
        TRACK,
        {"op": "clip.add", "clip": "c1", "track": "v1", "at": 0, "media": "m1", "in": 10, "out": 40},
        color("c2", 30),
        message="First cut",
    )
    assert (committed["version"], committed["duration"]) == (1, 40)
    await editor.edit("p1", {"op": "clip.trim", "clip": "c1", "out": 30, "ripple": True})
    shown = await editor.made("GET", "/api/projects/p1")
    assert (shown["currentVersion"], shown["duration"]) == (2, 30)
    timeline = await editor.made("GET", "/api/projects/p1/timeline")
    clips = timeline["tracks"][0]["clips"]
    assert [(clip["id"], clip["at"], clip["frames"]) for clip in clips] == [("c1", 0, 20), ("c2", 20, 10)]
    assert clips[0]["source"] == {"type": "media", "media": "m1", "in": 10, "out": 30}
    assert timeline["media"]["m1"]["status"] == "ready"
    assert timeline["media"]["m1"]["renditions"]["proxy"]["frames"] == 300
    first = await editor.made("GET", "/api/projects/p1/timeline?version=1")
    assert [(clip["id"], clip["at"]) for clip in first["tracks"][0]["clips"]] == [("c1", 0), ("c2", 30)]
    assert first["digest"] != timeline["digest"]
    empty = await editor.made("GET", "/api/projects/p1/timeline?version=0")
    assert (empty["tracks"], empty["duration"]) == ([], 0)
    versions = (await editor.made("GET", "/api/projects/p1/ops"))["items"]
    assert [(one["version"], one["message"], one["actor"]) for one in versions] == [
        (1, "First cut", "tester"),
        (2, None, "tester"),
    ]
    assert versions[1]["ops"] == [{"op": "clip.trim", "clip": "c1", "out": 30, "ripple": True}]
    version = await editor.made("GET", "/api/projects/p1/versions/2")
    assert version["digest"] == timeline["digest"]
    assert version["proxy"]["status"] == "queued"


async def test_of_two_clients_that_saw_the_same_version_one_wins(editor: Client, as_role: AsRole) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    other = as_role("editor", subject="other")
    answers = await asyncio.gather(
        editor("POST", "/api/projects/p1/ops", {"ops": [TRACK], "expectedVersion": 0}),
        other("POST", "/api/projects/p1/ops", {"ops": [TRACK], "expectedVersion": 0}),
    )
    assert sorted(answer.status for answer in answers) == [201, 409]
    won = next(answer.body for answer in answers if answer.status == 201)
    lost = next(answer.body for answer in answers if answer.status == 409)
    assert lost["type"] == "/problems/version-conflict"
    assert lost["currentVersion"] == 1
    assert [(one["version"], one["position"], one["ops"]) for one in lost["missed"]] == [(1, won["position"], [TRACK])]
    assert (await editor.made("GET", "/api/projects/p1"))["currentVersion"] == 1


async def test_the_same_key_and_body_give_one_version_and_the_same_answer(editor: Client) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    path, body = "/api/projects/p1/ops", {"ops": [TRACK], "expectedVersion": 0}
    first = await editor("POST", path, body, key="k1")
    again = await editor("POST", path, body, key="k1")
    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert again.headers["Idempotent-Replayed"] == "true"
    reused = await editor("POST", path, {"ops": [color("c1", 0)]}, key="k1")
    assert (reused.status, reused.body["type"]) == (422, "/problems/idempotency-key-reused")
    assert (await editor.made("GET", "/api/projects/p1"))["currentVersion"] == 1


@slow
async def test_the_same_key_many_times_at_once_gives_one_version(editor: Client) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    body = {"ops": [TRACK], "expectedVersion": 0}
    answers = await asyncio.gather(*(editor("POST", "/api/projects/p1/ops", body, key="k1") for _ in range(8)))
    assert [answer.status for answer in answers] == [201] * 8
    assert all(answer.body == answers[0].body for answer in answers)
    assert (await editor.made("GET", "/api/projects/p1"))["currentVersion"] == 1


@slow
async def test_the_same_key_at_once_makes_one_project(editor: Client) -> None:
    answers = await asyncio.gather(*(editor("POST", "/api/projects", {"name": "Film"}, key="k1") for _ in range(5)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert len((await editor.made("GET", "/api/projects"))["items"]) == 1


async def test_a_wrong_op_in_a_batch_of_ten_changes_nothing(editor: Client) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await editor.edit("p1", TRACK)
    batch = [color(f"c{n}", n * 10) for n in range(10)]
    batch[6] = color("c6", 35)
    answer = await editor("POST", "/api/projects/p1/ops", {"ops": batch})
    assert answer.status == 422
    assert [error["pointer"] for error in answer.body["errors"]] == ["/ops/6/at"]
    assert "c3" in answer.body["errors"][0]["detail"]
    assert (await editor.made("GET", "/api/projects/p1"))["currentVersion"] == 1
    assert (await editor.made("GET", "/api/projects/p1/timeline"))["tracks"][0]["clips"] == []


REFUSED: list[tuple[Any, int, str]] = [
    ({"ops": []}, 422, "/ops"),
    ({}, 422, "/ops"),
    ({"ops": [TRACK], "now": True}, 422, "/now"),
    ({"ops": [{"op": "clip.teleport"}]}, 422, "/ops/0/op"),
    ({"ops": [TRACK, {"op": "clip.remove"}]}, 422, "/ops/1/clip"),
    ({"ops": [color("c", True)]}, 422, "/ops/0/at"),
    ({"ops": [color("c", 0, 0)]}, 422, "/ops/0/frames"),
    ({"ops": [color("C", 0)]}, 422, "/ops/0/clip"),
    ({"ops": [color("c", 0, when="now")]}, 422, "/ops/0/when"),
    ({"ops": [color("c", 0)]}, 422, "/ops/0/track"),
    ({"ops": [{"op": "track.remove", "track": "v9"}]}, 422, "/ops/0/track"),
    ({"ops": [{"op": "project.configure", "fps": [1000, 1]}]}, 422, "/ops/0/fps"),
    ({"ops": [TRACK], "onConflict": "guess"}, 422, "/onConflict"),
    ({"ops": [TRACK], "expectedVersion": -1}, 422, "/expectedVersion"),
    ({"ops": [TRACK] * 1001}, 422, "/ops"),
]


GAIN = b'{"ops":[{"op":"clip.set","clip":"c","gainDb":%s}]}'
MALFORMED: list[tuple[bytes, int, str]] = [
    (b"", 400, ""),
    (b"{", 400, ""),
    (b"null", 422, ""),
    (b'{"ops":[{"op":"track.add","track":"\xff"}]}', 400, ""),
    (GAIN % b"NaN", 422, "/ops/0/gainDb"),
    (GAIN % b"Infinity", 422, "/ops/0/gainDb"),
    (GAIN % b"1e999", 422, "/ops/0/gainDb"),
    (GAIN % (b"[" * 1000 + b"]" * 1000), 422, "/ops/0/gainDb/0/0/*"),
    (b"[" * 100_000, 422, "/0/0/*"),
    (GAIN % b'1,"gainDb":2', 422, "/ops/0/gainDb"),
    (b'{"ops":[' + b"1," * 500_000 + b"1]}", 422, "/ops/0"),
    (b'{"ops":[' + b" " * 34_000_000 + b"]}", 413, ""),
]


async def test_what_is_not_an_edit_is_refused_with_a_pointer(editor: Client) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    for body, status, pointer in REFUSED:
        answer = await editor("POST", "/api/projects/p1/ops", body)
        assert (answer.status, answer.body["errors"][0]["pointer"]) == (status, pointer), answer.body
    for raw, status, pointer in MALFORMED:
        answer = await editor("POST", "/api/projects/p1/ops", raw=raw)
        assert answer.status == status, raw[:80]
        assert fnmatchcase(answer.body["errors"][0]["pointer"], pointer), raw[:80]
    assert (await editor.made("GET", "/api/projects/p1"))["currentVersion"] == 0


@slow
async def test_frames_beyond_a_media_and_media_of_others_are_refused(editor: Client, media: Media) -> None:
    await media("m1")
    await media("m2", tenant="acme", sha256="ef" * 32)
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    clip = {"op": "clip.add", "clip": "c1", "track": "v1", "at": 0, "media": "m1", "in": 0, "out": 301}
    answer = await editor("POST", "/api/projects/p1/ops", {"ops": [TRACK, clip]})
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "/ops/1/out")
    assert "at most 300" in answer.body["errors"][0]["detail"]
    for unknown in ("m2", "m3"):
        answer = await editor("POST", "/api/projects/p1/ops", {"ops": [TRACK, {**clip, "media": unknown}]})
        assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "/ops/1/media")


@slow
async def test_a_dry_run_tells_what_would_be_and_stores_nothing(editor: Client, database: Database) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    body = {"ops": [TRACK, color("c1", 0, 25)], "dryRun": True}
    answer = await editor("POST", "/api/projects/p1/ops", body)
    assert (answer.status, answer.body) == (200, {"version": 1, "duration": 25, "position": None})
    assert (await editor.made("GET", "/api/projects/p1"))["currentVersion"] == 0
    connection = await asyncpg.connect(database.dsn("ops"))
    try:
        assert await connection.fetchval("SELECT count(*) FROM event") == 1
    finally:
        await connection.close()


@slow
async def test_many_clients_at_once_make_versions_without_gaps(editor: Client) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await editor.edit("p1", TRACK)
    answers = await asyncio.gather(*(editor.edit("p1", color(f"c{n}", n * 10)) for n in range(40)))
    assert sorted(answer["version"] for answer in answers) == list(range(2, 42))
    assert len({answer["position"] for answer in answers}) == 40
    assert (await editor.made("GET", "/api/projects/p1"))["duration"] == 400


@slow
async def test_versions_come_in_pages(editor: Client) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    for n in range(7):
        await editor.edit("p1", {"op": "project.configure", "name": f"Film {n}"})
    seen: list[int] = []
    path = "/api/projects/p1/ops?from=2&upTo=6&limit=2"
    cursor = ""
    while True:
        page = await editor.made("GET", path + cursor)
        seen += [one["version"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [2, 3, 4, 5, 6]
    assert (await editor.made("GET", "/api/projects/p1"))["name"] == "Film 6"


@slow
async def test_projects_come_in_pages_newest_first(editor: Client) -> None:
    for n in range(5):
        await editor.made("POST", "/api/projects", {"name": f"Film {n}"})
    first = await editor.made("GET", "/api/projects?limit=3")
    rest = await editor.made("GET", f"/api/projects?limit=3&cursor={first['next']}")
    assert [one["name"] for one in first["items"] + rest["items"]] == [f"Film {n}" for n in (4, 3, 2, 1, 0)]
    assert rest["next"] is None


async def test_another_tenants_project_does_not_exist(editor: Client, as_role: AsRole) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await editor.edit("p1", TRACK, color("c1", 0))
    stranger = as_role("admin", tenant="acme")
    for method, path, body in [
        ("GET", "", None), ("DELETE", "", None), ("POST", "/restore", None), ("GET", "/ops", None),
        ("POST", "/ops", {"ops": [TRACK]}), ("POST", "/ops", {"ops": [TRACK], "dryRun": True}),
        ("GET", "/timeline", None), ("GET", "/versions/1", None), ("GET", "/versions/1/proxy", None),
        ("POST", "/versions/1/pin", None), ("POST", "/export", None), ("GET", "/exports", None),
        ("GET", "/events", None),
    ]:  # fmt: skip
        answer = await stranger(method, f"/api/projects/p1{path}", body)
        assert answer.status == 404, (method, path, answer.body)
    assert (await stranger.made("GET", "/api/projects"))["items"] == []


async def test_roles_may_do_their_own_and_no_more(editor: Client, as_role: AsRole) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    viewer, service = as_role("viewer"), as_role("service")
    assert (await viewer("GET", "/api/projects/p1")).status == 200
    assert (await viewer("POST", "/api/projects/p1/ops", {"ops": [TRACK]})).status == 403
    assert (await viewer("DELETE", "/api/projects/p1")).status == 403
    assert (await service("GET", "/api/projects/p1")).status == 403
    assert (await editor("GET", "/internal/projects/p1/versions/0/timeline")).status == 403
    assert (await service("GET", "/internal/projects/p1/versions/0/timeline")).status == 200
    nobody = Client(editor.session, editor.url, "nonsense")
    assert (await nobody("GET", "/api/projects/p1")).status == 401


async def test_a_deleted_project_is_hidden_and_comes_back_whole(editor: Client) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await editor.edit("p1", TRACK, color("c1", 0))
    before = await editor.made("GET", "/api/projects/p1/timeline")
    assert (await editor("DELETE", "/api/projects/p1")).status == 204
    assert (await editor("GET", "/api/projects/p1")).status == 404
    assert (await editor("DELETE", "/api/projects/p1")).status == 404
    assert (await editor("POST", "/api/projects/p1/ops", {"ops": [color("c2", 10)]})).status == 404
    assert (await editor("POST", "/api/projects", {"name": "Film", "id": "p1"})).status == 409
    assert (await editor.made("GET", "/api/projects"))["items"] == []
    assert (await editor.made("POST", "/api/projects/p1/restore"))["currentVersion"] == 1
    assert await editor.made("GET", "/api/projects/p1/timeline") == before


@pytest.mark.few(1, reason="starts ops, NATS and a database for one more case of its kind")
@pytest.mark.parametrize(
    "canvas", [{"width": 15}, {"fps": [0, 1]}, {"fps": [1, 100]}, {"background": "red"}, {"dpi": 72}]
)
async def test_a_canvas_that_cannot_be_is_refused(editor: Client, canvas: dict[str, Any]) -> None:
    answer = await editor("POST", "/api/projects", {"name": "Film", "canvas": canvas})
    assert answer.status == 422
    assert answer.body["errors"][0]["pointer"].startswith("/canvas/")


async def test_health_docs_and_the_description_of_all_routes(ops: str, editor: Client) -> None:
    document = await editor.made("GET", "/api/openapi.json")
    assert "/api/projects/{project}/ops" in document["paths"]
    assert not any(path.startswith("/internal/") for path in document["paths"])
    health = await editor("GET", "/api/health")
    assert health.status == 503, "the peers are not there"
    assert health.body["services"]["ops"]["status"] == "ok"
    assert (await editor("GET", "/readyz")).status == 200
    assert b"<html" in (await editor("GET", "/api/docs")).body


@slow
async def test_an_edit_that_would_grow_beyond_a_message_is_refused(editor: Client) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await editor.edit("p1", TRACK, color("c1", 0))

    def body(numbers: int) -> bytes:
        keyframes = ",".join(f'{{"frame":{n},"value":1e-300}}' for n in range(numbers))
        op = '{"op":"clip.set","clip":"c1","opacity":{"keyframes":[' + keyframes + "]}}"
        return ('{"dryRun":false,"ops":[' + ",".join([op] * 20) + "]}").encode()

    assert (await editor("POST", "/api/projects/p1/ops", raw=body(1000))).status == 413
    assert (await editor("POST", "/api/projects/p1/ops", raw=body(100))).status in (201, 422)
    assert (await editor("GET", "/api/projects/p1")).status == 200


@slow
async def test_a_clip_names_the_streams_that_it_shows_and_plays(editor: Client, media: Media) -> None:
    streams = tuple(Stream(index=n, kind="audio", codec="aac", usable=True, chosen=n == 1) for n in (1, 2))
    await media("m1", facts=msgspec.structs.replace(FACTS, streams=streams))
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    clip = {"op": "clip.add", "clip": "c1", "track": "v1", "at": 0, "media": "m1", "in": 0, "out": 30}
    await editor.edit("p1", TRACK, clip | {"stream": {"audio": 2}})
    timeline = await editor.made("GET", "/api/projects/p1/timeline")
    assert timeline["tracks"][0]["clips"][0]["source"]["stream"] == {"audio": 2}
    for stream in ({"audio": 9}, {"audio": -1}, {"audio": "2"}):
        answer = await editor("POST", "/api/projects/p1/ops", {"ops": [clip | {"clip": "c2", "stream": stream}]})
        assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "/ops/0/stream/audio"), stream
    assert (await editor.made("GET", "/api/projects/p1"))["currentVersion"] == 1
