"""Drafts through the service itself: seen by everybody, and never in the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.commands import RecordMediaReleased
from cutlog.contract.events import MediaReleased
from cutlog.db.engine import create_engine
from cutlog.hosting.settings import Settings
from services.ops.drafts.store import DraftStore, TooManyDraftsError
from tests.ops.conftest import Ask, Client
from tests.support.waiting import eventually

AsRole = Callable[..., Client]
Media = Callable[..., Awaitable[str]]
slow = pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")

DRAFTS = "/api/projects/p1/drafts"
TRACK = {"op": "track.add", "track": "v1", "kind": "video"}


def color(clip: str, at: int) -> dict[str, Any]:
    return {"op": "clip.add", "clip": clip, "track": "v1", "at": at, "color": "#ff0000", "frames": 10}


def opacity(value: float, clip: str = "a") -> dict[str, Any]:
    return {"op": "clip.set", "clip": clip, "opacity": value}


@pytest.fixture
async def engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(settings)
    yield engine
    await engine.dispose()


@pytest.fixture
async def ann(as_role: AsRole) -> Client:
    """Who has made project p1 with two clips."""
    ann = as_role("editor", subject="ann")
    await ann.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    await ann.edit("p1", TRACK, color("a", 0), color("b", 10))
    return ann


async def looks(client: Client, path: str) -> float:
    """How opaque clip a is."""
    shown = await client.made("GET", f"/api/projects/p1/{path}")
    return float(next(clip for clip in shown["tracks"][0]["clips"] if clip["id"] == "a").get("opacity", 1.0))


async def test_a_draft_is_seen_dragged_and_committed_once(ann: Client, as_role: AsRole, engine: AsyncEngine) -> None:
    bob = as_role("editor", subject="bob")
    made, again = [await ann("POST", DRAFTS, {"ops": [opacity(0.9)]}, key="one") for _ in range(2)]
    draft = made.body
    assert (made.status, again.status, again.body) == (201, 201, draft)
    assert (draft["revision"], draft["author"], draft["version"], draft["duration"]) == (1, "ann", 1, 20)
    path = f"{DRAFTS}/{draft['id']}"
    assert draft["frameUrl"].endswith(f"{path}/frame?revision=1")
    for step in range(8, 4, -1):
        draft = await ann.made("PUT", path, {"ops": [opacity(step / 10)]})
    assert draft["revision"] == 5
    assert await looks(bob, f"drafts/{draft['id']}/timeline") == 0.5
    assert [each["id"] for each in (await bob.made("GET", DRAFTS))["items"]] == [draft["id"]]
    assert (await bob.made("GET", path))["ops"] == [opacity(0.5)]

    # Nothing of it is in the log, and what does not apply changes nothing.
    assert await looks(ann, "timeline") == 1.0
    assert (await ann.made("GET", "/api/projects/p1"))["currentVersion"] == 1
    refused = await ann("PUT", path, {"ops": [opacity(0.4, "nobody")]})
    assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/ops/0/clip")
    assert (await ann.made("GET", path))["revision"] == 5

    # The project moves on: the draft is refused, or put on top of it.
    await bob.edit("p1", opacity(0.2, "b"))
    assert await looks(ann, f"drafts/{draft['id']}/timeline") == 0.5
    stale = await ann("POST", f"{path}/commit", {})
    assert (stale.status, [each["version"] for each in stale.body["missed"]]) == (409, [2])
    both = await asyncio.gather(*(who("POST", f"{path}/commit", {"onConflict": "rebase"}) for who in (bob, bob)))
    assert [answer.status for answer in both] == [201, 201]
    assert both[0].body == both[1].body
    assert both[0].body["version"] == 3
    again = await ann("POST", f"{path}/commit", {"message": "Again"})
    assert (again.status, again.body) == (201, both[0].body)
    shown = await ann.made("GET", "/api/projects/p1/versions/3")
    assert (shown["actor"], await looks(ann, "timeline")) == ("bob", 0.5)
    late = await ann("PUT", path, {"ops": [opacity(0.1)]})
    assert (late.status, late.body["type"].rpartition("/")[2]) == (409, "draft-committed")

    # Another process, or this one after a restart, finds it; deleted, it is gone.
    assert await DraftStore(engine).find("p1", draft["id"]) is not None
    assert (await ann("DELETE", path)).status == 204
    for method, rest, body in (("GET", "", None), ("PUT", "", {"ops": [opacity(1)]}), ("POST", "/commit", {})):
        assert (await ann(method, path + rest, body)).status == 404


@slow
async def test_a_draft_expires_after_its_last_use(ann: Client, engine: AsyncEngine) -> None:
    drafts = DraftStore(engine)
    short = await ann.made("POST", DRAFTS, {"ops": [opacity(0.9)], "ttl": 1})
    long = await ann.made("POST", DRAFTS, {"ops": [opacity(0.9)], "ttl": 7 * 24 * 3600})

    async def one_left() -> bool:
        return [kept.id for kept in await drafts.list("p1")] == [long["id"]]

    await eventually(one_left)
    assert await drafts.find("p1", short["id"]) is None
    await ann.made("POST", DRAFTS, {"ops": [opacity(0.9)]})
    async with engine.connect() as connection:
        rows = await connection.exec_driver_sql("SELECT id FROM draft WHERE id = $1", (short["id"],))
        assert rows.all() == [], "a new draft sweeps those that have expired"
    for ttl in (0, 7 * 24 * 3600 + 1):
        refused = await ann("POST", DRAFTS, {"ops": [opacity(0.9)], "ttl": ttl})
        assert (refused.status, refused.body["errors"][0]["pointer"]) == (422, "/ttl")


@slow
async def test_media_of_a_draft_stays_while_the_draft_lives(
    ann: Client, media: Media, ask: Ask, engine: AsyncEngine
) -> None:
    await media("m1")
    film = {"op": "clip.add", "clip": "f", "track": "v1", "at": 20, "media": "m1", "in": 0, "out": 30}
    draft = await ann.made("POST", DRAFTS, {"ops": [film]})
    release = RecordMediaReleased(media_id="m1", event=MediaReleased(ref_count=0))
    refused = (await ask("media", release, "release-1")).refused
    assert refused is not None
    assert "used by 1 project" in str(refused)
    assert (await ann("DELETE", f"{DRAFTS}/{draft['id']}")).status == 204
    assert (await ask("media", release, "release-2")).refused is None


@slow
async def test_who_sees_a_draft(ann: Client, as_role: AsRole) -> None:
    draft = await ann.made("POST", DRAFTS, {"ops": [TRACK], "version": 0})
    path = f"{DRAFTS}/{draft['id']}"
    viewer, foreign = as_role("viewer", subject="eve"), as_role("editor", tenant="other")
    assert (await viewer("GET", path)).status == 200
    assert (await viewer("PUT", path, {"ops": [TRACK]})).status == 403
    assert (await foreign("GET", path)).status == 404
    assert (await foreign("GET", f"/internal/projects/p1/drafts/{draft['id']}/timeline")).status == 403
    assert (await ann("POST", DRAFTS, {"ops": [TRACK], "version": 9})).status == 404


@slow
async def test_a_project_has_so_many_drafts_only(ann: Client, engine: AsyncEngine) -> None:
    drafts = DraftStore(engine, most=3)
    for _ in range(3):
        await drafts.add("p1", "ann", 1, [opacity(0.5)], 20, [], 600)
    with pytest.raises(TooManyDraftsError, match="3 drafts"):
        await drafts.add("p1", "ann", 1, [opacity(0.5)], 20, [], 600)
