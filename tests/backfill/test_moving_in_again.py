"""Moving in for months: runs that follow each other while people work here, and stores that have the same ids."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from pathlib import Path
from typing import Any

import pytest

from cutlog.client import Client
from tests.backfill.conftest import House, compared
from tests.backfill.legacy_store import place, sound, write
from tests.support.stacks import CHECKOUT

pytestmark = pytest.mark.slow(reason="moves a store into a whole stack, seconds each")

TRACK = {"op": "track.add", "track": "mine", "kind": "video"}


@pytest.fixture
def prefix() -> str:
    return f"p{secrets.token_hex(4)}"


def more(store: Path, project: str, version: int) -> None:
    """One more version of a project, in the store."""
    path = store / "data" / "editOperations.json"
    row = {"projectId": project, "version": version, "ops": [{"type": "marker", "at": 0, "label": f"v{version}"}]}
    path.write_text(json.dumps([*json.loads(path.read_text()), row]))


def with_export(store: Path, project: str, export: str, content: bytes) -> None:
    key = f"export/{project}/v1_final.mp4"
    place(store, key, content)
    write(store, exportVersions=[{"id": export, "projectId": project, "version": 1, "key": key}])


async def test_a_project_that_was_edited_here_is_passed_over_and_the_others_go_on(
    house: House, tmp_path: Path, films: tuple[bytes, bytes], prefix: str
) -> None:
    sound(tmp_path, projects=3, versions=2, clip=films[0], prefix=prefix)
    house.lines(tmp_path)
    edited, deleted, quiet = (f"{prefix}-{number}" for number in range(3))
    await house.client.commit(edited, [TRACK])
    await house.client.transport.ask(type(None), "DELETE", f"/api/projects/{deleted}", key="gone")
    for project in (edited, deleted, quiet):
        more(tmp_path, project, 3)
    dry, lines = house.lines(tmp_path, "--dry-run"), house.lines(tmp_path)
    passed = {line["legacyId"]: line["passed"] for line in lines if line["item"] == "project"}
    assert passed == {edited: True, deleted: True, quiet: False}
    assert passed == {line["legacyId"]: line["passed"] for line in dry if line["item"] == "project"}
    assert {line["id"] for line in lines if line["item"] == "oddity" and "edited here" in line["what"]} == {
        edited, deleted,
    }  # fmt: skip
    assert [edit.ops async for edit in house.client.edits(edited)][2] == [TRACK]
    assert (await house.client.project(quiet)).current_version == 3


async def test_what_became_here_of_what_an_earlier_run_brought_is_no_difference(
    house: House, tmp_path: Path, films: tuple[bytes, bytes], prefix: str
) -> None:
    sound(tmp_path, projects=1, versions=1, clip=films[0], prefix=prefix)
    with_export(tmp_path, f"{prefix}-0", f"{prefix}-x", films[1])
    house.lines(tmp_path)
    path = f"/api/projects/{prefix}-0/versions/1/pin"
    answer = await house.client.transport.ask(dict[str, Any], "POST", path, json={}, key="toggled")
    assert answer == {"version": 1, "pinned": False}, "what was pinned there is unpinned as it was there"
    house.lines(tmp_path)
    (export,) = [export async for export in house.client.exports(f"{prefix}-0")]
    assert not export.pinned


async def test_two_stores_with_the_same_ids_do_not_get_into_each_others_way(
    house: House, tmp_path: Path, films: tuple[bytes, bytes], prefix: str
) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for store, content in ((one, films[0]), (two, films[1])):
        sound(store, projects=1, versions=2, clip=films[0], prefix=prefix)
        with_export(store, f"{prefix}-0", f"{prefix}-x", content)
    house.lines(one)
    tenant = f"m-{secrets.token_hex(6)}"
    for _ in range(2):  # also when it is run again
        async with Client.connect(house.stack.url, house.stack.token("admin", tenant=tenant)) as client:
            other = House(house.stack, tenant, client)
            dry, lines = other.lines(two, "--dry-run"), other.lines(two)
            (project,) = [each async for each in client.projects()]
            (export,) = [each async for each in client.exports(project.id)]
        assert project.id != f"{prefix}-0" and export.id != f"{prefix}-x" and project.current_version == 2
        named = {line["legacyId"]: line["id"] for line in lines if line["item"] in ("project", "export")}
        assert named == {f"{prefix}-0": project.id, f"{prefix}-x": export.id}
        assert {line["id"] for line in dry if line["item"] == "project"} == {project.id}
        odd = [line for line in lines if line["item"] == "oddity"]
        assert any(project.id in line["done"] for line in odd), "it is reported"
    assert (await house.client.project(f"{prefix}-0")).current_version == 2


async def test_an_archived_export_of_another_tenant_is_not_overwritten(
    house: House, tmp_path: Path, films: tuple[bytes, bytes], prefix: str
) -> None:
    """The key of an archived export follows from its id, which a store of somebody else may have as well."""
    one, two = tmp_path / "one", tmp_path / "two"
    for store, content in ((one, films[0]), (two, films[1])):
        sound(store, projects=1, versions=1, clip=films[0], prefix=prefix)
        place(store, f"archive/{prefix}-x_v1_final.mp4", content)
        exports = [{"id": f"{prefix}-x", "projectId": f"{prefix}-0", "version": 1,
                    "key": f"archive/{prefix}-x_v1_final.mp4"}]  # fmt: skip
        write(store, exportVersions=exports)
    house.lines(one)
    there = house.stack.data / "objects" / "archive" / f"{prefix}-x_v1_final.mp4"
    assert there.read_bytes() == films[0]
    tenant = f"m-{secrets.token_hex(6)}"
    async with Client.connect(house.stack.url, house.stack.token("admin", tenant=tenant)) as client:
        lines = House(house.stack, tenant, client).lines(two)
    assert there.read_bytes() == films[0]
    (named,) = [line["id"] for line in lines if line["item"] == "export"]
    assert there.with_name(f"{named}_v1_final.mp4").read_bytes() == films[1]


async def test_a_run_that_was_aborted_is_known_by_its_first_line_and_can_be_taken_back(
    house: House, tmp_path: Path, films: tuple[bytes, bytes], prefix: str
) -> None:
    sound(tmp_path, projects=2, versions=400, clip=films[0], prefix=prefix)
    arguments = ["backfill", tmp_path, "--data", house.stack.data, "--tenant", house.tenant, "--json"]
    command = [sys.executable, "-m", "cutlog", *map(str, arguments)]
    process = await asyncio.create_subprocess_exec(*command, cwd=CHECKOUT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    first = json.loads(await process.stdout.readline())
    process.kill()
    await process.wait()
    assert first["item"] == "run" and not first["dryRun"]
    assert house.rollback(first["id"]).returncode == 0
    assert not [each async for each in house.client.projects()] and not [each async for each in house.client.videos()]


async def test_a_video_that_was_released_or_deleted_here_is_no_difference_and_stays_so(
    house: House, tmp_path: Path, films: tuple[bytes, bytes], prefix: str
) -> None:
    sound(tmp_path, projects=1, versions=1, clip=films[0], prefix=prefix)
    place(tmp_path, "videos/unused.mp4", films[1])
    videos = json.loads((tmp_path / "data" / "videos.json").read_text())
    write(tmp_path, videos=[*videos, {"id": f"{prefix}-unused", "filename": "unused.mp4"}])
    house.lines(tmp_path)
    for video, left in ((f"{prefix}-vid", 1), (f"{prefix}-unused", 0)):
        answer = await house.client.transport.ask(dict[str, Any], "DELETE", f"/api/videos/{video}", key=video)
        assert answer == {"refCount": left}
    more(tmp_path, f"{prefix}-0", 2)
    compared(house.lines(tmp_path, "--dry-run"), house.lines(tmp_path))
    assert [(each.id, each.ref_count) async for each in house.client.videos()] == [(f"{prefix}-vid", 1)]
    assert (await house.client.project(f"{prefix}-0")).current_version == 2
