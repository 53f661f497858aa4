"""Services are forked from a process that has loaded them, and are the supervisor's own children all the same."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from cutlog.operate.stack.child import Child
from cutlog.operate.stack.forks import Forks
from cutlog.operate.stack.processes import PR_SET_CHILD_SUBREAPER, adopt_orphans, in_session, process
from cutlog.process.program import Program
from tests.support.stacks import RunningStack
from tests.support.waiting import eventually, eventually_sync

slow = pytest.mark.slow(reason="starts a stack of its own")

SERVICES = ("ops", "media", "render", "gc")


def command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").replace("\0", " ")


def serving(stack: RunningStack) -> bool:
    return stack.get("/api/health")[0] == 200


@slow
def test_services_are_forked_and_are_children_of_the_supervisor(alone: RunningStack) -> None:
    secrets = [path.read_text() for path in (alone.data / "secrets").iterdir()]
    pids = alone.pids
    for name in SERVICES:
        found = process(pids[name])
        assert found is not None
        assert (found.parent, found.session) == (alone.pid, found.pid)
        assert command(found.pid) == f"cutlog serve {name}"
        started_with = Path(f"/proc/{found.pid}/environ").read_text()
        assert all(secret not in started_with for secret in secrets)
        assert Path(f"/proc/{found.pid}/fd/2").resolve() == (alone.data / "logs" / f"{name}.log").resolve()
    threads = list(Path(f"/proc/{pids['forkserver']}/task").iterdir())
    assert len(threads) == 1, "a fork loses threads, and what they hold"


@slow
def test_a_killed_fork_server_takes_no_service_along_and_comes_back(alone: RunningStack) -> None:
    before = alone.pids
    os.kill(before["forkserver"], signal.SIGKILL)
    os.kill(before["gc"], signal.SIGKILL)

    def both_are_new() -> bool:
        pids = alone.pids
        return all(pids.get(name, before[name]) != before[name] for name in ("forkserver", "gc"))

    eventually_sync(both_are_new)
    assert {name: alone.pids[name] for name in ("ops", "media", "render")} == {
        name: before[name] for name in ("ops", "media", "render")
    }
    eventually_sync(lambda: serving(alone))
    assert command(alone.pids["gc"]) == "cutlog serve gc"


@slow
def test_where_the_kernel_does_not_tell_of_the_end_of_adopted_children_services_load_for_themselves(
    tmp_path: Path,
) -> None:
    running = RunningStack(tmp_path / "data", ("-c", OLD_KERNEL))
    running.start()
    try:
        assert "forkserver" not in running.pids
        assert command(running.pids["gc"]).endswith("-m cutlog serve gc")
        assert serving(running)
    finally:
        running.stop()


OLD_KERNEL = """
import errno, os, sys

def pidfd_open(pid, flags=0):
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

os.pidfd_open = pidfd_open
sys.argv = ["cutlog", "up", "--port", "0", "--data", sys.argv[1]]
from cutlog.operate.cli import main
main()
"""


@asynccontextmanager
async def forking(folder: Path) -> AsyncIterator[Forks]:
    """A fork server as a child of this process."""
    adopt_orphans()
    forks = Forks(folder)
    server = Child(forks.program, forks.loaded, logs=folder, pids=folder, tell=print, spawn=forks.start)
    await server.start()
    try:
        yield forks
    finally:
        await server.stop()
        forks.close()
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


PROGRAM = Program("cutlog", ["cutlog", "--help"], {"COLUMNS": "80"})


@slow
async def test_a_forked_process_ends_with_its_own_code_and_output(tmp_path: Path) -> None:
    async with forking(tmp_path) as forks:
        for argv, code, said in ((["cutlog", "--help"], 0, "Usage: cutlog"), (["cutlog", "serve", "x"], 2, "there is")):
            with (tmp_path / "out").open("a+") as log:
                process = await forks.fork(replace(PROGRAM, argv=argv), log)
                assert await process.wait() == code == process.returncode
                log.seek(0)
                assert said in log.read()
        assert not forks.forking


@slow
async def test_a_signal_ends_a_forked_process_and_is_told(tmp_path: Path) -> None:
    async with forking(tmp_path) as forks:
        with (tmp_path / "out").open("a+") as log:
            process = await forks.fork(PROGRAM, log)
        process.kill()
        assert await process.wait() == -signal.SIGKILL
        process.send_signal(signal.SIGTERM)  # too late, and no error


@slow
async def test_many_are_forked_at_once(tmp_path: Path) -> None:
    async with forking(tmp_path) as forks:
        with (tmp_path / "out").open("a+") as log:
            made = await asyncio.gather(*(forks.fork(PROGRAM, log) for _ in range(20)))
        assert len({process.pid for process in made}) == 20
        assert [await process.wait() for process in made] == [0] * 20


@slow
async def test_without_a_fork_server_nothing_is_forked(tmp_path: Path) -> None:
    async with forking(tmp_path) as forks:
        server = int((tmp_path / "forkserver").read_text().split()[0])
        os.kill(server, signal.SIGKILL)
        await eventually(lambda: not in_session(server))
        with (tmp_path / "out").open("a+") as log, pytest.raises(ConnectionError):
            await forks.fork(PROGRAM, log)
        assert not forks.forking


@slow
async def test_one_that_gets_no_order_ends(tmp_path: Path) -> None:
    async with forking(tmp_path) as forks:
        server = int((tmp_path / "forkserver").read_text().split()[0])
        with (tmp_path / "out").open("a+") as log:
            for _ in range(5):
                work = asyncio.create_task(forks.fork(PROGRAM, log))
                await asyncio.sleep(0)
                work.cancel()
                await asyncio.wait([work])
        await eventually(lambda: [found.pid for found in in_session(server)] == [server])
        assert not forks.forking
