"""Two processes of ops behind the gateway: a project is at one of them, and at the other when that one is gone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial

import aiohttp
import pytest

from cutlog.client import Client, ops
from tests.support.stacks import RunningStack
from tests.support.waiting import PATIENCE, eventually

pytestmark = pytest.mark.slow(reason="starts a stack of its own")

PROCESSES = ("ops", "ops-2")
COUNT = 16


def edited_at(stack: RunningStack, process: str) -> set[str]:
    """Projects whose edits that process has answered."""
    lines = (stack.data / "logs" / f"{process}.log").read_text().splitlines()
    seen = (json.loads(line) for line in lines)
    return {line["path"].split("/")[3] for line in seen if line.get("route") == "/api/projects/{project}/ops"}


def is_new(stack: RunningStack, before: int) -> bool:
    return stack.pids.get("ops-2", before) != before


@contextmanager
def gone(stack: RunningStack, process: str) -> Iterator[None]:
    """Kills a process, which nobody starts again for as long as the body runs: the supervisor is stopped."""
    os.kill(stack.pid, signal.SIGSTOP)
    try:
        os.kill(stack.pids[process], signal.SIGKILL)
        yield
    finally:
        os.kill(stack.pid, signal.SIGCONT)


async def edit(client: Client, projects: Iterable[str], name: str) -> None:
    await asyncio.gather(*(client.commit(project, [ops.ProjectConfigure(name=name)]) for project in projects))


async def both_serve(client: Client, stack: RunningStack) -> None:
    """Returns when the gateway has found out that both processes are up."""

    async def seen() -> bool:
        await edit(client, [(await client.create_project("Found out")).id], "Up")
        return all(edited_at(stack, process) for process in PROCESSES)

    await eventually(seen)


async def test_a_project_is_always_at_the_same_process(alone: RunningStack) -> None:
    async with Client.connect(alone.url, alone.token("editor")) as client:
        await both_serve(client, alone)
        projects = [(await client.create_project(f"Film {number}")).id for number in range(COUNT)]
        for turn in range(5):
            await edit(client, projects, f"Turn {turn}")
        assert {(await client.project(project)).current_version for project in projects} == {5}

    def where() -> list[set[str]]:
        return [edited_at(alone, process) & set(projects) for process in PROCESSES]

    await eventually(lambda: set.union(*where()) == set(projects))  # a log is written after the answer
    here, there = where()
    assert here and there
    assert not here & there


async def test_while_a_process_is_gone_the_other_has_its_projects(alone: RunningStack) -> None:
    async with Client.connect(alone.url, alone.token("editor")) as client:
        await both_serve(client, alone)
        projects = [(await client.create_project(f"Film {number}")).id for number in range(COUNT)]
        await edit(client, projects, "Before")
        theirs = edited_at(alone, "ops-2") & set(projects)
        assert theirs
        before = alone.pids["ops-2"]
        with gone(alone, "ops-2"):
            async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {alone.token('editor')}"}) as http:
                await asyncio.gather(*(insist(http, f"{alone.url}/api/projects/{project}/ops") for project in projects))
            await eventually(lambda: edited_at(alone, "ops") >= theirs)  # a log is written after the answer
        await eventually(partial(is_new, alone, before))
        assert {(await client.project(project)).current_version for project in projects} == {2}


async def insist(http: aiohttp.ClientSession, url: str) -> None:
    """Sends an edit until it is taken: what was under way at a process when that died is answered 503, whether it was
    taken (then the version is there, and another try conflicts) or not."""
    body = {"ops": [{"op": "project.configure", "name": "After"}], "expectedVersion": 1}
    async with asyncio.timeout(PATIENCE):
        while True:
            async with http.post(url, json=body) as answer:
                if answer.status in (201, 409):
                    return
                assert answer.status == 503
