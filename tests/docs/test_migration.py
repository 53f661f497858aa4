"""docs/MIGRATION.md: a whole move, command by command, with what the page says is printed."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cutlog.operate.stack.state import NotRunning, read_state
from tests.backfill.legacy_store import effects
from tests.support.painting import Painter
from tests.support.stacks import CHECKOUT
from tests.support.waiting import PATIENCE, eventually_sync

PAGE = CHECKOUT / "docs" / "MIGRATION.md"
BLOCK = re.compile(r"^```(sh|text)\n(.*?)^```", re.MULTILINE | re.DOTALL)
MARK = "=== block "
pytestmark = [
    pytest.mark.slow(reason="a whole move with two starts of a stack"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]


def steps() -> list[tuple[str, str]]:
    """Commands, each with what they are said to print."""
    found: list[tuple[str, str]] = []
    for kind, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if kind == "sh":
            found.append((text, ""))
        else:
            found[-1] = (found[-1][0], text)
    return found


def missing(said: str, printed: str) -> list[str]:
    """Lines that the page shows and that are not printed in this order; `…` stands for anything."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    left: list[str] = []
    for line in filter(None, (" ".join(each.split()) for each in said.splitlines())):
        shape = re.compile(".*".join(map(re.escape, line.split("…"))))
        at = next((number for number, each in enumerate(lines) if shape.search(each)), None)
        if at is None:
            left.append(line)
        else:
            lines = lines[at + (line != "…") :]
    return left


@contextmanager
def running(script: str, folder: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """In a session of its own; a stack that it started ends with the block."""
    process = subprocess.Popen(
        ["sh", "-eu", "-c", script], cwd=folder, env=env, text=True, start_new_session=True,
        stdout=(folder / "printed").open("w"), stderr=(folder / "errors").open("w"),
    )  # fmt: skip
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        eventually_sync(lambda: not serves(folder / "data"))


def serves(data: Path) -> bool:
    try:
        read_state(data)
    except NotRunning:
        return False
    return True


def test_a_store_moves_in_and_out_is_saved_and_restored_as_the_page_says(tmp_path: Path, painted: Painter) -> None:
    films = [painted(fps=25, frames=50, size=(160, 90), audio=tag == 1, tag=tag).read_bytes() for tag in (1, 2)]
    effects(tmp_path / "legacy", (films[0], films[1]), 2.0)
    folder = tmp_path / "move"
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / "Makefile").symlink_to(CHECKOUT / "Makefile")
    command = folder / ".venv" / "bin" / "cutlog"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cutlog "$@"\n')
    command.chmod(0o755)
    commands = steps()
    script = 'make() { command make -s -o install "$@"; }\n' + "\n".join(
        f"echo '{MARK}{number}'\n{text}" for number, (text, _) in enumerate(commands)
    )
    where = {
        "DATA": str(folder / "data"), "LEGACY": str(tmp_path / "legacy"), "BACKUP": str(tmp_path / "backups"),
        "PORT": "0", "PYTHONPATH": str(CHECKOUT),
    }  # fmt: skip
    with running(script, folder, dict(os.environ) | where) as process:
        code = process.wait(2 * PATIENCE)
    printed, errors = (folder / "printed").read_text(), (folder / "errors").read_text()
    assert code == 0, f"{printed[-3000:]}\n{errors[-3000:]}"
    parts = re.split(rf"^{MARK}\d+\n", printed, flags=re.MULTILINE)[1:]
    assert len(parts) == len(commands)
    for (text, said), part in zip(commands, parts, strict=True):
        assert missing(said, part) == [], f"{text}\n{part}"
    assert sum(bool(said) for _, said in commands) > 6
