"""What `make install` does before it downloads anything."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("python", ["/bin/false", "/bin/true", "/nowhere/python3"])
@pytest.mark.parametrize("installed", [False, True])
async def test_a_python_that_will_not_do_is_refused_and_not_passed_over(
    tmp_path: Path, python: str, installed: bool
) -> None:
    (tmp_path / "deploy").mkdir()
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock", "deploy/install.sh"):
        shutil.copy(ROOT / name, tmp_path / name)
    if installed:
        (tmp_path / ".venv").mkdir()
        (tmp_path / ".venv" / "installed").touch()
    make = await asyncio.create_subprocess_exec(
        "make", "install", cwd=tmp_path, env=os.environ | {"PYTHON": python}, stderr=subprocess.PIPE
    )
    _, said = await make.communicate()
    assert make.returncode != 0
    assert f"PYTHON={python} is not a Python 3.11 to 3.14 that can make a venv" in said.decode()
    assert not (tmp_path / ".venv" / "bin").exists()


@pytest.mark.parametrize(
    ("target", "locks"), [("up", ["production"]), ("demo", ["production"]), ("test", ["developer", "production"])]
)
async def test_the_tools_are_installed_for_what_needs_them_and_not_to_run_a_stack(
    tmp_path: Path, target: str, locks: list[str]
) -> None:
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, tmp_path / name)
    make = await asyncio.create_subprocess_exec("make", "-n", target, cwd=tmp_path, stdout=subprocess.PIPE)
    said, _ = await make.communicate()
    assert re.findall(r"install\.sh (\w+)", said.decode()) == locks
