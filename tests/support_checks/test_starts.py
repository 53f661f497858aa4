"""What the tests start is counted by name, and more than its limit fails `make test`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cutlog.process.program import Program
from tests.support.stacks import REAL, SMALL
from tests.support.starts import LIMITS, STARTED, program, too_many


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        ((sys.executable, *REAL, "data"), "stack"),
        ((sys.executable, *SMALL, "data"), "small stack"),
        ((sys.executable, "-m", "cutlog", "doctor"), "python"),
        ((sys.executable, "-I", "-S", "/somewhere/examine.py", "av"), "examine.py"),
        (("/usr/bin/ffmpeg-linux-x86_64-v9", "-version"), "ffmpeg"),
        (("nats-server", "-c", "nats.conf"), "nats-server"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_program_is_known_whether_our_launcher_starts_it_or_not(argv: tuple[str, ...], name: str) -> None:
    assert program(argv) == name
    assert program(Program(name="x", argv=argv, env={}).command()) == name


def test_a_start_is_counted(tmp_path: Path) -> None:
    (tmp_path / "counted.py").touch()
    subprocess.run([sys.executable, tmp_path / "counted.py"], check=True)
    assert STARTED["counted.py"] == 1


def test_what_is_beyond_its_limit_is_said() -> None:
    assert too_many(LIMITS) == []
    (said,) = too_many({**LIMITS, "stack": LIMITS["stack"] + 1})
    assert f"starts stack {LIMITS['stack'] + 1} times" in said
