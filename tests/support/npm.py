"""Packages of npm that tests run as clients: those that others wrote."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.support.waiting import PATIENCE

#: Without these, npm asks a registry that does not answer again for many minutes.
BRIEF: Final = {"npm_config_fetch_retries": "1", "npm_config_fetch_timeout": "60000"}


def npm(*arguments: str, folder: Path) -> str:
    """What npm prints, run in `folder`. Skips the test where it is missing or can't fetch the package."""
    program = shutil.which("npm")
    if program is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    command = [program, *arguments, "--no-audit", "--no-fund", "--prefer-offline"]
    try:
        done = subprocess.run(
            command, cwd=folder, env=os.environ | BRIEF, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm {arguments[0]} did not end within {PATIENCE:g} s: there is no registry here")
    if done.returncode:
        pytest.skip(f"npm {arguments[0]} can't fetch the package: {done.stderr.strip()[-300:]}")
    return done.stdout
