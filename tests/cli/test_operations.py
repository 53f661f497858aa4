"""docs/OPERATIONS.md: every command, in order, with the stock `nats` CLI, on a stack of its own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stacks import CHECKOUT, RunningStack
from tests.support.waiting import PATIENCE

PAGE = CHECKOUT / "docs" / "OPERATIONS.md"
NATS = shutil.which("nats")
pytestmark = [
    pytest.mark.slow(reason="starts a stack of its own"),
    pytest.mark.skipif(NATS is None, reason="the nats CLI is not installed (.ci/run installs it through Go)"),
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed"),
]


def test_every_command_of_the_page_does_what_it_says(alone: RunningStack, tmp_path: Path) -> None:
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
    script = script.replace(".venv/bin/cutlog", "python3 -m cutlog").replace(".venv/bin/python", "python3")
    script = script.replace("python3", sys.executable)
    where = {
        "DATA": str(alone.data), "URL": alone.url, "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "PYTHONPATH": str(CHECKOUT),
    }  # fmt: skip
    result = subprocess.run(
        ["sh", "-eux", "-c", script],
        cwd=tmp_path,
        env=os.environ | where,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
    )
    assert result.returncode == 0, f"{result.stdout[-1500:]}\n{result.stderr[-2500:]}"
    for told in ("evt.project.", "VersionCommitted", "this is no job", "Cutlog-Reason", '"lag":0', "restored"):
        assert told.lower() in (result.stdout + result.stderr).lower(), told
