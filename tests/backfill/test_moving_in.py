"""Whole runs against a running stack: what arrives, what a second run adds, and what is left when one is taken back."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cutlog.client import NotFound
from tests.backfill.conftest import House, compared
from tests.backfill.legacy_store import Expected, odd, place, sound, write
from tests.support.stacks import CHECKOUT
from tests.support.waiting import eventually

slow = pytest.mark.slow(reason="moves a store into a whole stack, seconds each")


def snapshot(root: Path) -> dict[str, tuple[bytes, int, int]]:
    """Every file with its bytes, times and links."""
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
        for path in root.rglob("*")
        if path.is_file()
    }


def run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT)


def begin(command: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.DEVNULL)


async def arrived(house: House, expected: Expected) -> None:
    for project, version in expected.versions.items():
        assert (await house.client.project(project)).current_version == version
        assert [edit.version async for edit in house.client.edits(project)] == list(range(1, version + 1))
    found = {video.sha256: video.ref_count async for video in house.client.videos()}
    assert found == expected.refs


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "legacy"


@pytest.mark.slow(reason="a store of every oddity moves in and out")
async def test_a_store_with_every_oddity_moves_in_is_reported_and_can_be_taken_back(
    house: House, store: Path, films: tuple[bytes, bytes]
) -> None:
    expected, before, objects = odd(store, *films), snapshot(store), await house.objects()

    dry = house.lines(store, "--dry-run")
    assert await house.objects() <= objects and not [p async for p in house.client.projects()]
    lines = house.lines(store)
    report = lines[-1]
    assert snapshot(store) == before, "the source is only read"
    compared(dry, lines)
    await arrived(house, expected)
    told = {(line["file"], line["id"], line["what"]) for line in lines if line["item"] == "oddity"}
    for part in (
        "an incomplete write after", "occurs twice", "without a readable version", "without a projectId",
        "could not be translated", "is not below uploads", "without an id", "is not there", "which is no date",
        "without a name", "is not one of ours", "that is str and no object", "the same bytes as", "a refCount of 0",
        "is not that of its file", "nothing refers to", "no usable media", "without a readable currentVersion",
    ):  # fmt: skip
        assert any(part in what for _, _, what in told), part

    seven = await house.client.project("7")
    assert (seven.latest_proxy_key, seven.latest_export_key) == ("proxy/7/v3_proxy.mp4", "export/7/v3_final.mp4")
    edits = [edit async for edit in house.client.edits("7")]
    assert edits[0].actor == "Ana" and edits[0].at.isoformat() == "2022-04-15T05:20:00+00:00"
    exports = {export.id: export async for export in house.client.exports("7")}
    assert {
        export.id: (export.status, export.version, export.pinned) for export in exports.values()
    } == expected.exports
    objects_now = house.stack.data / "objects"
    for export_id, legacy in (("x1", "export/7/v1_final.mp4"), ("x-old", "archive/x-old_v2_final.mp4")):
        key = exports[export_id].key
        assert key is not None
        assert (objects_now / key).read_bytes() == (store / "uploads" / legacy).read_bytes()
    timeline = await house.client.timeline("7")
    assert [(clip.at, clip.frames) for track in timeline.tracks for clip in track.clips] == [(0, 7), (7, 8), (0, 25)]
    (mapped,) = [p async for p in house.client.projects() if p.name == "Über Projekt"]
    assert mapped.imported is not None and mapped.imported.kept_from == 2
    kept = [edit async for edit in house.client.edits(mapped.id)][1]
    assert kept.ops == [] and kept.legacy == [{"type": "applyMagic", "strength": 11}]
    assert (await house.client.timeline(mapped.id)).duration == mapped.duration == 15

    track = {"op": "track.add", "track": "t", "kind": "video"}
    assert (await house.client.commit("7", [track], dry_run=True)).version == 5, "edits go on where the numbers ended"
    objects = await house.objects()
    again = house.lines(store)
    assert again[-1]["found"]["versions"] == report["found"]["versions"] and await house.objects() <= objects
    await arrived(house, expected)

    result = house.rollback(report["run"])
    assert result.returncode == 0, result.stderr
    assert not [p async for p in house.client.projects()] and not [v async for v in house.client.videos()]
    ours = [key for key in objects if key.split("/")[1] in ("7", house.tenant) or "x-old" in key]
    assert ours

    async def gone() -> bool:
        return not set(ours) & await house.objects()

    await eventually(gone)
    with pytest.raises(NotFound):
        await house.client.project("7")
    assert house.rollback(report["run"]).returncode == 1

    house.lines(store)
    await arrived(house, expected)


@slow
@pytest.mark.parametrize(("projects", "versions"), [(2, 5), (10, 100)])
async def test_a_sound_store_moves_in_without_a_word(
    house: House, store: Path, films: tuple[bytes, bytes], projects: int, versions: int
) -> None:
    expected = renamed(store, projects=projects, versions=versions, clip=films[0])
    lines = house.lines(store)
    assert [line for line in lines if line["item"] in ("oddity", "kept")] == []
    await arrived(house, expected)


@pytest.mark.long
async def test_a_hundred_thousand_operations_take_no_more_memory(
    house: House, store: Path, films: tuple[bytes, bytes]
) -> None:
    expected = renamed(store, projects=20, versions=5_000, clip=films[0])
    measured = (
        "import resource, sys; from cutlog.operate.cli import main; sys.argv = sys.argv[1:]\n"
        "try: main()\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    command = [sys.executable, "-c", measured, "cutlog", "backfill", store, "--data", house.stack.data]
    result = run([*map(str, command), "--tenant", house.tenant, "--json"])
    assert result.returncode == 0, result.stderr
    assert int(result.stderr.split()[-1]) < 256 * 1024, "KiB"
    await arrived(house, expected)


def renamed(store: Path, *, projects: int, versions: int, clip: bytes) -> Expected:
    """A sound store whose ids nobody else on the stack has, as ids are unique over all tenants."""
    return sound(store, projects=projects, versions=versions, clip=clip, prefix=f"p{secrets.token_hex(4)}")


@slow
async def test_a_run_that_is_killed_goes_on_where_it_was_and_brings_nothing_twice(
    house: House, store: Path, films: tuple[bytes, bytes]
) -> None:
    expected = renamed(store, projects=4, versions=400, clip=films[0])
    project = next(iter(expected.versions))
    for version in range(1, 6):
        place(store, f"export/{project}/v{version}_final.mp4", films[0] + bytes([version]))
    write(
        store,
        exportVersions=[
            {"id": f"{project}-x{v}", "projectId": project, "version": v, "key": f"export/{project}/v{v}_final.mp4"}
            for v in range(1, 6)
        ],
    )
    command = [sys.executable, "-m", "cutlog", "backfill", str(store), "--data", str(house.stack.data)]
    runs = house.stack.data / "backfill"
    before = set(runs.glob("b_*"))
    process = begin([*command, "--tenant", house.tenant])

    async def begun() -> bool:
        return bool([p async for p in house.client.projects()]) or process.poll() is not None

    await eventually(begun)
    process.send_signal(signal.SIGKILL)
    process.wait()
    report = house.lines(store)[-1]
    assert report["resumed"]
    await arrived(house, expected)
    assert len([e async for e in house.client.exports(project)]) == 5
    assert len(set(runs.glob("b_*")) - before) == 1, "one run, interrupted or not"
    assert house.rollback(report["run"]).returncode == 0
    assert not [p async for p in house.client.projects()] and not [v async for v in house.client.videos()]


@slow
async def test_later_work_is_never_taken_back(house: House, store: Path, films: tuple[bytes, bytes]) -> None:
    expected = renamed(store, projects=2, versions=2, clip=films[0])
    report = house.lines(store)[-1]
    edited, forked = expected.versions
    await house.client.commit(edited, [{"op": "track.add", "track": "mine", "kind": "video"}])
    fork = await house.client.fork(forked, "copy")
    result = house.rollback(report["run"])
    assert result.returncode == 1
    assert edited in result.stderr and fork.id in result.stderr
    assert (await house.client.project(edited)).current_version == 3
    assert (await house.client.project(forked)).current_version == 2


@slow
async def test_files_are_linked_where_that_is_asked_for(house: House, store: Path, films: tuple[bytes, bytes]) -> None:
    expected = renamed(store, projects=1, versions=1, clip=films[1])
    film = store / "uploads/videos/clip.mp4"
    film.chmod(0o644)
    house.lines(store, "--link")
    (video,) = [video async for video in house.client.videos()]
    assert film.stat().st_nlink == 2
    await arrived(house, expected)
    assert video.sha256 in expected.refs


@slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root: the services of anybody else read what its owner may")
async def test_a_file_that_services_may_not_read_is_copied_where_links_are_asked_for(
    house: House, store: Path, films: tuple[bytes, bytes]
) -> None:
    expected = renamed(store, projects=1, versions=1, clip=films[1] + b"closed")
    film = store / "uploads/videos/clip.mp4"
    film.chmod(0o600)
    house.lines(store, "--link")
    assert (film.stat().st_nlink, film.stat().st_mode & 0o777, film.stat().st_uid) == (1, 0o600, 0)
    await arrived(house, expected)


@slow
async def test_without_pins_exports_are_left_to_the_collector(
    house: House, store: Path, films: tuple[bytes, bytes]
) -> None:
    expected = renamed(store, projects=1, versions=1, clip=films[0])
    (project,) = expected.versions
    place(store, f"export/{project}/v1_final.mp4", films[1])
    key = f"export/{project}/v1_final.mp4"
    write(store, exportVersions=[{"id": f"{project}-x", "projectId": project, "version": 1, "key": key}])
    house.lines(store, "--no-pin")
    (export,) = [export async for export in house.client.exports(project)]
    assert (export.status, export.pinned) == ("ready", False)


@slow
def test_a_folder_that_is_no_store_and_an_unknown_run_are_named(house: House, tmp_path: Path) -> None:
    nothing = house.backfill(tmp_path)
    assert nothing.returncode == 1 and "not a legacy store" in nothing.stderr.lower()
    unknown = house.rollback("b_nobody")
    assert unknown.returncode == 1 and "b_nobody" in unknown.stderr
    assert house.backfill(tmp_path, "--tenant", "Not Legal").returncode == 2
