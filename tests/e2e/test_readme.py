"""The README's first edit, as it stands there."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.painting import pictures
from tests.support.stacks import CHECKOUT, RunningStack
from tests.support.waiting import PATIENCE


@pytest.mark.slow(reason="needs the whole stack, beside the main job")
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_first_edit_of_the_readme_works(stack: RunningStack, tmp_path: Path) -> None:
    (script,) = re.findall(r"```sh\n(.*?)```", (CHECKOUT / "README.md").read_text(), flags=re.DOTALL)
    cutlog = f"{sys.executable} -m cutlog"
    here = {
        "DATA=.data URL=http://127.0.0.1:8080 WORK=$(mktemp -d)": f"DATA={stack.data} URL={stack.url} WORK={tmp_path}",
        ".venv/bin/cutlog": cutlog,
    }
    for theirs, ours in here.items():
        assert theirs in script
        script = script.replace(theirs, ours)
    before = sorted(CHECKOUT.iterdir())
    process = await asyncio.create_subprocess_exec(
        "sh", "-eu", "-c", script, cwd=CHECKOUT, env=os.environ, stdout=subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0
    assert '"version":2' in output.decode().replace(" ", "") and '"status":"queued"' in output.decode()
    assert sorted(CHECKOUT.iterdir()) == before
    film = list(pictures(tmp_path / "first.mp4"))
    assert len(film) == 50 and film[0].shape == (480, 854, 3)
