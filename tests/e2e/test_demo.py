"""`cutlog demo` as somebody sees it who has just installed cutlog."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cutlog.operate.stack.state import NotRunning, read_state
from tests.support.painting import pictures
from tests.support.stacks import CHECKOUT
from tests.support.waiting import PATIENCE


@pytest.mark.slow(reason="the whole demo on a stack of its own, which `make demo` runs too")
async def test_the_demo_starts_a_stack_of_its_own_and_leaves_films_and_no_process(tmp_path: Path) -> None:
    data = tmp_path / "with spaces"
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cutlog", "demo", "--data", str(data)), cwd=CHECKOUT, stdout=subprocess.PIPE
    )
    output, _ = await asyncio.wait_for(demo.communicate(), PATIENCE)
    printed = output.decode()
    assert demo.returncode == 0
    assert "\x1b" not in printed, "no progress bar where nobody watches"
    films = re.findall(rf"{re.escape(str(data))}/objects/\S+\.mp4", printed)
    assert [len(list(pictures(Path(film)))) for film in films] == [132, 92, 92, 117, 92, 117]
    assert len(re.findall(r"http://127\.0\.0\.1:\d+/files/\S+signature=", printed)) == len(films)
    assert "1 of 2 exports" in printed
    with pytest.raises(NotRunning):
        read_state(data)


@pytest.mark.slow(reason="one more process of the command line")
async def test_a_demo_without_a_stack_to_talk_to_says_so_and_fails(tmp_path: Path) -> None:
    demo = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "cutlog", "demo", "--url", "http://127.0.0.1:1", "--data", str(tmp_path)),
        cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    output, error = await demo.communicate()
    assert demo.returncode == 1 and output == b""
    assert "give --token, or --data" in error.decode() and "Traceback" not in error.decode()
