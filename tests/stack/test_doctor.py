"""What `cutlog doctor` finds on machines that lack something."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.stacks import RunningStack
from tests.support.waiting import PATIENCE


def doctor(*arguments: str, before: Sequence[str] = (), **env: str) -> tuple[int, dict[str, dict[str, Any]]]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CUTLOG_")}
    command = [*before, sys.executable, "-m", "cutlog", "doctor", "--json", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, env=clean | env, timeout=PATIENCE)
    assert result.stderr == ""
    return result.returncode, {finding["check"]: finding for finding in json.loads(result.stdout)}


def test_a_machine_on_which_the_tests_run_is_well(tmp_path: Path) -> None:
    code, findings = doctor("--data", str(tmp_path / "data"), "--port", "0")
    assert code == 0 and {finding["level"] for finding in findings.values()} <= {"ok", "warn"}
    assert findings["sandbox"]["level"] == "ok"
    assert findings["postgresql"]["level"] == "ok" and "PostgreSQL 18." in findings["postgresql"]["detail"]
    assert not (tmp_path / "data").exists(), "it only looks"


@pytest.mark.slow(reason="one more process of the command line")
def test_a_port_that_is_taken_is_named_with_a_way_out(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code, findings = doctor("--data", str(tmp_path), "--port", str(port))
    assert code == 1 and str(port) in findings["port"]["detail"] and "--port 0" in findings["port"]["mend"]


@pytest.mark.slow(reason="one more process of the command line")
def test_the_port_of_a_stack_that_runs_is_no_trouble(stack: RunningStack) -> None:
    code, findings = doctor("--data", str(stack.data))
    assert code == 0 and stack.url in findings["port"]["detail"]


@pytest.mark.slow(reason="one more process of the command line")
def test_an_ffmpeg_that_lacks_what_is_needed_is_refused(tmp_path: Path) -> None:
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\necho ffmpeg version 1.0-mine\n")
    fake.chmod(0o755)
    code, findings = doctor("--data", str(tmp_path), "--port", "0", CUTLOG_FFMPEG=str(fake))
    assert code == 1 and "1.0-mine" in findings["ffmpeg"]["detail"]
    assert "libx264" in findings["ffmpeg features"]["detail"]
    code, findings = doctor("--data", str(tmp_path), "--port", "0", CUTLOG_FFMPEG="/nowhere/ffmpeg")
    assert code == 1 and "/nowhere/ffmpeg" in findings["ffmpeg"]["detail"]


@pytest.mark.slow(reason="one more process of the command line")
@pytest.mark.parametrize(
    ("version", "code", "level", "mend"),
    [
        ("18.4", 0, "warn", "18.6 or newer"),
        ("16.14", 0, "warn", "16.15 or newer"),
        ("16.15", 0, "ok", ""),
        ("15.20", 1, "fail", "16 or newer"),
    ],
)
def test_a_postgresql_that_is_behind_is_named_with_what_mends_it(
    tmp_path: Path, version: str, code: int, level: str, mend: str
) -> None:
    own = tmp_path / "postgres"
    own.write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
    own.chmod(0o755)
    found, findings = doctor("--data", str(tmp_path), "--port", "0", CUTLOG_POSTGRES_BIN=str(tmp_path))
    assert (found, findings["postgresql"]["level"]) == (code, level)
    assert f"PostgreSQL {version}" in findings["postgresql"]["detail"] and mend in findings["postgresql"]["mend"]


@pytest.mark.slow(reason="one more process of the command line")
def test_a_sandbox_that_was_switched_off_is_warned_of(tmp_path: Path) -> None:
    code, findings = doctor("--data", str(tmp_path), "--port", "0", CUTLOG_SANDBOX="off")
    assert code == 0 and findings["sandbox"]["level"] == "warn"


@pytest.mark.slow(reason="one more process of the command line")
@pytest.mark.parametrize("below", [".", "not/there"])
def test_a_folder_that_may_not_be_entered_is_named(tmp_path: Path, below: str) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    weak: list[str] = []
    if os.geteuid() == 0:  # another's folder, to a root that is not above modes, as in a container
        os.chown(closed, 60800, 60800)
        weak = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"]
        if shutil.which("setpriv") is None:
            pytest.skip("setpriv is not installed")
    try:
        code, findings = doctor("--data", str(closed / below), "--port", "0", before=weak)
    finally:
        closed.chmod(0o700)
    assert code == 1 and f"{closed} can't be written" in findings["data"]["detail"]


@pytest.mark.slow(reason="one more process of the command line")
def test_a_file_in_the_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, findings = doctor("--data", str(tmp_path / "file" / "data"), "--port", "0")
    assert code == 1 and "file is a file, not a folder" in findings["data"]["detail"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named() -> None:
    code, findings = doctor("--data", "/proc/cutlog", "--port", "0")
    assert code == 1 and "can't be written" in findings["data"]["detail"]
