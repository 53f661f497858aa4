"""One small stack for all tests of backups: a project with a film, an export and an upload that nobody uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cutlog.client import Client
from tests.support.painting import Painter
from tests.support.running import complete
from tests.support.stacks import CHECKOUT, RunningStack
from tests.support.waiting import PATIENCE


def cutlog(*arguments: object) -> subprocess.CompletedProcess[str]:
    """A command of the product, run as users run it."""
    command = [sys.executable, "-m", "cutlog", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=CHECKOUT, env=os.environ, timeout=PATIENCE)


def said(*arguments: object) -> dict[str, Any]:
    """What a command that succeeds prints as JSON."""
    done = cutlog(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


@dataclass(frozen=True)
class Studio:
    """A stack at work, with the ids of what is in it."""

    stack: RunningStack
    project: str
    export: str
    clip: Path

    @property
    def data(self) -> Path:
        return self.stack.data

    @property
    def admin(self) -> str:
        return self.stack.token("admin")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, painted: Painter) -> Iterator[Studio]:
    stack = RunningStack(tmp_path_factory.mktemp("studio") / "data")
    stack.start()
    clip = painted(fps=25, frames=50, size=(160, 90), audio=True, tag=1)
    try:
        yield Studio(stack, *complete(_film(stack, clip)), clip)
    finally:
        stack.stop()


async def _film(stack: RunningStack, clip: Path) -> tuple[str, str]:
    async with Client.connect(stack.url, stack.token("admin")) as client:
        video = await client.ready_video((await client.upload(clip)).id)
        canvas = {"width": 160, "height": 90, "fps": [25, 1], "background": "#000000"}
        project = await client.create_project("Saved", canvas)
        await client.commit(project.id, [
            {"op": "track.add", "track": "v", "kind": "video"},
            {"op": "clip.add", "clip": "c", "track": "v", "at": 0, "media": video.id, "in": 0, "out": 40},
        ])  # fmt: skip
        await client.rendered_version(project.id, 1)
        export = await client.request_export(project.id, 1)
        await client.finished_export(project.id, export.id)
        return project.id, export.id
