"""A media is known by an id that it had in another store, too: to whoever names it, and never in the log."""

from __future__ import annotations

from typing import Any

import pytest

from cutlog.contract.commands import RecordMediaDeduplicated, RecordMediaReleased
from cutlog.contract.events import MediaDeduplicated, MediaReleased
from services.ops.edits.naming import media_named, media_renamed
from tests.ops.conftest import Ask, Client

TRACK = {"op": "track.add", "track": "t", "kind": "video"}


def clip(media: str, name: str = "c") -> dict[str, Any]:
    return {"op": "clip.add", "clip": name, "track": "t", "at": 0, "media": media, "in": 0, "out": 10, "mode": "insert"}


async def called(ask: Ask, media: str, alias: str, key: str, tenant: str = "default") -> None:
    event = MediaDeduplicated(name="film.mov", ref_count=2, alias=alias)
    assert (await ask("media", RecordMediaDeduplicated(media_id=media, event=event), key, tenant)).accepted


@pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")
async def test_ops_that_name_a_media_as_another_store_did_are_kept_with_its_own_id(
    editor: Client, media: Any, ask: Ask, as_role: Any
) -> None:
    await media("v_1")
    await called(ask, "v_1", "old", "k1")
    project = (await editor.made("POST", "/api/projects", {"name": "P"}))["id"]
    await editor.edit(project, TRACK, clip("old"))
    (first,) = (await editor.made("GET", f"/api/projects/{project}/ops"))["items"]
    assert [op.get("media") for op in first["ops"]] == [None, "v_1"]
    timeline = await editor.made("GET", f"/api/projects/{project}/timeline")
    assert timeline["tracks"][0]["clips"][0]["source"]["media"] == "v_1"

    # Another tenant's media of that id, which this process has in memory, is not what it means here.
    await media("old", tenant="acme", sha256="ef" * 32)
    other = as_role("editor", tenant="acme")
    theirs = (await other.made("POST", "/api/projects", {"name": "P"}))["id"]
    await other.edit(theirs, TRACK, clip("old"))
    await editor.edit(project, clip("old", "d"))
    assert (await other("POST", f"/api/projects/{theirs}/ops", {"ops": [clip("v_1", "e")]})).status == 422

    created = {"title": "T", "videoId": "old"}
    film = (await editor.made("POST", "/api/compat/projects", created))["data"]["_id"]
    add = {"type": "addClip", "videoId": "old", "in": 0, "out": 1}
    await editor.made("POST", f"/api/compat/projects/{film}/ops", {"ops": [add]})
    named = (await editor.made("GET", f"/api/projects/{film}/ops"))["items"][0]["ops"]
    assert {op["media"] for op in named if "media" in op} == {"v_1"}


@pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")
async def test_of_several_media_of_one_name_the_oldest_counts_until_it_has_it_no_more(
    editor: Client, media: Any, ask: Ask
) -> None:
    for number in (1, 2):
        await media(f"v_{number}", sha256=f"{number}" * 64)
        await called(ask, f"v_{number}", "old", f"k{number}")
    project = (await editor.made("POST", "/api/projects", {"name": "P"}))["id"]

    async def meant(name: str) -> str | None:
        answer = await editor("POST", f"/api/projects/{project}/ops", {"ops": [clip("old", name)]})
        if answer.status == 422:
            return None
        versions = (await editor.made("GET", f"/api/projects/{project}/ops"))["items"]
        media_id: str = versions[-1]["ops"][0]["media"]
        return media_id

    await editor.edit(project, TRACK)
    assert await meant("a") == "v_1"
    for number, then in ((1, "v_2"), (2, None)):
        body = RecordMediaReleased(media_id=f"v_{number}", event=MediaReleased(ref_count=1, alias="old"))
        assert (await ask("media", body, f"released {number}")).accepted
        assert await meant(f"c{number}") == then
    await media("old", sha256="9" * 64)
    assert await meant("own") == "old"


def test_names_of_media_are_found_wherever_ops_have_them() -> None:
    sent = [
        {"op": "clip.add", "clip": "old", "text": {"text": "old", "font": "old"}},
        {"op": "effect.add", "params": {"media": "old"}},
        {"captionFont": "old", "track": "old"},
    ]
    assert list(media_named(sent)) == ["old", "old", "old"]
    assert media_renamed(sent, {"old": "v_1"}) == [
        {"op": "clip.add", "clip": "old", "text": {"text": "old", "font": "v_1"}},
        {"op": "effect.add", "params": {"media": "v_1"}},
        {"captionFont": "v_1", "track": "old"},
    ]


@pytest.mark.parametrize("value", [{"font": "sans"}, {"params": {"media": "NUL \x00"}}, {"media": None}, "old"])
def test_what_is_no_id_of_a_media_names_none(value: object) -> None:
    assert list(media_named(value)) == []
