"""What a user sees of `cutlog up`."""

from __future__ import annotations

import os
import socket
import stat
from functools import partial
from pathlib import Path

import pytest

from cutlog.operate.cli import build
from cutlog.operate.stack.account import DECODER
from cutlog.operate.stack.ports import is_free, ports_beside
from cutlog.operate.stack.services import ServiceProgram, process_names
from tests.stack.conftest import MakeStack
from tests.support.stacks import SMALL, RunningStack
from tests.support.waiting import eventually

free = partial(is_free, "127.0.0.1")

slow = pytest.mark.slow(reason="starts a stack of its own")


async def test_it_says_ready_and_that_services_of_a_test_make_no_login_url(small_stack: RunningStack) -> None:
    """tests/stack/test_login.py has the URL that a whole stack prints."""
    assert f"ready {small_stack.url}\n" in small_stack.output
    await eventually(lambda: "no login URL could be made; `cutlog login` makes one" in small_stack.output)


def test_all_services_answer_through_the_gateway(small_stack: RunningStack) -> None:
    for path in ("/api/projects", "/api/health", "/api/videos/v_1", "/files/x", "/api/admin/gc/policy"):
        assert small_stack.get(path)[0] == 200


def test_each_path_reaches_its_service(small_stack: RunningStack) -> None:
    paths = {
        "/api/projects/p_1/versions/3/frame?at=1": "render",
        "/api/projects/p_1/versions/3/proxy.m3u8": "render",
        "/api/projects/p_1/versions/3/segments/a.m4s": "render",
        "/api/projects/p_1/versions/3/proxy": "ops",
        "/api/projects/p_1/versions/3": "ops",
        "/api/openapi.json": "ops",
        "/login?code=x": "ops",
        "/api/videos": "media",
        "/api/videosomething": "ops",
        "/api/uploads/u_1": "media",
        "/files/export/p/v1_final.mp4?expires=1&signature=x": "media",
        "/api/admin/gc/calculate": "gc",
        "/api/admin/storage?from=x": "gc",
    }
    for path, service in paths.items():
        status, body = small_stack.get(path)
        assert (status, f'"pid": {small_stack.pids[service]}}}' in body) == (200, True), path


def test_what_is_internal_stays_inside(small_stack: RunningStack) -> None:
    for path in ("/internal/openapi.json", "/metrics", "/healthz", "/readyz", "//internal/x", "/api/../internal/x"):
        status, body = small_stack.get(path)
        assert status == 404 or '"path": "/api/' in body, path
        assert "internal" not in body, path


def test_only_the_owner_may_read_the_data(small_stack: RunningStack) -> None:
    modes = {
        path.relative_to(small_stack.data): stat.S_IMODE(path.lstat().st_mode)
        for path in [*small_stack.data.iterdir(), *(small_stack.data / "secrets").iterdir()]
    }
    root = os.geteuid() == 0
    # Where root's decoders read, who are a group of their own, and what services pass through to their keys.
    open_to_others = {Path("objects"): "0o750", Path("keys"): "0o711"} if root else {}
    assert {path: oct(mode) for path, mode in modes.items() if mode & 0o077} == open_to_others
    assert (small_stack.data / "objects").stat().st_gid == (DECODER if root else os.getegid())
    assert {oct(mode) for path, mode in modes.items() if path.parts[0] == "secrets" and len(path.parts) > 1} == {
        "0o600"
    }
    assert stat.S_IMODE((small_stack.data / "run" / "stack.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(small_stack.data.stat().st_mode) == (0o711 if root else 0o700)


def test_no_secret_stands_in_a_command_line_or_in_the_state(small_stack: RunningStack) -> None:
    secrets = [path.read_text() for path in (small_stack.data / "secrets").iterdir()]
    state = (small_stack.data / "run" / "stack.json").read_text()
    lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in small_stack.pids.values()]
    assert len(secrets) > 10
    for secret in secrets:
        assert all(secret not in text for text in [state, *lines])


def test_a_service_is_told_its_own_secrets_only(small_stack: RunningStack) -> None:
    secrets = small_stack.secrets
    environment = small_stack.environment_of("media")
    text = "\n".join(environment.values())
    assert secrets.database("media") in text
    assert secrets.nats("media").seed in text
    for other in ("ops", "render", "gc"):
        assert secrets.database(other) not in text
        assert secrets.nats(other).seed not in text
    assert secrets.nats("operator").seed not in text
    assert secrets.database("owner") not in text


@slow
def test_nothing_is_written_outside_the_data_folder(make_stack: MakeStack, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    running = make_stack(env={"HOME": str(home), "XDG_CONFIG_HOME": str(home), "XDG_DATA_HOME": str(home)})
    running.start()
    running.get("/api/projects")
    running.stop()
    assert list(home.iterdir()) == []


@slow
def test_a_second_one_on_the_same_data_is_refused(small_stack: RunningStack) -> None:
    second = RunningStack(small_stack.data, logs=small_stack.data.parent / "second")
    (small_stack.data.parent / "second").mkdir()
    second.begin()
    assert second.wait() == 1
    assert f"process {small_stack.pid} at {small_stack.url}" in second.output
    assert "Traceback" not in second.output
    assert small_stack.get("/api/projects")[0] == 200


@slow
def test_two_on_different_data_live_side_by_side(small_stack: RunningStack, make_stack: MakeStack) -> None:
    other = make_stack()
    other.start()
    assert other.url != small_stack.url
    assert [running.get("/api/projects")[0] for running in (other, small_stack)] == [200, 200]


@slow
def test_a_port_that_is_taken_is_refused(small_stack: RunningStack, make_stack: MakeStack) -> None:
    taken = small_stack.url.rpartition(":")[2]
    other = make_stack()
    other = RunningStack(other.data, ("-m", "cutlog", "up", "--port", taken, "--data"))
    other.begin()
    assert other.wait() == 1
    assert f"127.0.0.1:{taken} is taken" in other.output


@slow
def test_services_have_the_same_ports_at_every_start_but_for_those_that_others_have(tmp_path: Path) -> None:
    gateway = next(port for port in range(14000, 15000) if all(map(free, [port, *ports_beside(port, 4)])))
    running = RunningStack(tmp_path / "data", (*SMALL, "--port", str(gateway)))
    taken, *others = ports_beside(gateway, 4)
    with socket.create_server(("127.0.0.1", taken)):
        running.start()
        try:
            listen = running.state.listen
        finally:
            running.stop()
    assert [listen[name] for name in ("media", "render", "gc")] == [f"127.0.0.1:{port}" for port in others]
    assert listen["ops"] != f"127.0.0.1:{taken}"
    assert f"free ones used instead: {taken}\n" in running.output
    told = ", ".join(f"{name} {listen[name]}" for name in ("ops", "media", "render", "gc"))
    assert f"services listen on {told}\n" in running.output


def test_further_processes_of_a_service_change_no_port_of_others() -> None:
    one, two = ([ServiceProgram(name, [], None, processes=count) for name in ("gc", "ops", "x")] for count in (1, 2))
    assert process_names(one) == ["gc", "ops", "x"]
    assert process_names(two) == ["gc", "ops", "x", "gc-2", "ops-2", "x-2"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--host", "192.0.2.1"), "192.0.2.1 is not an address of this machine: --host takes one that is"),
        (("--host", "192.0.2.1", "--port", "0"), "192.0.2.1 is not an address of this machine"),
        (("--host", "no.such.invalid"), "no.such.invalid is neither an address nor a known name"),
    ],
)
def test_an_address_of_another_machine_is_refused_as_that(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        build(["up"])(["up", *arguments, "--data", str(tmp_path / "data")], prog_name="cutlog")
    assert ended.value.code == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "data").exists()


@slow
def test_secrets_and_data_outlive_a_restart(make_stack: MakeStack) -> None:
    running = make_stack()
    running.start()
    before = {path.name: path.read_bytes() for path in (running.data / "secrets").iterdir()}
    running.stop()
    assert not (running.data / "run" / "stack.json").exists()
    running.start()
    assert {path.name: path.read_bytes() for path in (running.data / "secrets").iterdir()} == before
