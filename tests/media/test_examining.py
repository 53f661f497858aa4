"""Videos that an earlier release examined are examined again when an operator says so."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.media.conftest import Client, House
from tests.media.recordings import sound
from tests.support.painting import Painter
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="starts media, ops, NATS and a database for one more case of its kind")

EXAMINE = "/api/videos/examine"


async def examined(operator: Client) -> dict[str, Any]:
    """What the service tells when nothing waits any more."""

    async def done() -> dict[str, Any]:
        body: dict[str, Any] = (await operator("GET", EXAMINE)).body
        return {} if body["waiting"] else body

    return await eventually(done)


async def ready(house: House, count: int) -> list[tuple[str, dict[str, Any]]]:
    """Streams and data of what the log has of videos that are ready, in order, once there are so many."""

    async def landed() -> list[tuple[str, dict[str, Any]]]:
        found = [(stream, data) for stream, kind, data in await house.events() if kind == "MediaReady"]
        return found if len(found) >= count else []

    return await eventually(landed)


async def as_before(house: House) -> None:
    """Every video is one that an earlier release examined, which took no note of timing."""
    await house.rows("UPDATE video SET examined_by = 0, facts = facts - 'timing' - 'streams' RETURNING id")


@slow
async def test_a_video_gets_facts_and_renditions_anew_and_is_of_use_meanwhile(running: House, painted: Painter) -> None:
    client, operator = running.client(), running.client(role="operator")
    video_id = (await client.upload(painted(25, 30, audio=True))).body["id"]
    fresh = await client.ready(video_id)
    await as_before(running)
    before = {key: running.objects.joinpath(key).read_bytes() for key in running.files("derived")}
    began = await operator("POST", EXAMINE, {"ids": [video_id]})
    assert (began.status, began.body["begun"], began.body["outdated"]) == (202, 1, 1)
    assert (await client("GET", f"/api/videos/{video_id}")).body["status"] == "ready"
    assert await examined(operator) == {"begun": 0, "waiting": 0, "outdated": 0, "failed": []}
    (_, first), (_, second) = await ready(running, 2)
    await running.tidied()
    assert (await client("GET", f"/api/videos/{video_id}")).body["facts"] == fresh["facts"] == second["facts"]
    keys = [{made["key"] for made in data["renditions"].values() if made} for data in (first, second)]
    assert keys[0] == set(before)
    assert keys[1] == {key.replace(".0/", ".0/r1/") for key in before}
    assert keys[0] | keys[1] == set(running.files("derived"))
    for key, data in before.items():
        assert running.objects.joinpath(key).read_bytes() == data, "cached segments refer to it"


@slow
async def test_asking_for_all_begins_those_of_the_tenant_that_are_outdated_and_nothing_twice(
    running: House, painted: Painter
) -> None:
    clip = painted(25, 30)
    for tenant in ("default", "other"):
        client = running.client(tenant=tenant)
        await client.ready((await client.upload(clip)).body["id"])
    await as_before(running)
    fresh = running.client()
    await fresh.ready((await fresh.upload(sound())).body["id"])
    operator = running.client(role="operator")
    assert [(await operator("POST", EXAMINE)).body["begun"] for _ in range(2)] == [1, 0]
    await examined(operator)
    assert (await operator("POST", EXAMINE, {})).body["begun"] == 0
    assert [key for key in running.files("derived/other") if "/r1/" in key] == []
    assert len([key for key in running.files("derived/default") if "/r1/" in key]) == 3
    other = running.client(role="operator", tenant="other")
    assert (await other("POST", EXAMINE)).body["begun"] == 1
    await examined(other)
    assert len([key for key in running.files("derived/other") if "/r1/" in key]) == 3


@slow
async def test_tenants_take_turns_and_what_a_stop_cut_short_is_done_after_the_next_start(house: House) -> None:
    await house.start("ops", "media")
    for tenant in ("acme", "acme", "acme", "zeta"):
        client = house.client(tenant=tenant)
        await client.ready((await client.upload(sound())).body["id"])
    await as_before(house)
    for tenant in ("acme", "zeta"):
        await house.client(role="operator", tenant=tenant)("POST", EXAMINE)
    await house.stop("media")
    # As a process that was killed amid its work leaves it.
    await house.rows(
        "UPDATE video SET derive_at = clock_timestamp() + '1 s', derive_run = derive_run + 1, "
        "derive_left = derive_left - 1 WHERE derive_at IS NOT NULL RETURNING id"
    )
    so_far = len(await ready(house, 4))
    await house.start("media")
    for tenant in ("acme", "zeta"):
        assert (await examined(house.client(role="operator", tenant=tenant)))["outdated"] == 0
    after = await ready(house, 8)
    assert len(after) == 8
    if so_far == 4:
        tenant_of = {f"media.{row['id']}": row["tenant"] for row in await house.rows("SELECT id, tenant FROM video")}
        turns = [tenant_of[stream] for stream, _ in after[4:]]
        assert turns.index("zeta") <= 1, "it has had less"


@slow
async def test_a_video_that_can_not_be_examined_again_stays_as_it_was_and_is_named(
    running: House, painted: Painter
) -> None:
    client, operator = running.client(), running.client(role="operator")
    video_id = (await client.upload(painted(25, 30))).body["id"]
    fresh = await client.ready(video_id)
    (original,) = running.files("videos")
    Path(running.objects / original).write_bytes(b"no video at all")
    await operator("POST", EXAMINE, {"ids": [video_id]})
    (failed,) = (await examined(operator))["failed"]
    assert failed["id"] == video_id
    assert failed["reason"].startswith("not readable as media")
    assert (await client("GET", f"/api/videos/{video_id}")).body == fresh
    assert [kind for _, kind, _ in await running.events()].count("MediaReady") == 1
    assert "MediaFailed" not in [kind for _, kind, _ in await running.events()]


@slow
@pytest.mark.parametrize(
    ("role", "ids", "status"), [("editor", None, 403), ("operator", ["v_none"], 404), ("operator", ["\0"], 422)]
)
async def test_only_operators_and_only_videos_of_the_tenant(
    running: House, role: str, ids: list[str] | None, status: int
) -> None:
    other = running.client(tenant="other")
    theirs = (await other.upload(sound())).body["id"]
    await other.ready(theirs)
    body = {} if ids is None else {"ids": [*ids, theirs]}
    assert (await running.client(role=role)("POST", EXAMINE, body)).status == status
    assert (await running.rows("SELECT id FROM video WHERE revision > 0")) == []


@slow
async def test_thumbnails_that_were_asked_for_are_those_of_the_new_pictures(running: House, painted: Painter) -> None:
    client, operator = running.client(), running.client(role="operator")
    video_id = (await client.upload(painted(25, 30))).body["id"]
    await client.ready(video_id)
    for _ in range(2):
        assert (await client("GET", f"/api/videos/{video_id}/thumbnail?at=7")).status == 302
        await operator("POST", EXAMINE, {"ids": [video_id]})
        await examined(operator)
    drawn = [key for key in running.files("derived") if key.endswith("at-7.jpg")]
    assert [("/r1/" in key) for key in drawn] == [False, True]


@slow
async def test_the_command_begins_an_examination_and_waits_for_its_end(running: House) -> None:
    client, operator = running.client(), running.client(role="operator")
    video_id = (await client.upload(sound())).body["id"]
    await client.ready(video_id)
    await as_before(running)
    told = []
    for arguments in (["--all", "--wait"], ["--all", "--wait"], [video_id, "--wait"], []):
        command = [sys.executable, "-m", "cutlog", "media", "examine", *arguments, "--json", "--url", operator.url]
        process = await asyncio.create_subprocess_exec(
            *command, "--token", operator.token, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        assert process.returncode == 0
        told.append(json.loads(out))
    assert [(each["begun"], each["waiting"], each["outdated"]) for each in told] == [
        (1, 0, 0), (0, 0, 0), (1, 0, 0), (0, 0, 0),
    ]  # fmt: skip
