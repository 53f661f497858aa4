"""Undo and redo through the service itself: real HTTP, PostgreSQL and NATS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.db.engine import create_engine
from cutlog.hosting.settings import Settings
from services.ops.log.read import LogReader
from services.ops.project.history import History
from services.ops.readmodel.rebuild import rebuild
from tests.ops.conftest import Client

AsRole = Callable[..., Client]
Media = Callable[..., Awaitable[str]]
slow = pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")

TRACK = {"op": "track.add", "track": "v1", "kind": "video"}


def color(clip: str, at: int) -> dict[str, Any]:
    return {"op": "clip.add", "clip": clip, "track": "v1", "at": at, "color": "#ff0000", "frames": 10}


def opacity(clip: str, value: float) -> dict[str, Any]:
    return {"op": "clip.set", "clip": clip, "opacity": value}


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(settings)
    yield engine
    await engine.dispose()


async def looks(client: Client) -> dict[str, float]:
    """The opacity of each clip."""
    shown = await client.made("GET", "/api/projects/p1/timeline")
    return {clip["id"]: clip.get("opacity", 1.0) for track in shown["tracks"] for clip in track["clips"]}


async def undo(client: Client, version: int | None = None) -> int:
    body = {} if version is None else {"version": version}
    return int((await client.made("POST", "/api/projects/p1/undo", body))["version"])


async def redo(client: Client) -> int:
    return int((await client.made("POST", "/api/projects/p1/redo", {}))["version"])


async def test_two_people_undo_only_their_own(as_role: AsRole, engine: AsyncEngine) -> None:
    ann, bob = as_role("editor", subject="ann"), as_role("editor", subject="bob")
    await ann.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await ann.edit("p1", TRACK, color("a", 0), color("b", 10))  # 1
    await ann.edit("p1", opacity("a", 0.5))  # 2
    await bob.edit("p1", opacity("b", 0.3))  # 3
    assert await undo(ann) == 4
    assert await looks(ann) == {"a": 1.0, "b": 0.3}
    assert await redo(ann) == 5
    assert await looks(ann) == {"a": 0.5, "b": 0.3}
    assert await undo(bob) == 6
    assert await looks(ann) == {"a": 0.5, "b": 1.0}
    versions = (await ann.made("GET", "/api/projects/p1/ops?from=4"))["items"]
    assert [version["undoes"] for version in versions] == [[2], [4], [3]]
    assert versions[0]["ops"] == [{"op": "history.undo", "versions": [2]}]
    assert (await ann.made("GET", "/api/projects/p1/versions/6"))["undoes"] == [3]
    assert "undoes" not in await ann.made("GET", "/api/projects/p1/versions/3")

    # Nothing of bob's is left to undo, and nothing of ann's to redo.
    for who, path, said in ((bob, "undo", "no version"), (ann, "redo", "nothing that is not redone")):
        answer = await who("POST", f"/api/projects/p1/{path}", {})
        assert (answer.status, answer.body["type"].rpartition("/")[2]) == (409, "nothing-to-undo")
        assert said in answer.body["detail"]
    # Once bob has edited, what he undid before stays undone.
    await bob.edit("p1", {"op": "marker.add", "marker": "m", "at": 1})  # 7
    answer = await bob("POST", "/api/projects/p1/redo", {})
    assert (answer.status, answer.body["detail"]) == (
        409, "You have edited since: version 7 came after your newest undo.",
    )  # fmt: skip

    # A later version that changed the same is named.
    await bob.edit("p1", opacity("a", 0.7))  # 8
    answer = await ann("POST", "/api/projects/p1/undo", {"version": 2})
    assert answer.status == 409
    (collision,) = answer.body["collisions"]
    assert collision | {"detail": ""} == {
        "pointer": "/version", "of": "clip", "id": "a", "field": "opacity", "version": 8, "detail": "",
    }  # fmt: skip
    assert [version["version"] for version in answer.body["missed"]] == [3, 4, 5, 6, 7, 8]
    again = await ann("POST", "/api/projects/p1/undo", {"version": 3})
    assert (again.status, again.body["detail"]) == (409, "Version 3 was undone by version 6.")

    # From nothing, and with the read model made anew, all is the same.
    history = History(engine, LogReader(engine))
    newest = await history.head("p1")
    fresh = await history.from_zero("p1", 8, 9)
    assert newest is not None
    assert fresh is not None
    assert newest.state.sequence == fresh.state.sequence
    await rebuild(engine, LogReader(engine))
    assert await undo(ann, 1 + 7) == 9
    assert await looks(ann) == {"a": 0.5, "b": 1.0}


@slow
async def test_versions_of_a_gesture_are_undone_together(as_role: AsRole) -> None:
    ann, bob = as_role("editor", subject="ann"), as_role("editor", subject="bob")
    await ann.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await ann.edit("p1", TRACK, color("a", 0), color("b", 10))  # 1
    for step in (9, 8, 7):
        await ann.made("POST", "/api/projects/p1/ops", {"ops": [opacity("a", step / 10)], "gesture": "drag-1"})
        await bob.edit("p1", opacity("b", step / 20))
    assert await undo(ann) == 8
    assert await looks(ann) == {"a": 1.0, "b": 0.35}
    shown = await ann.made("GET", "/api/projects/p1/versions/8")
    assert shown["undoes"] == [2, 4, 6]
    assert (await ann.made("GET", "/api/projects/p1/versions/4"))["gesture"] == "drag-1"
    assert await redo(ann) == 9
    assert await looks(ann) == {"a": 0.7, "b": 0.35}
    refused = await ann("POST", "/api/projects/p1/ops", {"ops": [opacity("a", 1)], "gesture": "a b"})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/gesture")


@slow
async def test_an_undo_can_be_tried_dry_sent_twice_and_be_stale(as_role: AsRole) -> None:
    ann = as_role("editor", subject="ann")
    await ann.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await ann.edit("p1", TRACK, color("a", 0))
    await ann.edit("p1", {"op": "clip.remove", "clip": "a"})
    dry = await ann("POST", "/api/projects/p1/undo", {"dryRun": True})
    assert (dry.status, dry.body) == (200, {"version": 3, "duration": 10, "position": None})
    stale = await ann("POST", "/api/projects/p1/undo", {"expectedVersion": 1})
    assert (stale.status, stale.body["currentVersion"]) == (409, 2)
    first = await ann("POST", "/api/projects/p1/undo", {"message": "Back"}, key="once")
    second = await ann("POST", "/api/projects/p1/undo", {"message": "Back"}, key="once")
    assert (first.status, first.body) == (second.status, second.body) == (201, first.body)
    assert await looks(ann) == {"a": 1.0}, "the removal is undone, under the same id"
    for body, pointer in (({"version": 9}, "/version"), ({"version": 0}, "/version")):
        refused = await ann("POST", "/api/projects/p1/undo", body)
        assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, pointer)
    viewer = await as_role("viewer", subject="eve")("POST", "/api/projects/p1/undo", {})
    assert viewer.status == 403


@slow
async def test_what_an_undone_version_made_of_the_canvas_is_undone(as_role: AsRole, engine: AsyncEngine) -> None:
    ann, bob = as_role("editor", subject="ann"), as_role("editor", subject="bob")
    await ann.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await ann.edit("p1", {"op": "project.configure", "width": 640, "name": "Other"})
    await bob.edit("p1", {"op": "project.configure", "height": 360})
    await undo(ann)
    shown = await ann.made("GET", "/api/projects/p1")
    assert (shown["canvas"]["width"], shown["canvas"]["height"], shown["name"]) == (1920, 360, "Other")
    await rebuild(engine, LogReader(engine))
    assert (await ann.made("GET", "/api/projects/p1"))["canvas"] == shown["canvas"]


@slow
async def test_imports_and_reverts_can_be_undone(as_role: AsRole) -> None:
    ann = as_role("editor", subject="ann")
    await ann.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await ann.edit("p1", TRACK, color("a", 0))
    await ann.made("POST", "/api/projects/p1/revert", {"toVersion": 0})
    assert await looks(ann) == {}
    await undo(ann)
    assert await looks(ann) == {"a": 1.0}
