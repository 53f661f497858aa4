"""The process that starts programs in jails: who may order, and what happens when a party dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from cutlog.jail import client
from cutlog.jail.client import Remote, Warden
from cutlog.jail.orders import Order
from cutlog.operate.stack.processes import Process, processes
from tests.support.waiting import eventually_sync

SLEEP = "import time; time.sleep(600)"


def order(code: str) -> Order:
    argv = [sys.executable, "-I", "-S", "-c", code]
    return Order(jail="off", argv=argv, reads=[], folder=None, rlimits={}, processes=1)


def below(pid: int) -> list[Process]:
    return [found for found in processes() if found.parent == pid and found.alive]


@pytest.fixture
def warden() -> Iterator[Warden]:
    """One of this test's own."""
    made = Warden()
    yield made
    made.close()


def told(remote: Remote) -> tuple[int, bytes]:
    with remote.stdout as stdout, remote.stderr:
        printed = stdout.read()
    return remote.wait(), printed


def test_what_a_program_prints_and_how_it_ends_is_told(warden: Warden) -> None:
    assert told(warden.start(order("print('said'); raise SystemExit(3)"))) == (3, b"said\n")
    assert told(warden.start(order("import os; os.kill(os.getpid(), 9)"))) == (-signal.SIGKILL, b"")


def test_a_program_that_can_not_be_started_says_why(warden: Warden) -> None:
    with pytest.raises(RuntimeError, match="No such file"):
        warden.start(Order(jail="off", argv=["/nowhere"], reads=[], folder=None, rlimits={}, processes=1))


def test_one_that_was_killed_is_made_again(warden: Warden) -> None:
    assert told(warden.start(order("")))[0] == 0
    first = warden.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert told(warden.start(order("print(1)"))) == (0, b"1\n")
    assert warden.pid != first


def test_hanging_up_ends_the_program_with_its_children(warden: Warden) -> None:
    remote = warden.start(order(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEP!r}])"))
    (child,) = eventually_sync(lambda: below(remote.pid))
    remote.kill()
    assert told(remote)[0] == -signal.SIGKILL
    eventually_sync(lambda: not any(each.pid == child.pid and each.alive for each in processes()))


def test_several_programs_have_one_warden_which_has_one_thread(warden: Warden) -> None:
    assert [told(warden.start(order("")))[0] for _ in range(3)] == [0, 0, 0]
    assert warden.pid is not None
    first = warden.pid
    running = [warden.start(order(SLEEP)) for _ in range(3)]
    assert warden.pid == first
    assert len(below(first)) == 3  # each has a process of its own, which starts and awaits it
    assert len(list(Path(f"/proc/{first}/task").iterdir())) == 1
    for each in running:
        each.kill()
        assert told(each)[0] == -signal.SIGKILL


def test_a_program_ends_with_the_process_that_awaits_it(warden: Warden) -> None:
    remote = warden.start(order(SLEEP))
    assert warden.pid is not None
    (awaiting,) = below(warden.pid)
    os.kill(awaiting.pid, signal.SIGKILL)
    assert told(remote)[0] == -signal.SIGKILL
    eventually_sync(lambda: not any(each.pid == remote.pid and each.alive for each in processes()))


def test_it_gets_nothing_of_the_environment_that_could_be_a_secret(
    warden: Warden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUTLOG_JWT_SECRET", "of the service")
    assert told(warden.start(order("")))[0] == 0
    said = [each.partition(b"=") for each in Path(f"/proc/{warden.pid}/environ").read_bytes().split(b"\0") if each]
    told_of = {name: value for name, _, value in said}
    assert told_of.pop(b"HOME") == b"/"
    assert set(told_of) <= {b"PATH", b"LANG", b"LD_LIBRARY_PATH", b"PYTHONPATH"}


def test_a_warden_ends_with_its_service(warden: Warden) -> None:
    remote = warden.start(order(SLEEP))
    pid = warden.pid
    warden.close()
    eventually_sync(lambda: not any(each.pid == pid and each.alive for each in processes()))
    remote.kill()
    told(remote)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_another_user_is_not_served(warden: Warden) -> None:
    assert told(warden.start(order("")))[0] == 0
    command = msgspec.json.encode(order("print('at your service')"))
    code = "import os, socket, sys; os.setresuid(65534, 65534, 65534); s = socket.socket(socket.AF_UNIX); "
    code += f"s.connect({chr(0) + warden.address!r}); s.sendall({len(command).to_bytes(4) + command!r}); "
    code += "print(s.recv(1))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stdout == "b''\n" or "ConnectionResetError" in ran.stderr or "BrokenPipeError" in ran.stderr
    assert told(warden.start(order("print(1)"))) == (0, b"1\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become somebody else")
def test_another_user_who_takes_the_name_of_a_dead_one_gets_no_orders() -> None:
    code = "import os, socket, sys; os.setresuid(65534, 65534, 65534); s = socket.socket(socket.AF_UNIX); s.bind(''); "
    code += "s.listen(); print(s.getsockname()[1:].decode(), flush=True); c, _ = s.accept(); print(c.recv(100))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as impostor:
        assert impostor.stdout is not None
        with pytest.raises(ConnectionError):
            client.ordered(impostor.stdout.readline().strip(), order(""))
        assert impostor.stdout.readline() == "b''\n"
