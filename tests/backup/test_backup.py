"""Backups of a stack at work, and stacks made from them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

from cutlog.blobs import BlobNotFoundError, LocalBlobs
from cutlog.blobs.digests import reported_digest_in
from cutlog.client import Client
from cutlog.contract.keys import ProxyKey
from cutlog.operate.backup.making import backup
from cutlog.operate.backup.source import Source, source_of
from cutlog.operate.stack.postgres import Postgres
from tests.backup.conftest import Studio, cutlog, said
from tests.support.disks import full
from tests.support.fsck import assert_sound
from tests.support.stacks import CHECKOUT, RunningStack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.xdist_group("backup"), pytest.mark.slow(reason="stacks are saved and restored")]

KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from cutlog.operate.backup.making import backup
from cutlog.operate.backup.place import Place
from cutlog.operate.backup.restoring import restore
from cutlog.operate.backup.source import source_of

left = int(sys.argv[4])

def tell(key, size):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

async def work():
    data, root = Path(sys.argv[2]), Path(sys.argv[3])
    if sys.argv[1] == "backup":
        await backup(source_of(data), root, tell=tell)
    else:
        with Place.found(root) as place:
            await restore(place, None, data, tell)

asyncio.run(work())
"""
"""Dies when so many objects have been copied."""


def killed(what: str, data: Path, root: Path, after: int) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, what, data, root, str(after)], cwd=CHECKOUT)
    assert done.returncode == -signal.SIGKILL


def pool(root: Path) -> dict[str, int]:
    """Bytes by digest, of files that are what their names say."""
    files = [path for path in (root / "objects").rglob("*") if path.is_file() and not path.name.startswith(".new-")]
    keys = ("", str(ProxyKey("p_1", 1)))  # proxies are known by the digest of their pieces
    assert all(path.name in {reported_digest_in(path, key) for key in keys} for path in files)
    return {path.name: path.stat().st_size for path in files}


def names(root: Path) -> list[str]:
    """Finished backups."""
    return sorted(path.name for path in root.iterdir() if path.is_dir() and path.name[0].isdigit())


def listed(root: Path, name: str) -> dict[str, str]:
    """Digests of a backup's objects by their keys."""
    lines = (root / name / "objects.jsonl").read_text().splitlines()
    return {each["key"]: each["sha256"] for each in map(json.loads, lines)}


async def log_of(data: Path) -> list[tuple[int, str, str]]:
    """Position, id and stream of every event."""
    connection = await asyncpg.connect(source_of(data).owner)
    try:
        return [tuple(row) for row in await connection.fetch("SELECT position, id, stream FROM ops.event ORDER BY 1")]
    finally:
        await connection.close()


async def test_a_backup_taken_while_edits_go_on_becomes_a_stack_in_which_they_go_on(
    studio: Studio, tmp_path: Path
) -> None:
    root, ended = tmp_path / "backups", asyncio.Event()
    async with Client.connect(studio.stack.url, studio.admin) as client:

        async def editing() -> int:
            done = 0
            while not ended.is_set():
                ops = [{"op": "marker.add", "marker": f"m{done}", "at": done, "label": "x", "color": "#ffffff"}]
                done = (await client.commit(studio.project, ops)).version
            return done

        working = asyncio.create_task(editing())
        first = await asyncio.to_thread(said, "backup", root, "--data", studio.data)
        second = await asyncio.to_thread(said, "backup", root, "--data", studio.data)
        ended.set()
        last = await working
        before = await log_of(studio.data)
        assert first["copiedBytes"] == sum(pool(root).values()) and first["copiedObjects"] == len(pool(root))
        assert (second["copiedObjects"], second["copiedBytes"]) == (0, 0), "objects are not copied again"
        assert second["position"] > first["position"] and names(root) == [first["name"], second["name"]]
        export = await client.export(studio.project, studio.export)
        film = (studio.data / "objects" / str(export.key)).read_bytes()
    for path in (root, *root.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path

    data = tmp_path / "again"
    made = said("restore", root, "--data", data)
    assert (made["position"], made["copiedBytes"]) == (second["position"], second["bytes"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "backups"]
    secrets = {path.name: path.read_bytes() for path in (studio.data / "secrets").iterdir()}
    assert {path.name: path.read_bytes() for path in (data / "secrets").iterdir()} == secrets
    restored = RunningStack(data)
    restored.start()
    try:
        await assert_sound(data)
        async with Client.connect(restored.url, studio.admin) as client:  # tokens are good in both
            project = await client.project(studio.project)
            assert 1 <= project.current_version <= last
            restored_log = (await log_of(data))[: second["position"]]
            assert restored_log == before[: second["position"]], "the log is that of one moment"
            ops = [{"op": "clip.trim", "clip": "c", "out": 30}]
            version = (await client.commit(studio.project, ops)).version
            assert version == project.current_version + 1
            await client.rendered_version(studio.project, version)
            export = await client.export(studio.project, studio.export)
            assert export.status == "ready" and (data / "objects" / str(export.key)).read_bytes() == film
            known = await client.request_export(studio.project, 1)
            assert known.id == studio.export, "it is not rendered again"
        await assert_sound(data)
        events = await log_of(data)
        assert [position for position, _, _ in events] == list(range(1, len(events) + 1))
        assert len({id_ for _, id_, _ in events}) == len(events)
    finally:
        restored.stop()
    refused = cutlog("restore", root, "--data", data)
    assert refused.returncode == 1 and "is not empty" in refused.stderr and len(refused.stderr.splitlines()) == 1


async def test_both_directions_go_on_after_a_kill_and_nothing_half_done_has_a_name(
    studio: Studio, tmp_path: Path
) -> None:
    root, data = tmp_path / "backups", tmp_path / "again"
    killed("backup", studio.data, root, 2)
    assert names(root) == []
    before = pool(root)
    assert len(before) >= 2
    assert "no finished backup" in cutlog("restore", root, "--data", data).stderr and not data.exists()
    made = said("backup", root, "--data", studio.data)
    after = pool(root)
    assert made["copiedBytes"] == sum(after.values()) - sum(before.values())
    assert not list((root / "objects").rglob(".new-*")) and not (root / ".draft").exists()

    killed("restore", data, root, 2)
    assert not data.exists()
    again = said("restore", root, "--data", data)
    assert 0 < again["copiedObjects"] <= again["objects"] - 2 and again["copiedBytes"] < again["bytes"]
    assert {path.name for path in tmp_path.iterdir()} == {"backups", "again"}
    found = {path.relative_to(data / "objects").as_posix(): path for path in (data / "objects").rglob("*")}
    for key, sha256 in listed(root, made["name"]).items():
        assert reported_digest_in(found[key], key) == sha256


class Waiting(LocalBlobs):
    """Objects of which one is not found at first, and later, when all files are held, comes only when it may."""

    def __init__(self, root: Path, key: str) -> None:
        super().__init__(root, "")
        self.key, self.asked, self.may = key, asyncio.Event(), asyncio.Event()
        self.looks = 0

    async def stream(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if key == self.key:
            self.looks += 1
            if self.looks == 1:
                raise BlobNotFoundError(key)
            self.asked.set()
            await self.may.wait()
        async for chunk in super().stream(key, start, end):
            yield chunk


async def test_a_collection_leaves_what_a_backup_has_still_to_copy(studio: Studio, tmp_path: Path) -> None:
    root = tmp_path / "backups"
    async with Client.connect(studio.stack.url, studio.admin) as client:
        version = 0
        for clip, at in (("d", 60), ("e", 80)):  # the newest export is always kept
            ops = [{"op": "clip.add", "clip": clip, "track": "v", "at": at, "color": "#336699", "frames": 20}]
            version = (await client.commit(studio.project, ops)).version
            asked = await client.request_export(studio.project, version)
            await client.finished_export(studio.project, asked.id)
        export = await client.export(studio.project, (await client.request_export(studio.project, version - 1)).id)
        key = str(export.key)
        home = studio.data / "objects" / key
        content = home.read_bytes()
        plan = await client.calculate_gc({"ttlDays": 0, "keepLatest": 0, "maxDeleteFraction": 1})
        blobs = Waiting(studio.data / "objects", key)
        source = Source(source_of(studio.data).owner, blobs, studio.data)
        making = asyncio.create_task(backup(source, root))
        await blobs.asked.wait()
        second = await asyncio.to_thread(cutlog, "backup", tmp_path / "other", "--data", studio.data)
        assert second.returncode == 1 and "Another backup" in second.stderr
        ask = client.transport.ask
        wanted = {"planId": plan.plan_id, "exportIds": [export.id]}
        told = await ask(dict, "POST", "/api/admin/gc/archive", json=wanted, key="archive")
        assert told["archived"] == [export.id]
        assert (await client.export(studio.project, export.id)).status == "archived"
        assert home.read_bytes() == content, "its file has not been moved"
        blobs.may.set()
        made = await making
        assert listed(root, made.name)[key] == hashlib.sha256(content).hexdigest() and not made.lacking
        await eventually(lambda: not home.exists())
        archived = str((await client.export(studio.project, export.id)).key)
        assert (studio.data / "objects" / archived).read_bytes() == content


def test_what_is_lost_is_named_and_may_be_left_out(studio: Studio, tmp_path: Path) -> None:
    root = tmp_path / "backups"
    (path,) = (studio.data / "objects" / "export").rglob("v1_final.mp4")
    key = path.relative_to(studio.data / "objects").as_posix()
    aside = path.rename(tmp_path / "aside")
    try:
        for content, why in ((None, "it was not found"), (b"torn", "it has 4 bytes")):
            if content is not None:
                path.write_bytes(content)
            refused = cutlog("backup", root, "--data", studio.data)
            assert refused.returncode == 1 and len(refused.stderr.splitlines()) == 1
            assert key in refused.stderr and why in refused.stderr and names(root) == []
        made = said("backup", root, "--data", studio.data, "--without-damaged")
        assert made["lacking"] == [key] and key not in listed(root, made["name"])
    finally:
        aside.rename(path)
    assert said("backup", root, "--data", studio.data, "--keep", "1")["forgotten"] == [made["name"]]
    assert len(names(root)) == 1 and set(listed(root, names(root)[0]).values()) == set(pool(root))


def test_wrong_folders_and_damaged_backups_are_named_in_a_sentence(studio: Studio, tmp_path: Path) -> None:
    root, data = tmp_path / "backups", tmp_path / "again"
    other = tmp_path / "photos"
    other.mkdir()
    (other / "cat.jpg").write_bytes(b"")

    def refused(words: str, *arguments: object, code: int = 1) -> None:
        done = cutlog(*arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (code, 1), done.stderr
        assert words in done.stderr and not data.exists()

    refused("holds other files", "backup", other, "--data", studio.data)
    refused("is a file", "backup", other / "cat.jpg", "--data", studio.data)
    refused("must not contain each other", "backup", studio.data / "backups", "--data", studio.data, code=2)
    refused("there is no stack", "backup", root, "--data", tmp_path / "nothing")
    refused("has no cutlog-backups.json", "restore", other, "--data", data)
    made = said("backup", root, "--data", studio.data, "--no-secrets")
    assert not (root / made["name"] / "secrets").exists()
    refused("No such backup", "restore", root, "--data", data, "--backup", "yesterday")
    sha256 = listed(root, made["name"])[next(key for key in listed(root, made["name"]) if key.startswith("videos/"))]
    original = root / "objects" / sha256[:2] / sha256
    content = original.read_bytes()
    original.write_bytes(content[:-1] + b"?")
    refused("has the SHA-256", "restore", root, "--data", data)
    assert said("backup", root, "--data", studio.data)["copiedBytes"] == len(content), "it is copied anew"
    original.unlink()
    refused("is missing", "restore", root, "--data", data)
    original.write_bytes(content)
    dump = root / names(root)[-1] / "database.dump"
    dump.write_bytes(dump.read_bytes()[:-1])
    refused("differs from what was written", "restore", root, "--data", data)
    shutil.rmtree(root / names(root)[0])
    mark = root / "cutlog-backups.json"
    mark.write_text(json.dumps({"format": 1, "log": "another"}))
    refused("of another stack", "backup", root, "--data", studio.data)


def test_a_full_disk_is_told_and_leaves_no_backup_and_no_stack(
    studio: Studio, disk_of: Callable[[str], Path], tmp_path: Path
) -> None:
    disk, root = disk_of("64m"), tmp_path / "backups"
    (disk / "to").mkdir()
    said("backup", root, "--data", studio.data)
    with full(disk):
        refused = cutlog("backup", disk / "to", "--data", studio.data)
        assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
        assert "No space left" in refused.stderr and not names(disk / "to")
        refused = cutlog("restore", root, "--data", disk / "again")
        assert (refused.returncode, len(refused.stderr.splitlines())) == (1, 1)
        assert "No space left" in refused.stderr and not (disk / "again").exists()
    said("backup", disk / "to", "--data", studio.data)


def test_no_password_is_in_the_list_of_processes(tmp_path: Path) -> None:
    from cutlog.operate.stack.dump import _without_password  # what is given to PostgreSQL's programs

    owner = Postgres(tmp_path, 5, "p@ss word", None).url()
    assert _without_password(owner) == ("postgresql://postgres@127.0.0.1:5/cutlog", "p@ss word")
