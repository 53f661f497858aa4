"""What happens around a run: a source that changes under it, and something here that is not as it was sent."""

from __future__ import annotations

import json
import secrets
import urllib.request
from pathlib import Path

import pytest

from cutlog.operate.backfill.running import NotEqual, backfill
from cutlog.operate.backfill.source import Source
from tests.backfill.conftest import House
from tests.backfill.legacy_store import place, sound, write

pytestmark = pytest.mark.slow(reason="moves a store into a whole stack, seconds each")


def nothing(what: str, done: int, total: int) -> None:
    """Nobody watches."""


@pytest.fixture
def store(tmp_path: Path, films: tuple[bytes, bytes]) -> Path:
    """Two projects, one with an export."""
    root, prefix = tmp_path / "legacy", f"p{secrets.token_hex(4)}"
    sound(root, projects=2, versions=3, clip=films[0], prefix=prefix)
    key = f"export/{prefix}-0/v2_final.mp4"
    place(root, key, films[1])
    write(root, exportVersions=[{"id": f"{prefix}-x", "projectId": f"{prefix}-0", "version": 2, "key": key}])
    return root


async def test_a_file_that_changes_during_the_run_is_read_as_it_was_and_named(house: House, store: Path) -> None:
    projects = store / "data" / "projects.json"

    def meddle(what: str, done: int, total: int) -> None:
        if what == "videos":
            rows = json.loads(projects.read_text())
            projects.write_text(json.dumps([*rows, {"id": f"{rows[0]['id']}-new", "name": "late"}]))

    run = {"tenant": house.tenant, "dry_run": False, "pin": True, "link": False}
    _, items = await backfill(Source(store), house.stack.data, meddle, **run)  # type: ignore[arg-type]
    (oddity,) = [item for item in items if item["item"] == "oddity"]
    assert oddity["file"] == "data/projects.json" and "changed" in oddity["what"]
    assert len([p async for p in house.client.projects()]) == 2
    await backfill(Source(store), house.stack.data, nothing, **run)  # type: ignore[arg-type]
    assert len([p async for p in house.client.projects()]) == 3


async def test_what_is_not_equal_in_the_end_is_all_taken_back(house: House, store: Path) -> None:
    objects = await house.objects()
    (export,) = json.loads((store / "data" / "exportVersions.json").read_text())
    pin = f"/api/projects/{export['projectId']}/versions/2/pin"

    def meddle(what: str, done: int, total: int) -> None:
        if what == "files" and done == total:
            request = urllib.request.Request(
                house.stack.url + pin, method="POST", data=b'{"pinned": false, "profile": "mp4"}',
                headers={
                    "Authorization": f"Bearer {house.stack.token('admin', tenant=house.tenant)}",
                    "Content-Type": "application/json",
                },
            )  # fmt: skip
            urllib.request.urlopen(request).close()

    with pytest.raises(NotEqual, match="pinned of export"):
        await backfill(
            Source(store), house.stack.data, meddle, tenant=house.tenant, dry_run=False, pin=True, link=False
        )
    assert not [p async for p in house.client.projects()]
    assert {key for key in await house.objects() - objects if key.startswith("export/")} == set()
