"""Going back, forking, differences and rebases through the service itself: real HTTP, PostgreSQL and NATS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.commands import RecordMediaReleased
from cutlog.contract.events import MediaReleased
from cutlog.db.engine import create_engine
from cutlog.hosting.settings import Settings
from services.ops.log.read import LogReader
from services.ops.project.history import History
from services.ops.readmodel.rebuild import rebuild
from tests.ops.conftest import Ask, Client
from tests.support.database import Database
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")

Media = Callable[..., Awaitable[str]]
AsRole = Callable[..., Client]

TRACK = {"op": "track.add", "track": "v1", "kind": "video"}


def color(clip: str, at: int, frames: int = 10, **more: Any) -> dict[str, Any]:
    return {"op": "clip.add", "clip": clip, "track": "v1", "at": at, "color": "#ff0000", "frames": frames, **more}


def film(clip: str, at: int, start: int, end: int) -> dict[str, Any]:
    return {"op": "clip.add", "clip": clip, "track": "v1", "at": at, "media": "m1", "in": start, "out": end}


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(settings)
    yield engine
    await engine.dispose()


@pytest.fixture
async def cut(editor: Client, media: Media) -> Client:
    """Project p1: a track with two clips of a film (1), the first trimmed (2), both gone and the canvas smaller (3)."""
    await media("m1")
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await editor.edit("p1", TRACK, film("a", 0, 0, 100), film("b", 100, 50, 80))
    await editor.edit("p1", {"op": "clip.trim", "clip": "a", "out": 60, "ripple": True}, message="Shorter")
    await editor.edit("p1", {"op": "track.remove", "track": "v1"}, {"op": "project.configure", "width": 640})
    return editor


async def timeline(client: Client, project: str, version: int | None = None) -> dict[str, Any]:
    query = "" if version is None else f"?version={version}"
    shown: dict[str, Any] = await client.made("GET", f"/api/projects/{project}/timeline{query}")
    return {key: value for key, value in shown.items() if key not in ("version", "projectId")}


# --- revert


@slow
@pytest.mark.parametrize("version", [0, 1, 2, 3])
async def test_after_a_revert_the_timeline_is_that_of_the_version(cut: Client, version: int) -> None:
    committed = await cut.made("POST", "/api/projects/p1/revert", {"toVersion": version, "expectedVersion": 3})
    assert committed["version"] == 4
    assert await timeline(cut, "p1") == await timeline(cut, "p1", version)
    project = await cut.made("GET", "/api/projects/p1")
    assert project["canvas"]["width"] == (640 if version == 3 else 1920)
    assert project["duration"] == committed["duration"]
    versions = (await cut.made("GET", "/api/projects/p1/ops?from=4"))["items"]
    assert versions[0]["ops"] == [{"op": "history.revert", "toVersion": version}]


@slow
async def test_a_revert_keeps_its_message_and_can_be_tried_dry(cut: Client) -> None:
    dry = await cut("POST", "/api/projects/p1/revert", {"toVersion": 1, "dryRun": True})
    assert (dry.status, dry.body) == (200, {"version": 4, "duration": 130, "position": None})
    await cut.made("POST", "/api/projects/p1/revert", {"toVersion": 1, "message": "Back to the first cut"})
    assert (await cut.made("GET", "/api/projects/p1/versions/4"))["message"] == "Back to the first cut"


@slow
async def test_ids_stay_taken_after_a_revert(cut: Client) -> None:
    await cut.edit("p1", {"op": "track.add", "track": "v9", "kind": "video"})
    await cut.made("POST", "/api/projects/p1/revert", {"toVersion": 2})
    again = await cut("POST", "/api/projects/p1/ops", {"ops": [{"op": "track.add", "track": "v9", "kind": "video"}]})
    assert (again.status, again.body["errors"][0]["pointer"]) == (422, "/ops/0/track")


async def test_a_revert_to_what_never_was_is_refused_and_a_stale_one_told_what_it_missed(cut: Client) -> None:
    never = await cut("POST", "/api/projects/p1/revert", {"toVersion": 9})
    assert (never.status, never.body["errors"][0]["pointer"]) == (422, "/toVersion")
    stale = await cut("POST", "/api/projects/p1/revert", {"toVersion": 0, "expectedVersion": 2})
    assert stale.status == 409
    assert [version["version"] for version in stale.body["missed"]] == [3]
    again = await cut("POST", "/api/projects/p1/ops", {"ops": [{"op": "history.revert", "toVersion": 9}]})
    assert (again.status, again.body["errors"][0]["pointer"]) == (422, "/ops/0/toVersion")


@slow
async def test_a_revert_among_other_ops_is_one_version_with_them(cut: Client) -> None:
    await cut.edit("p1", {"op": "history.revert", "toVersion": 2}, {"op": "clip.remove", "clip": "a", "ripple": True})
    shown = await timeline(cut, "p1")
    assert [(clip["id"], clip["at"]) for clip in shown["tracks"][0]["clips"]] == [("b", 0)]


@slow
async def test_one_batch_goes_back_to_a_few_versions_only(cut: Client) -> None:
    for n in range(10):
        await cut.edit("p1", {"op": "marker.add", "marker": f"m{n}", "at": n})
    for n in range(90):
        await cut.edit("p1", {"op": "marker.move", "marker": "m0", "at": n})
    reverts = [{"op": "history.revert", "toVersion": n} for n in range(102)]
    answer = await cut("POST", "/api/projects/p1/ops", {"ops": reverts})
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "/ops/100")


@slow
async def test_a_revert_brings_media_back_into_use(cut: Client) -> None:
    await cut.made("POST", "/api/projects/p1/revert", {"toVersion": 1})
    events = await cut.made("GET", "/api/projects/p1/ops?from=4")
    assert len(events["items"]) == 1
    assert "m1" in (await cut.made("GET", "/api/projects/p1/timeline"))["media"]


@slow
async def test_folding_across_reverts_is_the_same_from_every_snapshot(
    cut: Client, engine: AsyncEngine, database: Database
) -> None:
    await cut.made("POST", "/api/projects/p1/revert", {"toVersion": 1})
    for n in range(230):
        if n % 9 == 4:
            await cut.made("POST", "/api/projects/p1/revert", {"toVersion": (n * 31) % (n + 4)})
        else:
            await cut.edit("p1", {"op": "marker.add", "marker": f"m{n}", "at": n})
    owner = await asyncpg.connect(database.owner_url)
    try:
        await eventually(lambda: _snapshots(owner, "p1", [100, 200]))
        wanted = (0, 1, 2, 3, 4, 8, 99, 100, 150, 199, 200, 201, 234)
        shown = {n: await timeline(cut, "p1", n) for n in wanted}
        seen = {n: await _markers(engine, n) for n in wanted}
        await owner.execute("DELETE FROM ops.snapshot WHERE version = 200")
        assert {n: await _markers(engine, n) for n in wanted} == seen
        await owner.execute("UPDATE ops.snapshot SET format = 0")
        assert {n: await _markers(engine, n) for n in wanted} == seen, "snapshots of another format are passed over"
        assert {n: [m["id"] for m in timeline["markers"]] for n, timeline in shown.items()} == seen
        history = History(engine, LogReader(engine))
        spans = await history.span("p1", 95, 205)
        assert [len(sequence.markers) for sequence in spans[5:105:99]] == [len(seen[100]), len(seen[199])]
    finally:
        await owner.close()


async def _snapshots(owner: asyncpg.Connection, project: str, versions: list[int]) -> bool:
    rows = await owner.fetch("SELECT version FROM ops.snapshot WHERE project = $1 ORDER BY version", project)
    return [row["version"] for row in rows] == versions


async def _markers(engine: AsyncEngine, version: int) -> list[str]:
    sequence = await History(engine, LogReader(engine)).at("p1", version)
    return [marker.id for _, marker in sorted(sequence.markers.items(), key=lambda item: (item[1].at, item[0]))]


# --- fork


async def test_a_fork_starts_from_a_version_and_remembers_where(cut: Client) -> None:
    fork = await cut.made("POST", "/api/projects/p1/fork", {"name": "Another cut", "version": 2, "id": "f1"})
    assert fork["origin"] == {"projectId": "p1", "version": 2}
    assert (fork["currentVersion"], fork["duration"], fork["name"]) == (0, 90, "Another cut")
    assert await cut.made("GET", "/api/projects/f1") == fork
    assert await timeline(cut, "f1") == await timeline(cut, "p1", 2)
    await cut.edit("f1", {"op": "clip.remove", "clip": "a", "ripple": True})
    await cut.made("POST", "/api/projects/f1/revert", {"toVersion": 0})
    assert await timeline(cut, "f1") == await timeline(cut, "p1", 2)
    assert (await cut.made("GET", "/api/projects/p1"))["currentVersion"] == 3
    assert (await cut.made("GET", "/api/projects/p1"))["origin"] is None
    listed = {project["id"]: project["origin"] for project in (await cut.made("GET", "/api/projects"))["items"]}
    assert listed == {"p1": None, "f1": {"projectId": "p1", "version": 2}}


@slow
async def test_the_newest_version_is_forked_unless_one_is_named(cut: Client) -> None:
    fork = await cut.made("POST", "/api/projects/p1/fork", {"name": "Now"})
    assert fork["origin"]["version"] == 3
    assert fork["id"].startswith("p_")
    assert fork["canvas"]["width"] == 640


@slow
async def test_a_fork_of_a_fork_outlives_the_projects_it_came_from(
    cut: Client, engine: AsyncEngine, database: Database
) -> None:
    await cut.made("POST", "/api/projects/p1/fork", {"name": "One", "version": 1, "id": "f1"})
    await cut.edit("f1", {"op": "clip.trim", "clip": "b", "in": 60})
    await cut.made("POST", "/api/projects/f1/fork", {"name": "Two", "id": "f2"})
    await cut.edit("f2", {"op": "marker.add", "marker": "m", "at": 3})
    before = await timeline(cut, "f2")
    for project in ("p1", "f1"):
        assert (await cut("DELETE", f"/api/projects/{project}")).status == 204
    assert await timeline(cut, "f2") == before
    owner = await asyncpg.connect(database.owner_url)
    try:
        await eventually(lambda: _snapshots(owner, "f2", [0]))
        kept = await History(engine, LogReader(engine)).head("f2")
        await owner.execute("DELETE FROM ops.snapshot")
        assert await History(engine, LogReader(engine)).head("f2") == kept, "by way of both origins"
    finally:
        await owner.close()


@slow
async def test_media_of_a_fork_are_in_use(cut: Client, ask: Ask, database: Database) -> None:
    await cut.made("POST", "/api/projects/p1/fork", {"name": "Another cut", "version": 1, "id": "f1"})
    owner = await asyncpg.connect(database.owner_url)
    try:
        rows = await owner.fetch("SELECT project, version FROM ops.media_use WHERE media = 'm1' ORDER BY project")
        assert [tuple(row) for row in rows] == [("f1", 0), ("p1", 1)]
    finally:
        await owner.close()
    refused = (await ask("media", RecordMediaReleased(media_id="m1", event=MediaReleased(ref_count=0)), "rel")).refused
    assert refused is not None
    assert "2 projects" in refused.detail


@slow
async def test_a_fork_can_be_tried_dry_asked_for_twice_and_not_onto_another(cut: Client) -> None:
    dry = await cut("POST", "/api/projects/p1/fork", {"name": "Dry", "id": "f0", "version": 1, "dryRun": True})
    assert (dry.status, dry.body["duration"]) == (200, 130)
    assert (await cut("GET", "/api/projects/f0")).status == 404
    body = {"name": "Twice", "version": 1}
    once, twice = [await cut("POST", "/api/projects/p1/fork", body, key="k") for _ in range(2)]
    assert (once.status, twice.status, once.body) == (201, 201, twice.body)
    taken = await cut("POST", "/api/projects/p1/fork", {"name": "Onto", "id": "p1"})
    assert taken.status == 409
    assert (await cut("POST", "/api/projects/p1/fork", {"name": "Never", "version": 9})).status == 404
    assert (await cut("POST", "/api/projects/p1/fork", {"version": 1})).status == 422


@slow
async def test_the_first_version_of_a_fork_has_a_proxy_to_come(cut: Client) -> None:
    await cut.made("POST", "/api/projects/p1/fork", {"name": "Another cut", "version": 1, "id": "f1"})
    shown = await cut.made("GET", "/api/projects/f1/versions/0")
    assert (shown["duration"], shown["proxy"]["status"]) == (130, "queued")
    export = await cut.made("POST", "/api/projects/f1/export")
    assert (export["version"], export["status"]) == (0, "queued")


@slow
async def test_rows_of_forks_and_reverts_equal_those_of_a_rebuild(
    cut: Client, engine: AsyncEngine, database: Database
) -> None:
    await cut.made("POST", "/api/projects/p1/revert", {"toVersion": 1})
    await cut.made("POST", "/api/projects/p1/fork", {"name": "Another cut", "id": "f1"})
    owner = await asyncpg.connect(database.owner_url)
    try:
        tables = ("project", "version", "media_use")
        before = [sorted(map(tuple, await owner.fetch(f"SELECT * FROM ops.{t}")), key=repr) for t in tables]
        await rebuild(engine, LogReader(engine))
        assert [sorted(map(tuple, await owner.fetch(f"SELECT * FROM ops.{t}")), key=repr) for t in tables] == before
    finally:
        await owner.close()


# --- diff


@slow
async def test_a_difference_is_told_clip_by_clip(cut: Client) -> None:
    told = await cut.made("GET", "/api/projects/p1/diff?from=1&to=2")
    assert (told["from"], told["to"]) == (1, 2)
    assert [change["text"] for change in told["changes"]] == [
        "clip b moved from v1 at 100 to v1 at 60",
        "clip a trimmed, its tail by -40 frames",
    ]
    newest = await cut.made("GET", "/api/projects/p1/diff")
    assert (newest["from"], newest["to"]) == (2, 3)
    assert [(change["change"], change["of"], change["id"]) for change in newest["changes"]] == [
        ("set", "project", ""), ("removed", "track", "v1"), ("removed", "clip", "a"), ("removed", "clip", "b"),
    ]  # fmt: skip
    assert newest["changes"][0]["from"] == 1920
    await cut.made("POST", "/api/projects/p1/revert", {"toVersion": 1})
    assert (await cut.made("GET", "/api/projects/p1/diff?from=1&to=4"))["changes"] == []
    assert (await cut("GET", "/api/projects/p1/diff?from=1&to=9")).status == 404


# --- rebase


async def rebase(client: Client, expected: int, *ops: dict[str, Any], **more: Any) -> Any:
    body = {"ops": ops, "expectedVersion": expected, "onConflict": "rebase", **more}
    return await client("POST", "/api/projects/p1/ops", body)


@slow
async def test_a_batch_that_touches_other_things_goes_on_top(cut: Client) -> None:
    await cut.made("POST", "/api/projects/p1/revert", {"toVersion": 1})
    await cut.edit("p1", {"op": "clip.set", "clip": "a", "gainDb": -3.0})
    dry = await rebase(cut, 4, {"op": "clip.trim", "clip": "a", "out": 90}, dryRun=True)
    assert (dry.status, dry.body["version"]) == (200, 6)
    made = await rebase(cut, 4, {"op": "clip.trim", "clip": "a", "out": 90}, message="Shorter")
    assert (made.status, made.body["version"]) == (201, 6)
    clip = (await timeline(cut, "p1"))["tracks"][0]["clips"][0]
    assert (clip["gainDb"], clip["source"]["out"]) == (-3.0, 90)


async def test_a_batch_that_touches_what_was_changed_is_refused_by_name(cut: Client) -> None:
    await cut.made("POST", "/api/projects/p1/revert", {"toVersion": 1})
    await cut.edit("p1", {"op": "marker.add", "marker": "m", "at": 0})
    await cut.edit("p1", {"op": "clip.set", "clip": "a", "gainDb": -3.0})
    ops = (
        {"op": "clip.trim", "clip": "b", "out": 70},
        {"op": "clip.set", "clip": "a", "gainDb": 1.0, "enabled": False},
    )
    answer = await rebase(cut, 4, *ops)
    assert answer.status == 409
    assert [version["version"] for version in answer.body["missed"]] == [5, 6]
    assert answer.body["currentVersion"] == 6
    assert answer.body["collisions"] == [
        {"pointer": "/ops/1", "of": "clip", "id": "a", "field": "gainDb", "version": 6,
         "detail": "Version 6 changed gainDb of clip a."}
    ]  # fmt: skip
    assert (await cut.made("GET", "/api/projects/p1"))["currentVersion"] == 6


@slow
async def test_a_batch_that_does_not_apply_any_more_is_a_conflict_and_one_that_never_did_a_mistake(cut: Client) -> None:
    await cut.made("POST", "/api/projects/p1/revert", {"toVersion": 2})
    await cut.edit("p1", color("c", 90))
    late = await rebase(cut, 4, color("d", 95))
    assert late.status == 409
    assert late.body["collisions"][0]["pointer"] == "/ops/0/at"
    never = await rebase(cut, 4, {"op": "clip.remove", "clip": "zzz"})
    assert (never.status, never.body["errors"][0]["pointer"]) == (422, "/ops/0/clip")


@slow
async def test_a_rebase_onto_nothing_missed_is_an_ordinary_edit(cut: Client) -> None:
    assert (await rebase(cut, 3, TRACK | {"track": "v2"})).status == 201
    assert (await rebase(cut, 9, TRACK | {"track": "v3"})).status == 409


# --- whose


@slow
async def test_history_of_another_tenant_does_not_exist(cut: Client, as_role: AsRole) -> None:
    stranger = as_role("editor", tenant="acme")
    assert (await stranger("GET", "/api/projects/p1/diff?from=0&to=1")).status == 404
    assert (await stranger("POST", "/api/projects/p1/revert", {"toVersion": 1})).status == 404
    assert (await stranger("POST", "/api/projects/p1/fork", {"name": "Mine"})).status == 404
    assert (await rebase(stranger, 1, TRACK)).status == 404
    assert (await stranger("POST", "/api/projects/p1/ops", {"ops": [color("x", 0)], "dryRun": True})).status == 404
    viewer = as_role("viewer")
    assert (await viewer("POST", "/api/projects/p1/revert", {"toVersion": 1})).status == 403
    assert (await viewer("POST", "/api/projects/p1/fork", {"name": "Mine"})).status == 403
    assert (await viewer("GET", "/api/projects/p1/diff?from=0&to=1")).status == 200


@slow
async def test_ids_of_another_project_are_refused(cut: Client) -> None:
    await cut.made("POST", "/api/projects", {"name": "Other", "id": "p2"})
    answer = await cut("POST", "/api/projects/p2/ops", {"ops": [{"op": "clip.remove", "clip": "a"}]})
    assert (answer.status, answer.body["errors"][0]["pointer"]) == (422, "/ops/0/clip")


@slow
async def test_a_deleted_project_has_no_history_to_change(cut: Client) -> None:
    await cut("DELETE", "/api/projects/p1")
    assert (await cut("POST", "/api/projects/p1/revert", {"toVersion": 1})).status == 404
    assert (await cut("POST", "/api/projects/p1/fork", {"name": "Mine"})).status == 404
    assert (await cut("GET", "/api/projects/p1/diff?from=0&to=1")).status == 404
    assert (await rebase(cut, 1, TRACK)).status == 404
