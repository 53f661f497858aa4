"""As whom the parts of a stack run when root starts it, and what is out of their reach."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cutlog.client import Client
from cutlog.jail.orders import Order
from cutlog.operate.stack.account import BUS, DECODER, GATEWAY, SERVICES, Accounts
from cutlog.operate.stack.passages import installed_paths, passages_to
from cutlog.operate.stack.processes import processes
from cutlog.process.launcher import CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_NET_BIND_SERVICE
from cutlog.process.program import Program
from tests.support.painting import Painter
from tests.support.privileges import MASKS, PLACE, capabilities, inside, reading, status, user
from tests.support.stacks import CHECKOUT, SMALL, RunningStack
from tests.support.waiting import eventually_sync

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: an ordinary user's stack is that user's")

SERVED = ("ops", "media", "render", "gc")
ORDERING = """
import json, os, shutil, sys, tempfile
from pathlib import Path
from cutlog.jail.client import Warden
from cutlog.jail.orders import Order

address, code, objects, *paths = sys.argv[1:]
warden = Warden()
warden.use(address)
folder = tempfile.mkdtemp()
given = Path(tempfile.mkdtemp()) / "given"
given.write_text("read")
kept = given.with_name("kept")
kept.write_text("not for decoders")
kept.chmod(0o600)
argv = ["/usr/bin/python3", "-I", "-S", "-c", code, objects, str(given), str(kept), *paths]
order = Order(jail="off", argv=argv, reads=[str(given)], folder=folder, rlimits={}, processes=1)
remote = warden.start(order)
said, errors = remote.stdout.read().decode(), remote.stderr.read().decode()
code = remote.wait()
left = {str(path.relative_to(folder)): path.read_text() for path in Path(folder).rglob("*") if path.is_file()}
shutil.rmtree(folder)
shutil.rmtree(given.parent)
print(json.dumps({"said": json.loads(said), "errors": errors, "code": code, "left": left}))
"""
"""What a service does, which is the user of services: has a program started by the warden that it shares, without any
sandbox. The program gets a file to read, one that it is not given, and these paths."""

DECODING = """
import json, os, sys
objects, done = sys.argv.pop(1), {}
for attempt in (
    lambda: open(objects + "/videos/v.mp4", "ab"), lambda: os.unlink(objects + "/videos/v.mp4"),
    lambda: open(objects + "/videos/new", "wb"), lambda: os.chmod(objects + "/videos/v.mp4", 0o777),
):
    try:
        attempt()
    except OSError as error:
        done[attempt] = type(error).__name__
for path in sys.argv[1:]:
    try:
        with open(path, "rb") as file:
            done[path] = len(file.read(64))
    except OSError as error:
        done[path] = type(error).__name__
os.mkdir("shut")
for name in ("shut/inside", "result"):
    with open(name, "w") as file:
        file.write("made")
    os.chmod(name, 0)
os.chmod("shut", 0)
said = {"user": os.getresuid(), "group": os.getresgid(), "groups": os.getgroups(), "done": list(done.values())}
print(json.dumps({**said, "status": open("/proc/self/status").read()}))
"""


@pytest.fixture(scope="module")
def opened() -> Iterator[RunningStack]:
    """A small stack in a folder that all may enter, so that nothing but its own modes keeps anybody out."""
    folder = Path(tempfile.mkdtemp(prefix="opened-", dir=PLACE))
    folder.chmod(0o755)
    running = RunningStack(folder / "data", SMALL)
    running.start()
    yield running
    running.stop()
    shutil.rmtree(folder)


def test_only_the_supervisor_is_root_and_no_part_has_a_capability(stack: RunningStack) -> None:
    pids = stack.pids
    assert {*SERVED, "forkserver", "nats", "gateway", "postgres", "warden"} <= set(pids)
    own = {"nats": (BUS, BUS), "gateway": (GATEWAY, GATEWAY), "warden": (DECODER, DECODER)}
    for name in set(pids) - {"postgres"}:
        uid, gid = own.get(name, (SERVICES, DECODER))
        assert user(pids[name]) == ({str(uid)}, {str(gid)}, ""), name
        assert capabilities(pids[name]) == set(), name
    assert user(pids["postgres"])[0].isdisjoint({"0", *map(str, Accounts.here().users)})
    assert capabilities(pids["postgres"]) <= {CAP_DAC_READ_SEARCH, CAP_DAC_OVERRIDE}
    assert {status(pid)["NoNewPrivs"] for pid in pids.values()} == {"1"}


@pytest.mark.slow(reason="starts processes of its own, seconds each")
def test_no_part_can_read_the_files_of_secrets(opened: RunningStack) -> None:
    accounts = Accounts.here()
    secrets = [str(path) for path in (opened.data / "secrets").iterdir()]
    private = [f"/proc/{opened.pid}/environ", str(opened.data / "run" / "stack.json")]
    held = [str(path) for path in (opened.data / "keys").glob("*/*")]
    assert len(secrets) > 5 and len(held) > 8
    for account in (accounts.decoder, accounts.bus, accounts.gateway):
        assert account is not None
        assert set(reading(account, held).values()) == {"PermissionError"}, account
    for account in (accounts.services, accounts.decoder, accounts.bus, accounts.gateway):
        assert account is not None
        outcome = reading(account, [*secrets, *private])
        assert set(outcome.values()) == {"PermissionError"}, (account, outcome)


@pytest.mark.slow(reason="starts processes of its own, seconds each")
def test_no_other_part_can_read_what_services_have_in_memory(stack: RunningStack) -> None:
    memory = [
        f"/proc/{stack.pids[name]}/{what}"
        for name in (*SERVED, "forkserver") for what in ("environ", "mem", "maps", "auxv")
    ]  # fmt: skip
    accounts = Accounts.here()
    for account in (accounts.decoder, accounts.bus, accounts.gateway):
        assert account is not None
        outcome = reading(account, memory)
        assert set(outcome.values()) == {"PermissionError"}, (account, outcome)
    assert accounts.services is not None
    assert "PermissionError" not in reading(accounts.services, memory).values()


@pytest.mark.slow(reason="starts processes of its own, seconds each")
def test_a_port_below_1024_takes_one_capability_of_the_gateway_alone(tmp_path: Path) -> None:
    limit = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    running = RunningStack(tmp_path / "data", (*SMALL, "--port", str(low_port())))
    running.start()
    try:
        assert running.get("/api/projects")[0] == 200
        kept = {CAP_NET_BIND_SERVICE} if limit > 1 else set()
        assert capabilities(running.pids["gateway"]) == kept
        assert user(running.pids["gateway"])[0] == {str(GATEWAY)}
        assert capabilities(running.pids["media"]) == set()
    finally:
        running.stop()


def low_port() -> int:
    for port in range(1023, 600, -1):
        with socket.socket() as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    pytest.skip("no port below 1024 is free")


def ordered(running: RunningStack, paths: list[str]) -> dict[str, Any]:
    accounts = Accounts.here()
    address = running.environment_of("media")["CUTLOG_WARDEN"]
    arguments = [address, DECODING, str(running.data / "objects"), *paths]
    program = Program(
        name="service", argv=[sys.executable, "-c", ORDERING, *arguments], env={"HOME": "/"},
        cwd=CHECKOUT, account=accounts.services, passages=passages_to(installed_paths(), accounts.users),
    )  # fmt: skip
    done = subprocess.run(program.command(), env=program.environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


@pytest.mark.slow(reason="starts processes of its own, seconds each")
def test_even_without_a_sandbox_a_decoder_reads_no_secret_and_changes_no_object(opened: RunningStack) -> None:
    """As one that has broken out of it altogether."""
    video = opened.data / "objects" / "videos" / "v.mp4"
    for folder in (video.parent.parent, video.parent):
        folder.mkdir(exist_ok=True)
    video.write_bytes(b"film")
    for path, mode in ((video.parent, 0o750), (video, 0o640)):
        path.chmod(mode)
        os.chown(path, SERVICES, DECODER)
    paths = [str(path) for path in (opened.data / "secrets").iterdir()]
    for name in (*SERVED, "nats", "gateway", "postgres"):
        paths += [f"/proc/{opened.pids[name]}/{what}" for what in ("environ", "mem", "maps")]
    outcome = ordered(opened, paths)
    said = outcome["said"]
    assert said["user"] == said["group"] == [DECODER] * 3
    assert said["groups"] == []
    refused = ["PermissionError"] * (len(paths) + 1)
    assert said["done"] == [*["PermissionError"] * 4, len("read"), *refused]
    assert re.search(r"^NoNewPrivs:\s*1$", said["status"], re.MULTILINE)
    assert re.findall(r"^Cap\w+:\s*(\w+)$", said["status"], re.MULTILINE) == ["0" * 16] * len(MASKS)


@pytest.mark.slow(reason="starts processes of its own, seconds each")
def test_what_a_decoder_leaves_is_the_services_to_read_and_to_remove(opened: RunningStack) -> None:
    outcome = ordered(opened, [])
    assert outcome["left"] == {"result": "made", "shut/inside": "made"}
    assert (outcome["code"], outcome["errors"]) == (0, "")


@pytest.mark.slow(reason="starts processes of its own, seconds each")
def test_a_warden_that_was_killed_is_started_again_at_the_same_address(opened: RunningStack) -> None:
    before = opened.pids["warden"]
    os.kill(before, signal.SIGKILL)
    assert ordered(opened, [])["code"] == 0  # it waited
    eventually_sync(lambda: opened.pids.get("warden", before) != before)


@pytest.mark.slow(reason="starts processes of its own, seconds each")
def test_the_shared_warden_serves_nobody_but_the_services(opened: RunningStack) -> None:
    address = opened.environment_of("media")["CUTLOG_WARDEN"]
    order = msgspec.json.encode(Order(jail="off", argv=["/bin/true"], reads=[], folder=None, rlimits={}, processes=1))
    code = "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(chr(0) + sys.argv[1]); "
    code += "s.sendall(sys.stdin.buffer.read()); print(s.recv(1))"
    for uid in (0, DECODER, GATEWAY, 65534):
        done = subprocess.run(
            ["/usr/bin/python3", "-I", "-c", code, address], input=len(order).to_bytes(4) + order,
            capture_output=True, user=uid, group=uid, extra_groups=[],
        )  # fmt: skip
        told = done.stdout + done.stderr
        assert any(each in told for each in (b"b''", b"ConnectionResetError", b"BrokenPipeError")), told


@pytest.mark.slow(reason="starts processes of its own, seconds each")
async def test_media_is_decoded_by_another_user_who_owns_no_object(stack: RunningStack, painted: Painter) -> None:
    warden, users = stack.pids["warden"], dict[str, set[str]]()
    objects = stack.data / "objects"
    before = set(inside(objects))  # other tests put things there by hand
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            parents = {found.pid: found.parent for found in processes()}
            for pid in parents:
                if warden in ancestors(pid, parents):
                    with suppress(OSError):
                        name = Path(f"/proc/{pid}/comm").read_text().strip()
                        users.setdefault(name, set()).update(user(pid)[0])

    watching = asyncio.create_task(asyncio.to_thread(watch))
    try:
        async with Client.connect(stack.url, stack.token("admin", tenant="confined")) as client:
            video = await client.upload(painted(fps=25, frames=100, size=(320, 180), audio=True, tag=6))
            project = await client.create_project("decoded")
            clip = {"op": "clip.add", "clip": "a", "track": "v", "at": 0, "media": video.id, "in": 0, "out": 100}
            await client.commit(project.id, [{"op": "track.add", "track": "v", "kind": "video"}, clip])
            await client.wait_for_proxy(project.id, 1)
    finally:
        done.set()
        await watching
    assert any(name.startswith("ffmpeg") for name in users), users
    assert set().union(*users.values()) == {str(DECODER)}
    made = set(inside(objects)) - before
    assert made and {path.lstat().st_uid for path in [objects, *made]} == {SERVICES}


def ancestors(pid: int, parents: dict[int, int]) -> Iterator[int]:
    while pid in parents:
        pid = parents[pid]
        yield pid
