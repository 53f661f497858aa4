"""A service with which anybody could make tokens or links does not start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cutlog.operate.stack.secrets import EmptySecret, Secrets
from tests.support.waiting import PATIENCE

GOOD = {"CUTLOG_CREDENTIALS": "/nowhere", "CUTLOG_FILE_SECRET": "f" * 64}


@pytest.mark.slow(reason="one more process of the command line")
@pytest.mark.parametrize("service", ["ops", "media", "render", "gc"])
@pytest.mark.parametrize("wrong", [{"CUTLOG_CREDENTIALS": ""}, {"CUTLOG_FILE_SECRET": "  "}])
def test_an_empty_secret_is_named_and_nothing_starts(tmp_path: Path, service: str, wrong: dict[str, str]) -> None:
    (name,) = wrong
    ended = subprocess.run(
        [sys.executable, "-m", "cutlog", "serve", service],
        env={"CUTLOG_DATA": str(tmp_path), "PATH": "/usr/bin:/bin", **GOOD, **wrong},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.startswith(f"cutlog: {name} is ")


@pytest.mark.parametrize("content", ["", "x", '{"keys":[]}', '{"keys":[{"seed":"AA"}]}'])
def test_a_stack_takes_no_empty_or_damaged_key(tmp_path: Path, content: str) -> None:
    secrets = Secrets(tmp_path)
    assert secrets.signing == secrets.signing
    (tmp_path / "keys.signing").write_text(content)
    with pytest.raises(EmptySecret, match=r"keys\.signing"):
        _ = secrets.signing
