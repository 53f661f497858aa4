"""The SDK as its users would write it: projects, ops as classes, history, errors, events over a restart."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import get_args

import msgspec
import pytest

from cutlog.client import (
    Client,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    ProjectEvent,
    Unauthorized,
    Unreachable,
    VersionConflict,
    ops,
)
from cutlog.contract.ops import Op
from services.ops.bootstrap import serving
from tests.support.configuration import SettingsFactory
from tests.support.waiting import PATIENCE

slow = pytest.mark.slow(reason="waits for a stack that is away")

RED = "#ff0000"
FIRST: list[ops.Op] = [
    ops.TrackAdd(track="v1", kind="video"),
    ops.ClipAdd(clip="a", track="v1", at=0, color=RED, frames=50),
    ops.ClipAdd(clip="b", track="v1", at=50, color=RED, frames=30),
]


def test_there_is_a_class_for_every_op() -> None:
    for kind in get_args(Op):
        assert getattr(ops, kind.__name__) is kind


def test_what_was_not_given_is_not_sent() -> None:
    sent = msgspec.json.decode(msgspec.json.encode(ops.ClipTrim(clip="a", end=40)))
    assert sent == {"op": "clip.trim", "clip": "a", "out": 40, "ripple": False}


async def test_a_project_is_made_edited_reverted_and_forked(client: Client) -> None:
    project = await client.create_project("Film")
    assert (await client.commit(project.id, FIRST, message="First cut")).duration == 80
    await client.commit(project.id, [ops.ClipRemove(clip="a", ripple=True)], expected_version=1)
    assert (await client.timeline(project.id)).duration == 30
    told = await client.diff(project.id, 1, 2)
    assert [(change.change, change.id) for change in told.changes] == [("removed", "a"), ("moved", "b")]
    back = await client.revert(project.id, 1, expected_version=2, message="Back")
    assert (back.version, back.duration) == (3, 80)
    fork = await client.fork(project.id, "Another cut", version=2)
    assert fork.origin is not None
    assert (fork.origin.project_id, fork.origin.version, fork.duration) == (project.id, 2, 30)
    edits = [edit async for edit in client.edits(project.id)]
    assert [(edit.version, edit.message) for edit in edits] == [(1, "First cut"), (2, None), (3, "Back")]
    assert [found.id async for found in client.projects()] == [fork.id, project.id]
    await client.delete_project(fork.id)
    with pytest.raises(NotFound):
        await client.project(fork.id)
    assert (await client.restore_project(fork.id)).name == "Another cut"


async def test_edits_are_drafted_undone_and_redone(client: Client) -> None:
    project = await client.create_project("Film")
    await client.commit(project.id, FIRST)
    await client.commit(project.id, [ops.ClipRemove(clip="a", ripple=True)], gesture="drag")
    draft = await client.draft(project.id, [{"op": "marker.add", "marker": "m", "at": 1}])
    draft = await client.redraft(project.id, draft.id, [{"op": "marker.add", "marker": "m", "at": 2}])
    assert (draft.revision, draft.version, draft.duration) == (2, 2, 30)
    assert ((await client.undo(project.id)).duration, (await client.redo(project.id)).duration) == (80, 30)
    with pytest.raises(VersionConflict):
        await client.commit_draft(project.id, draft.id)
    committed = await client.commit_draft(project.id, draft.id, on_conflict="rebase")
    assert committed.version == 5
    assert await client.commit_draft(project.id, draft.id) == committed
    assert [marker.at for marker in (await client.timeline(project.id)).markers] == [2]
    await client.undo(project.id, 5)
    assert not (await client.timeline(project.id)).markers


async def test_a_refusal_says_what_kind_it_is(client: Client, ops_url: str, settings_for: SettingsFactory) -> None:
    project = await client.create_project("Film")
    await client.commit(project.id, FIRST)
    with pytest.raises(Invalid) as invalid:
        await client.commit(project.id, [ops.ClipRemove(clip="a"), ops.ClipRemove(clip="zzz")])
    assert [fault.pointer for fault in invalid.value.errors] == ["/ops/1/clip"]
    await client.commit(project.id, [ops.ClipSet(clip="a", gain_db=-3.0)])
    with pytest.raises(VersionConflict) as stale:
        await client.commit(project.id, [ops.ClipRemove(clip="a")], expected_version=1)
    assert (stale.value.current_version, [edit.version for edit in stale.value.missed]) == (2, [2])
    change = ops.ClipSet(clip="a", gain_db=1.0)
    with pytest.raises(VersionConflict) as collided:
        await client.commit(project.id, [change], expected_version=1, on_conflict="rebase")
    assert [(found.id, found.field) for found in collided.value.collisions] == [("a", "gainDb")]
    rebased = await client.commit(
        project.id, [ops.ClipRemove(clip="b")], expected_version=1, on_conflict="rebase", dry_run=True
    )
    assert (rebased.version, rebased.position) == (3, None)
    assert isinstance(stale.value, Conflict)
    async with Client.connect(ops_url, settings_for.token("viewer")) as viewer:
        with pytest.raises(Forbidden):
            await viewer.create_project("Mine")
    async with Client.connect(ops_url, "nonsense") as nobody:
        with pytest.raises(Unauthorized):
            await nobody.project(project.id)


@slow
async def test_events_go_on_over_a_restart_and_none_is_missed_or_comes_twice(settings_for: SettingsFactory) -> None:
    settings = settings_for("ops")
    url = f"http://{settings.listen}"
    seen: list[ProjectEvent] = []
    async with Client.connect(url, settings_for.token("editor")) as client:

        async def follow(project_id: str) -> None:
            async with aclosing(client.events(project_id, after=0)) as events:  # type: ignore[type-var]
                async for event in events:
                    seen.append(event)
                    if len(seen) == 3:
                        return

        async with serving(settings):
            project = await client.create_project("Film")
            following = asyncio.create_task(follow(project.id))
            await client.commit(project.id, FIRST)
        async with serving(settings):
            await client.commit(project.id, [ops.ClipRemove(clip="a")])
            await asyncio.wait_for(following, PATIENCE)
    assert [event.type for event in seen] == ["ProjectCreated", "VersionCommitted", "VersionCommitted"]
    assert [event.position for event in seen] == [1, 2, 3]


@slow
async def test_a_stack_that_is_away_for_too_long_is_unreachable(settings_for: SettingsFactory) -> None:
    async with Client.connect("http://127.0.0.1:9", settings_for.token("editor"), patience=0.3) as client:
        with pytest.raises(Unreachable):
            await client.project("p1")
