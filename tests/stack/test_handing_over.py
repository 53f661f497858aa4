"""What root's stack hands over to the users of its parts, and how these get through folders that are closed to them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cutlog.blobs import LocalBlobs
from cutlog.operate.stack.account import BUS, DECODER, GATEWAY, SERVICES, own
from cutlog.operate.stack.passages import ACL, closed_ways, installed_paths
from cutlog.process.program import Account
from tests.support.privileges import PLACE, capabilities, inside, reading, user
from tests.support.running import complete
from tests.support.stacks import CHECKOUT, SMALL, RunningStack

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: an ordinary user's stack is that user's")

SERVED = ("ops", "media", "render", "gc")
NO_MOUNTS = """
import ctypes, os, sys
if ctypes.CDLL(None).prctl(24, 21, 0, 0, 0):
    sys.exit("cannot give up CAP_SYS_ADMIN")
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""Runs Python without the right to mount, as root in a container has it."""


@pytest.mark.slow(reason="starts processes of its own, seconds each")
def test_data_of_root_is_handed_over_once_and_nothing_beyond_it(tmp_path: Path) -> None:
    """As a stack left it that ran as root altogether."""
    running = RunningStack(tmp_path / "data", SMALL)
    running.start()
    running.stop()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("of root")
    linked = outside / "linked"
    linked.write_text("of root, by two names")
    objects = running.data / "objects"
    (objects / "videos").mkdir(mode=0o700, exist_ok=True)
    (objects / "videos" / "v.mp4").write_bytes(b"film")
    (objects / "folder").symlink_to(outside)
    (objects / "videos" / "file").symlink_to(outside / "file")
    os.link(linked, objects / "videos" / "linked")
    for part in ("objects", "nats", "caddy"):
        for path in [running.data / part, *(running.data / part).rglob("*")]:
            os.chown(path, 0, 0, follow_symlinks=False)
    running.start()
    try:
        for part, uid in (("objects", SERVICES), ("nats", BUS), ("caddy", GATEWAY)):
            assert {path.lstat().st_uid for path in [running.data / part, *inside(running.data / part)]} == {uid}, part
        assert {path.lstat().st_uid for path in [outside, *outside.iterdir()]} == {0}
        assert (objects / "videos" / "linked").read_text() == "of root, by two names"
        assert linked.stat().st_nlink == 1
        for folder in ("secrets", "run", "logs"):
            assert {path.lstat().st_uid for path in [running.data / folder, *(running.data / folder).iterdir()]} == {0}
    finally:
        running.stop()


def test_a_folder_that_somebody_put_a_link_in_place_of_is_not_followed(tmp_path: Path) -> None:
    """Only root's own link, in root's own folder, says where a folder is."""
    target, theirs = tmp_path / "target", tmp_path / "theirs"
    target.mkdir()
    theirs.mkdir()
    os.chown(theirs, SERVICES, SERVICES)
    for folder, uid in ((theirs, 0), (tmp_path, BUS)):
        (folder / "link").symlink_to(target)
        own(folder / "link", Account(BUS, BUS))
        assert target.stat().st_uid == uid


def test_closed_folders_on_the_way_are_found_from_the_outside(tmp_path: Path) -> None:
    home = Path(tempfile.mkdtemp(dir=PLACE))
    try:
        for path in ("a", "a/venv", "a/venv/lib", "a/shut", "a/shut/data", "b"):
            (home / path).mkdir()
            (home / path).chmod(0o755)
        (home / "file").touch()
        (home / "a" / "shut").chmod(0o700)
        home.chmod(0o700)
        names = ["a", "a/venv/lib", "a/shut/data", "b", "file", "a/shut", "nothing"]
        assert closed_ways([home / name for name in names]) == (
            (str(home), tuple(str(home / name) for name in sorted(("a", "b", "file")))),
            (str(home / "a/shut"), (str(home / "a/shut/data"),)),
        )
        (home / "b").chmod(0o700)
        owner = (home / "b").stat().st_uid
        assert closed_ways([home / "b"]) == ()
        assert closed_ways([home / "b"], [owner]) == ((str(home), (str(home / "b"),)),)
        home.chmod(0o711)
        assert closed_ways([home / "b"], [owner]) == ()
    finally:
        shutil.rmtree(home)


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder that only root may enter, below one that all may."""
    folder = Path(tempfile.mkdtemp(prefix="closed-", dir=PLACE))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow(reason="starts processes of its own, seconds each")
def test_data_in_a_closed_folder_is_reached_and_its_neighbours_are_not_shown(closed: Path) -> None:
    (closed / "neighbour").write_text("of root")
    (closed / "neighbour").chmod(0o644)
    running = RunningStack(closed / "data", SMALL)
    running.start()
    try:
        assert running.get("/api/projects")[0] == 200
        seen = Path(f"/proc/{running.pids['media']}/root{closed}")
        assert [path.name for path in seen.iterdir()] == ["data"]
        assert closed.stat().st_mode & 0o777 == 0o700
        assert ACL not in os.listxattr(closed)
        assert sorted(path.name for path in closed.iterdir()) == ["data", "data.up.log", "neighbour"]
    finally:
        running.stop()


@pytest.mark.slow(reason="starts processes of its own, seconds each")
def test_where_root_may_not_mount_closed_folders_let_pass_these_users_alone(closed: Path) -> None:
    running = RunningStack(closed / "data", ("-c", NO_MOUNTS, *SMALL))
    running.start()
    try:
        assert running.get("/api/projects")[0] == 200
        assert capabilities(running.pids["media"]) == set()
        assert {user(running.pids[name])[0].pop() for name in SERVED} == {str(SERVICES)}
        nobody = reading(Account(65534, 65534), [str(closed / "data")])
        assert nobody == {str(closed / "data"): "PermissionError"}
        passing = reading(Account(SERVICES, DECODER), [str(closed), str(closed / "data" / "objects")])
        assert passing == {str(closed): "PermissionError", str(closed / "data" / "objects"): "IsADirectoryError"}
    finally:
        running.stop()


def test_what_root_puts_into_the_store_of_a_stack_is_the_services(tmp_path: Path) -> None:
    root = tmp_path / "objects"
    root.mkdir()
    os.chown(root, SERVICES, DECODER)
    source = tmp_path / "source"
    source.write_bytes(b"film")

    async def put() -> None:
        blobs = LocalBlobs(root, "secret")
        await blobs.put_file("videos/t/a.mp4", source)
        await blobs.put_bytes("derived/t/a/b.json", b"{}")
        async with blobs.scratch() as folder:
            (folder / "made").write_bytes(b"film")
            await blobs.put_file("export/p/v1_final.mp4", folder / "made")

    complete(put())
    assert {path.lstat().st_uid for path in [root, *root.rglob("*")]} == {SERVICES}
    assert source.stat().st_uid == 0


def test_what_is_opened_includes_the_services_beside_the_library() -> None:
    assert CHECKOUT in installed_paths(), "below a closed folder, nothing but this is seen"
