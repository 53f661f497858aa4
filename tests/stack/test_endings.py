"""How a stack ends, and that it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from pathlib import Path

import asyncpg
import pytest

from cutlog.operate.stack.leftovers import record
from cutlog.operate.stack.processes import Process, in_folder, process, processes
from cutlog.process.program import Account, Program
from tests.stack.conftest import MakeStack
from tests.support.remains import remains
from tests.support.running import complete, start
from tests.support.stacks import SMALL, RunningStack
from tests.support.waiting import eventually_sync

slow = pytest.mark.slow(reason="starts a stack of its own")


def owner(running: RunningStack) -> str:
    password = running.secrets.database("owner")
    return f"postgresql://postgres:{password}@127.0.0.1:{running.state.postgres_port}/cutlog"


async def execute(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@pytest.mark.few(1, reason="starts a stack of its own")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_whole_tree_cleanly(make_stack: MakeStack, number: signal.Signals) -> None:
    running = make_stack(env={"CUTLOG_TEST_CHILD": "1"})
    running.start()
    pids = list(running.pids.values())
    strays = [found.pid for pid in pids for found in children(pid)]
    assert len(pids) == 7 + (os.geteuid() == 0)  # root has a warden for all
    assert running.signal(number) == 0
    assert re.findall(r"^cutlog: (stopp\w+)", running.output, re.MULTILINE) == ["stopping", "stopped"]
    assert remains(running.data, [*pids, *strays]) == []
    assert "database system is shut down" in (running.data / "logs" / "postgres.log").read_text()
    assert "draining" in (running.data / "logs" / "ops.log").read_text()
    assert not (running.data / "postgres" / "data" / "postmaster.pid").exists()


@slow
def test_services_drain_before_what_they_stand_on_goes(make_stack: MakeStack) -> None:
    running = make_stack(env={"CUTLOG_TEST_DRAIN": "1.5"})
    running.start()
    pids = running.pids
    os.kill(running.pid, signal.SIGTERM)
    eventually_sync(lambda: "draining" in (running.data / "logs" / "ops.log").read_text())
    alive = {name for name, pid in pids.items() if (found := process(pid)) and found.alive}
    assert {"ops", "nats", "postgres"} <= alive
    assert "gateway" not in alive
    assert running.wait() == 0


@slow
def test_a_second_signal_ends_it_at_once(make_stack: MakeStack) -> None:
    running = make_stack(env={"CUTLOG_TEST_DRAIN": "1000"})
    running.start()
    pids = list(running.pids.values())
    os.kill(running.pid, signal.SIGINT)
    eventually_sync(lambda: "draining" in (running.data / "logs" / "ops.log").read_text())
    running.signal(signal.SIGINT)
    assert remains(running.data, pids) == []


@slow
def test_a_signal_while_it_starts_ends_what_has_started(make_stack: MakeStack) -> None:
    running = make_stack()
    running.begin()
    eventually_sync(lambda: (running.data / "run" / "pids" / "nats").exists())
    assert running.signal(signal.SIGTERM) == 0
    assert remains(running.data, []) == []
    running.start()


@slow
def test_a_service_that_cannot_start_is_quoted(make_stack: MakeStack) -> None:
    running = make_stack(env={"CUTLOG_TEST_FAIL": "1"})
    running.begin()
    assert running.wait() == 1
    assert "this service was told to fail" in running.output
    assert "Traceback" not in running.output
    assert remains(running.data, []) == []


@slow
def test_kill_9_leaves_nothing_that_blocks_the_next_start(make_stack: MakeStack) -> None:
    running = make_stack()
    running.start()
    pids = list(running.pids.values())
    complete(execute(owner(running), "CREATE TABLE kept AS SELECT 42 AS n"))
    running.signal(signal.SIGKILL)
    running.start()
    assert remains(running.data / "nothing", pids) == []
    assert complete(execute(owner(running), "SELECT n FROM kept")) == 42
    assert running.get("/api/projects")[0] == 200


@slow
def test_kill_9_ends_the_children_even_without_a_next_start(make_stack: MakeStack) -> None:
    running = make_stack()
    running.start()
    pids = list(running.pids.values())
    running.signal(signal.SIGKILL)
    eventually_sync(lambda: remains(running.data, pids) == [])


@slow
def test_leftovers_of_a_killed_stack_are_ended_and_named(make_stack: MakeStack, tmp_path: Path) -> None:
    running = make_stack()
    running.start()
    running.stop()
    ours = start(Program("ops", ["/bin/sh", "-c", "trap '' TERM; sleep 1000 & wait"], {}), tmp_path / "log")
    eventually_sync(lambda: len(children(ours.pid)) == 1)
    child = children(ours.pid)[0]
    record(running.data / "run" / "pids", "ops", ours.pid)
    running.start()
    assert "ended ops, left by an earlier run" in running.output
    assert ours.wait() == -signal.SIGKILL
    eventually_sync(lambda: (found := process(child.pid)) is None or not found.alive)


@slow
def test_a_process_that_took_over_a_number_is_left_alone(make_stack: MakeStack, tmp_path: Path) -> None:
    running = make_stack()
    running.start()
    running.stop()
    foreign = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    found = process(foreign.pid)
    assert found is not None
    record(running.data / "run" / "pids", "ops", foreign.pid)
    note = running.data / "run" / "pids" / "ops"
    note.write_text(note.read_text().replace(str(found.started), str(found.started - 1)))
    postmaster = running.data / "postgres" / "data" / "postmaster.pid"
    postmaster.write_text(f"{foreign.pid}\n{postmaster.parent}\n0\n5432\n\n127.0.0.1\n  1 1\nready\n")
    try:
        running.start()
        assert foreign.poll() is None
    finally:
        foreign.kill()
        foreign.wait()


@slow
def test_a_postgres_that_still_runs_is_ended_first(make_stack: MakeStack) -> None:
    running = make_stack()
    running.start()
    cluster = running.data / "postgres" / "data"
    os.kill(running.pids["postgres"], signal.SIGSTOP)  # so that it misses the signal of our death
    running.signal(signal.SIGKILL)
    assert in_folder(cluster)
    os.kill(next(iter(in_folder(cluster))).pid, signal.SIGCONT)
    running.start()
    assert complete(execute(owner(running), "SELECT 1")) == 1


@slow
def test_an_ordinary_user_may_run_it(make_stack: MakeStack, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("all other tests ran as an ordinary user")
    folder = tmp_path / "own folder"
    folder.mkdir()
    os.chown(folder, 65534, 65534)
    running = RunningStack(
        folder / "data", SMALL, account=Account(65534, 65534, traverse=True), env={"HOME": str(folder)}, logs=tmp_path
    )
    running.start()
    try:
        owners = {path.stat().st_uid for path in folder.rglob("*")}
        assert owners == {65534}
        pids = list(running.pids.values())
    finally:
        assert running.signal(signal.SIGTERM) == 0
    assert remains(running.data, pids) == []


def children(pid: int) -> list[Process]:
    return [found for found in processes() if found.parent == pid and found.alive]


@slow
def test_it_ends_cleanly_while_a_part_keeps_dying(make_stack: MakeStack) -> None:
    running = make_stack()
    running.start()
    pids = running.pids
    os.kill(pids["ops"], signal.SIGKILL)
    eventually_sync(lambda: "ops was ended by SIGKILL" in running.output)
    assert running.signal(signal.SIGTERM) == 0
    assert remains(running.data, list(pids.values())) == []
    assert not (running.data / "run" / "stack.json").exists()
