"""What another store rendered is served, listed, pinned, archived and proven here, also of versions that are kept
verbatim and could not be rendered again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cutlog.operate.fsck.report import Finding
from cutlog.operate.fsck.run import fsck
from tests.backfill.conftest import House
from tests.backfill.legacy_store import effects, place, write
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="moves a store into a whole stack, seconds each")

VERSIONS = (1, 2)


async def get(house: House, path: str) -> tuple[int, bytes]:
    """Where a request leads to, through redirects."""
    async with aiohttp.ClientSession() as http, http.get(house.client.transport.url(path), headers=head(house)) as got:
        return got.status, await got.read()


async def post(house: House, path: str, body: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
    url = house.client.transport.url(path)
    async with aiohttp.ClientSession() as http, http.post(url, json=body, headers=head(house)) as got:
        return got.status, await got.json()


def head(house: House) -> dict[str, str]:
    return {"Authorization": f"Bearer {house.stack.token('admin', tenant=house.tenant)}"}


async def found(house: House, *parts: str) -> list[Finding]:
    """What fsck says of objects of some projects and exports."""
    report = await fsck(house.stack.data, read=False, again=(1.0,))
    return [each for each in report.findings if any(part in each.name for part in parts)]


def film(root: Path, relative: str, clip: bytes) -> bytes:
    """A file that was rendered there, unlike any other."""
    content = clip + relative.encode()
    place(root, relative, content)
    return content


@pytest.fixture
def kept(tmp_path: Path, films: tuple[bytes, bytes]) -> tuple[Path, str, dict[str, bytes]]:
    """A store with one project without a video, whose ops nobody understands; its id, and files by what they are."""
    root, project = tmp_path / "legacy", str(uuid.uuid4())
    files = {
        "proxy 1": film(root, f"proxy/{project}/v1_proxy.mp4", films[0]),
        "proxy 2": film(root, f"proxy/{project}/v2_proxy.mp4", films[0]),
        "export 1": film(root, f"export/{project}/v1_final.mp4", films[0]),
        "export 2": film(root, f"export/{project}/v2_final.mp4", films[0]),
    }
    row = {"projectId": project, "createdAt": "2025-10-27T09:00:00Z"}
    exports = [
        row | {"_id": str(uuid.uuid4()), "version": 1, "s3Key": f"export/{project}/v1_final.mp4"},
        row
        | {"_id": str(uuid.uuid4()), "version": 2, "filePath": f"C:\\srv\\uploads\\export\\{project}\\v2_final.mp4"},
    ]
    operations = [row | {"version": version, "ops": [{"type": "applyMagic"}]} for version in VERSIONS]
    projects = [{"_id": project, "title": "Kept", "currentVersion": 2, "createdAt": "2025-10-27T09:00:00Z"}]
    write(root, projects=projects, videos=[], editOperations=operations, exportVersions=exports)
    return root, project, files


@slow
async def test_films_of_versions_that_are_kept_verbatim_are_used_like_any_other(
    house: House, kept: tuple[Path, str, dict[str, bytes]]
) -> None:
    root, project, files = kept
    house.lines(root, "--no-pin")
    shown = await house.client.project(project)
    assert shown.imported is not None and (shown.imported.kept_from, shown.duration) == (1, 0)
    for version in VERSIONS:
        path = f"/api/projects/{project}/versions/{version}"
        assert await get(house, f"{path}/proxy") == (200, files[f"proxy {version}"])
        seen = await house.client.version(project, version)
        assert seen.proxy.status == "ready" and seen.proxy.url is not None
        assert await get(house, seen.proxy.url) == (200, files[f"proxy {version}"])
    exports = {export.version: export async for export in house.client.exports(project)}
    for version, export in exports.items():
        assert export.url is not None and await get(house, export.url) == (200, files[f"export {version}"])
        status, known = await post(house, f"/api/projects/{project}/export", {"version": version})
        assert (status, known["id"], known["status"]) == (200, export.id, "ready")
    path = f"/api/projects/{project}/versions/1/pin"
    for wanted in (True, False):
        assert await post(house, path, {}) == (200, {"version": 1, "pinned": wanted})
    status, said = await post(house, f"/api/projects/{project}/export", {"version": 1, "profile": "webm"})
    assert (status, said["type"]) == (422, "/problems/empty-version"), "nothing can be rendered of it"
    assert await found(house, project, *(export.id for export in exports.values())) == []


@slow
async def test_the_collector_archives_restores_and_deletes_what_was_rendered_there(
    house: House, kept: tuple[Path, str, dict[str, bytes]]
) -> None:
    root, project, files = kept
    house.lines(root, "--no-pin")
    first = next(iter([export async for export in house.client.exports(project) if export.version == 1]))
    policy = {"ttlDays": 0, "keepLatest": 1, "proxyTtlDays": 0, "archiveGraceDays": 0, "maxDeleteFraction": 1}
    plan = await post(house, "/api/admin/gc/calculate", {"policy": policy, "classes": ["export", "proxy"]})
    ids = {each.get("exportId") or each["id"]: each["version"] for each in plan[1]["candidates"]}
    assert ids == {first.id: 1, f"proxy:{project}:1": 1}, "the collector knows proxies that came along"
    named = {"planId": plan[1]["planId"], "exportIds": [first.id]}
    assert (await post(house, "/api/admin/gc/archive", named))[1]["archived"] == [first.id]
    assert [export.status async for export in house.client.exports(project) if export.id == first.id] == ["archived"]
    assert await found(house, project, first.id) == []
    assert (await post(house, "/api/admin/gc/restore", {"exportIds": [first.id]}))[0] == 200

    async def back() -> Any:
        export = await house.client.export(project, first.id)
        return export.url if export.status == "ready" and (await get(house, export.url or ""))[0] == 200 else None

    assert await get(house, await eventually(back)) == (200, files["export 1"])
    assert (await post(house, "/api/admin/gc/archive", named))[1]["archived"] == [first.id]
    gone = {"exportIds": list(ids), "confirm": plan[1]["planHash"]}
    status, done = await post(house, "/api/admin/gc/delete", gone)
    assert (status, sorted(done.get("deleted", [done]))) == (200, sorted(ids))
    assert {key for key in await house.objects() if project in key or first.id in key} == {
        f"proxy/{project}/v2_proxy.mp4", f"export/{project}/v2_final.mp4",
    }  # fmt: skip
    assert await found(house, project, first.id) == []


@slow
async def test_a_rollback_removes_what_the_collector_archived(
    house: House, kept: tuple[Path, str, dict[str, bytes]]
) -> None:
    root, project, _ = kept
    run = house.lines(root, "--no-pin")[0]["id"]
    first = next(iter([export async for export in house.client.exports(project) if export.version == 1]))
    plan = await post(house, "/api/admin/gc/calculate", {"policy": {"ttlDays": 0, "keepLatest": 1}})
    named = {"planId": plan[1]["planId"], "exportIds": [first.id]}
    assert (await post(house, "/api/admin/gc/archive", named))[1]["archived"] == [first.id]
    assert house.rollback(run).returncode == 0
    assert {key for key in await house.objects() if project in key or first.id in key} == set()


@slow
async def test_a_lost_file_of_another_store_is_named_and_nothing_else_is_put_in_its_place(
    house: House, kept: tuple[Path, str, dict[str, bytes]]
) -> None:
    root, project, _ = kept
    house.lines(root, "--no-pin")
    key = f"proxy/{project}/v2_proxy.mp4"
    path = house.stack.data / "objects" / key
    content = path.read_bytes()
    path.write_bytes(b"torn")
    try:
        (finding,) = await found(house, project)
        assert (finding.check, finding.name) == ("object", key)
        assert finding.remedy is not None and finding.remedy.startswith("it can't be recreated")
    finally:
        path.write_bytes(content)
    assert await found(house, project) == []


@slow
async def test_no_file_that_a_row_names_is_called_unreferenced_and_what_has_no_proxy_is_rendered(
    house: House, tmp_path: Path, films: tuple[bytes, bytes]
) -> None:
    root = tmp_path / "legacy"
    ids = effects(root, films, 2.0)
    lines = house.lines(root)
    assert not [line for line in lines if "nothing refers to" in line.get("what", "")]
    for number in range(1, 4):
        wanted = (root / f"uploads/proxy/{ids['looks']}/v{number}_proxy.mp4").read_bytes()
        assert await get(house, f"/api/projects/{ids['looks']}/versions/{number}/proxy") == (200, wanted)
    (before,) = [export async for export in house.client.exports(ids["old"])]
    assert before.url is not None
    old = (root / f"uploads/videos/{ids['old']}_final.mp4").read_bytes()
    assert await get(house, before.url) == (200, old)
    assert await found(house, *ids.values()) == []

    async def rendered() -> bool:
        status, content = await get(house, f"/api/projects/{ids['fresh']}/versions/1/proxy")
        return status == 200 and content[4:8] == b"ftyp"

    assert await eventually(rendered)
