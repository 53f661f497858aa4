"""The whole stack with the real services, as `cutlog up` runs it."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from cutlog.bus import Bus, BusError
from cutlog.bus.streams import stream_info
from cutlog.operate.stack.layout import Layout
from tests.support.running import complete
from tests.support.stacks import RunningStack
from tests.support.waiting import PATIENCE, eventually_sync

slow = pytest.mark.slow(reason="kills services of the whole stack")

PARTS = ("ops", "media", "render", "gc")


def health(stack: RunningStack) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(stack.get("/api/health")[1])
    return answer


def all_well(stack: RunningStack) -> bool:
    """Whether every process is ready: the gateway alone would ask one of two processes of ops."""
    status, body = stack.get("/api/health")
    if status != 200 or json.loads(body)["status"] != "ok":
        return False
    return all(stack.get("/readyz", base=f"http://{address}")[0] == 200 for address in stack.state.listen.values())


def create_project(stack: RunningStack, name: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{stack.url}/api/projects",
        json.dumps({"name": name}).encode(),
        {"Authorization": f"Bearer {stack.token('editor')}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        made: dict[str, Any] = json.load(answer)
        return made


async def position(stack: RunningStack) -> int:
    """Position of the last event in PostgreSQL."""
    password = stack.secrets.database("owner")
    connection = await asyncpg.connect(f"postgresql://postgres:{password}@127.0.0.1:{stack.state.postgres_port}/cutlog")
    try:
        return int(await connection.fetchval("SELECT position FROM ops.head"))
    finally:
        await connection.close()


async def asked_state(stack: RunningStack) -> dict[str, Any]:
    """State of EVENTS as the server itself reports it; empty when there is none, or no server."""
    seed = stack.secrets.nats("operator").seed
    async with await Bus.connect(stack.state.nats_url, seed, name="operator") as bus:
        try:
            info = await stream_info(bus, "EVENTS")
        except BusError:
            return {}
    return info["state"] if info else {}


def stream_state(stack: RunningStack) -> dict[str, Any]:
    return complete(asked_state(stack))


def test_when_it_is_ready_all_services_are_well(stack: RunningStack) -> None:
    assert all_well(stack), health(stack)
    assert set(health(stack)["services"]) == set(PARTS)


@slow
@pytest.mark.parametrize("part", PARTS)
def test_a_killed_service_is_well_again(stack: RunningStack, part: str) -> None:
    before = stack.pids[part]
    os.kill(before, signal.SIGKILL)
    eventually_sync(lambda: stack.pids.get(part, before) != before)
    eventually_sync(lambda: all_well(stack))
    assert create_project(stack, f"after {part}")["currentVersion"] == 0


@slow
@pytest.mark.parametrize("part", ["nats", "postgres"])
def test_services_find_what_they_stand_on_again(stack: RunningStack, part: str) -> None:
    eventually_sync(lambda: all_well(stack))  # what a test before this one ended is up again, and noted
    services = {name: stack.pids[name] for name in PARTS}
    before = stack.pids[part]
    os.kill(before, signal.SIGKILL)
    eventually_sync(lambda: stack.pids.get(part, before) != before)
    eventually_sync(lambda: all_well(stack))
    assert create_project(stack, f"after {part}")["currentVersion"] == 0
    assert {name: stack.pids[name] for name in PARTS} == services


@slow
def test_the_stream_is_whole_again_after_its_folder_was_deleted(stack: RunningStack) -> None:
    for number in range(5):
        create_project(stack, f"project {number}")
    before = stack.pids["nats"]
    shutil.rmtree(Layout(stack.data).nats, ignore_errors=True)  # its server writes on meanwhile
    os.kill(before, signal.SIGKILL)
    eventually_sync(lambda: stack.pids.get("nats", before) != before)
    head = complete(position(stack))
    eventually_sync(lambda: stream_state(stack).get("last_seq") == head)
    assert stream_state(stack)["first_seq"] == 1
    assert stream_state(stack)["messages"] == head
    eventually_sync(lambda: all_well(stack))


def nats_cli(stack: RunningStack, home: Path, *arguments: str) -> str:
    """Runs the stock `nats` CLI with the context that `cutlog nats-context --install` stored under `home`."""
    program = shutil.which("nats", path=os.pathsep.join([os.environ["PATH"], str(Path.home() / "go" / "bin")]))
    if program is None:
        pytest.skip("no nats CLI here; .ci/run installs it")
    terminal, line = pty.openpty()  # `stream view` pages, and insists on a terminal
    env = os.environ | {"XDG_CONFIG_HOME": str(home), "HOME": str(home), "TERM": "dumb"}
    command = [program, "--context", "cutlog", *arguments]
    process = subprocess.Popen(command, env=env, stdin=line, stdout=line, stderr=line)
    os.close(line)
    shown = b""
    with contextlib.suppress(OSError):  # EIO: the other side has closed
        while block := os.read(terminal, 65536):
            shown += block
    os.close(terminal)
    text = shown.decode(errors="replace")
    assert process.wait(PATIENCE) == 0, text
    return text


@pytest.fixture
def home(stack: RunningStack, tmp_path: Path) -> Path:

    command = [sys.executable, "-m", "cutlog", "nats-context", "--data", str(stack.data), "--install", "--json"]
    env = os.environ | {"XDG_CONFIG_HOME": str(tmp_path)}
    made = json.loads(subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout)
    assert made["path"] == str(tmp_path / "nats" / "context" / "cutlog.json")
    return tmp_path


@slow
def test_the_nats_cli_shows_readable_events(stack: RunningStack, home: Path) -> None:
    project = create_project(stack, "seen from the terminal")
    appended = complete(position(stack))
    eventually_sync(lambda: stream_state(stack).get("last_seq", 0) >= appended)
    seen = nats_cli(stack, home, "stream", "view", "EVENTS", "--subject", f"evt.project.{project['id']}.>", "--raw")
    assert '"seen from the terminal"' in seen


@slow
def test_the_nats_cli_lists_every_service(stack: RunningStack, home: Path) -> None:
    listed = nats_cli(stack, home, "micro", "ls")
    assert all(part in listed for part in PARTS)
