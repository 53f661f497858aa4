"""The subcommands that need no running stack, and what they say when something is missing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from cutlog.auth.rings import PublicKeys
from cutlog.auth.roles import Role
from cutlog.auth.tokens import verify
from cutlog.operate.cli import COMMANDS, build
from cutlog.operate.stack.secrets import Secrets
from tests.support.lanes import later
from tests.support.waiting import PATIENCE


def cutlog(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CUTLOG_")}
    return subprocess.run(
        [sys.executable, "-m", "cutlog", *arguments], capture_output=True, text=True, env=clean | env, timeout=PATIENCE
    )


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """DATA of a stack that was once started."""
    Secrets(tmp_path / "data" / "secrets").signing  # noqa: B018 - made by being asked for
    return tmp_path / "data"


def public(data: Path) -> PublicKeys:
    """The keys that verify tokens."""
    return PublicKeys(Secrets(data / "secrets").signing.public())


@pytest.mark.parametrize("command", ["", "demo", *later("a process for each", *sorted(COMMANDS.keys() - {"demo"}))])
def test_every_command_explains_itself(command: str) -> None:
    result = cutlog(*filter(None, [command, "--help"]))
    assert result.returncode == 0
    assert f"Usage: cutlog {command}".strip() in result.stdout


@pytest.mark.parametrize("role", ["editor", *later("a process for each", "viewer", "operator", "admin")])
def test_a_token_says_who_and_what(data: Path, role: str) -> None:
    result = cutlog("token", "--data", str(data), "--role", role, "--subject", "anna", "--tenant", "studio")
    actor = verify(public(data), result.stdout.strip())
    assert (actor.subject, actor.tenant, actor.role) == ("anna", "studio", Role[role])


def test_a_token_as_json(data: Path) -> None:
    printed = json.loads(cutlog("token", "--data", str(data), "--role", "viewer", "--ttl", "90s", "--json").stdout)
    assert printed["expiresIn"] == 90
    assert verify(public(data), printed["token"]).role is Role.viewer


@pytest.mark.few(2, reason="one more process of the command line")
@pytest.mark.parametrize(
    "arguments",
    [
        ("token", "--role", "service"),
        ("token", "--role", "admin", "--ttl", "12"),
        ("token", "--role", "admin", "--ttl", "-1h"),
        ("token",),
        ("serve", "nothing"),
        ("serve",),
        ("up", "--port", "70000"),
        ("up", "--allow-origin", "*"),
        ("up", "--public-url", "https://a.example/app"),
        ("nats-context", "--name", "../evil"),
        ("nothing",),
    ],
)
def test_wrong_usage_is_code_2(arguments: tuple[str, ...]) -> None:
    result = cutlog(*arguments)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr


@pytest.mark.slow(reason="starts processes of its own, seconds each")
def test_what_cannot_be_done_is_code_1_and_a_sentence(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    for arguments, words in {
        ("token", "--data", nowhere, "--role", "admin"): "no stack was ever started",
        ("nats-context", "--data", nowhere): "no stack runs on",
        ("up", "--data", str(tmp_path / "file")): "file is a file, not a folder",
        ("fsck", "--data", str(tmp_path / "file")): "file is a file, not a folder",
        ("demo", "--data", str(tmp_path / "file" / "below")): "file is a file, not a folder",
        ("demo", "--url", "http://127.0.0.1:1", "--token", "x"): "No stack answers. http://127.0.0.1:1: ",
        ("media", "examine", "--url", "nonsense", "--token", "x"): "this is no http:// URL",
        ("serve", "ops"): "CUTLOG_DATA",
    }.items():
        result = cutlog(*arguments)
        assert (result.returncode, words in result.stderr, "Traceback" in result.stderr) == (1, True, False), arguments
        assert result.stdout == ""


def test_the_version_is_that_of_the_installed_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        build([])(["--version"], prog_name="cutlog")
    assert (ended.value.code, capsys.readouterr().out) == (0, f"cutlog {metadata.version('cutlog')}\n")


def test_a_command_imports_only_what_it_needs() -> None:
    result = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "cutlog", "up", "--help"], capture_output=True, text=True
    )
    imported = {line.rpartition("|")[2].strip() for line in result.stderr.splitlines()}
    assert "typer" in imported
    assert imported.isdisjoint({"sqlalchemy", "aiohttp", "numpy", "av", "nats", "services"})
