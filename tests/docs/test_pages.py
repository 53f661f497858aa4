"""The pages under docs/: their commands are run as they stand there, and the routes that they name exist."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cutlog.operate.cli import COMMANDS
from cutlog.operate.stack.state import NotRunning, read_state
from tests.support.ports import free_ports
from tests.support.stacks import CHECKOUT, RunningStack
from tests.support.waiting import PATIENCE, eventually_sync

DOCS = CHECKOUT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
SCRIPT = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
ELSEWHERE = {"MIGRATION.md", "OPERATIONS.md"}
"""Pages whose commands have tests of their own."""
START = {
    "make up &\n": "sleep 1000 &\n",
    "DATA=.data URL=http://127.0.0.1:8080\n": "DATA='{data}' URL='{url}'\n",
}
"""How a page starts a stack, and what stands for it where one runs already."""
SCRIPTED = [page for page in PAGES if page.name not in ELSEWHERE and SCRIPT.search(page.read_text(encoding="utf-8"))]
ROUTE = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) +(/api/[^\s`?|)]*)")
COMMAND = re.compile(r"(?:`|\.venv/bin/|^ {4})cutlog ([a-z][a-z-]*)", re.MULTILINE)


@pytest.mark.slow(reason="needs the whole stack, beside the main job")
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("page", SCRIPTED, ids=lambda page: page.name)
async def test_the_commands_of_a_page_work_as_they_stand_there(page: Path, stack: RunningStack, tmp_path: Path) -> None:
    tenant = f"d-{secrets.token_hex(6)}"
    blocks = "\n".join(SCRIPT.findall(page.read_text(encoding="utf-8")))
    # A tenant of its own keeps what pages make apart; the folder is empty but for what they need of the checkout.
    script = blocks.replace(".venv/bin/cutlog token", f".venv/bin/cutlog token --tenant {tenant}")
    script = script.replace(".venv/bin/cutlog", f"{sys.executable} -m cutlog")
    for theirs, ours in START.items():
        script = script.replace(theirs, ours.format(data=stack.data, url=stack.url))
    checkout, temporary = tmp_path / "checkout", tmp_path / "temporary"
    checkout.mkdir()
    temporary.mkdir()
    (checkout / "cutlog").symlink_to(CHECKOUT / "cutlog")
    where = {"DATA": str(stack.data), "URL": stack.url}
    where |= {"PYTHONPATH": str(CHECKOUT), "TMPDIR": str(temporary)}
    process = await asyncio.create_subprocess_exec(
        "sh", "-eu", "-c", script, cwd=checkout, env=os.environ | where,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0, f"{output.decode()[-2000:]}\n{errors.decode()[-2000:]}"
    assert [path.name for path in (*checkout.iterdir(), *temporary.iterdir())] == ["cutlog"]


@pytest.mark.slow(reason="a whole stack of its own, started as a newcomer does")
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_quick_start_works_as_pasted_in_a_new_checkout_and_leaves_nothing_running(tmp_path: Path) -> None:
    checkout, temporary = tmp_path / "checkout", tmp_path / "temporary"
    temporary.mkdir()
    shutil.copytree(CHECKOUT, checkout, ignore=shutil.ignore_patterns(".*", "__pycache__", "*.egg-info"))
    (checkout / ".venv").mkdir()
    (checkout / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (checkout / ".venv" / "installed").touch()
    before = {path.name for path in checkout.iterdir()}
    (port,) = free_ports(1)
    script = "\n".join(SCRIPT.findall((DOCS / "QUICKSTART.md").read_text(encoding="utf-8")))
    assert script.startswith("make up &\nSTACK=$! DATA=.data URL=http://127.0.0.1:8080\n"), "it begins at the beginning"
    where = {"PORT": str(port), "PYTHONPATH": str(checkout), "TMPDIR": str(temporary), "PYTHON": ""}
    process = await asyncio.create_subprocess_exec(
        "sh", "-eu", "-c", script.replace("8080", str(port)), cwd=checkout, env=os.environ | where,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    output, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0, f"{output.decode()[-2000:]}\n{errors.decode()[-2000:]}"
    assert f"ready http://127.0.0.1:{port}\n" in output.decode()
    assert {path.name for path in checkout.iterdir()} - before == {".data"}
    assert list(temporary.iterdir()) == []
    with pytest.raises(NotRunning):
        read_state(checkout / ".data")


@pytest.mark.parametrize("page", [*PAGES, CHECKOUT / "README.md"], ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    named = set(COMMAND.findall(page.read_text(encoding="utf-8")))
    assert named <= set(COMMANDS), named - set(COMMANDS)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_route_that_a_page_names_exists(page: Path, stack: RunningStack) -> None:
    def complete() -> dict[str, Any] | None:
        """The document, once every service is there: other tests end some of them."""
        status, body = stack.get("/api/openapi.json")
        found: dict[str, Any] = json.loads(body)["paths"] if status == 200 else {}
        wanted = ("/api/videos", "/api/admin/gc/policy", "/api/projects")
        return found if all(path in found for path in wanted) and any("/frame" in path for path in found) else None

    paths = eventually_sync(complete)
    assert paths is not None
    known = {
        (method.upper(), re.sub(r"\{[^}]*\}", "{}", path)) for path, methods in paths.items() for method in methods
    }  # fmt: skip
    for method, path in ROUTE.findall(page.read_text(encoding="utf-8")):
        plain = re.sub(r"\{[^}]*\}", "{}", path.rstrip(".,;:"))
        if "…" not in plain:
            assert (method, plain) in known, f"{method} {path} on {page.name}"
