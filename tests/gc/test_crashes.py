"""The collector dies between any two steps of an act; the next one finishes what it began, and nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from cutlog.hosting.settings import Settings
from tests.gc.dying import STATUS
from tests.gc.house import EAGER, House, house
from tests.support.configuration import SettingsFactory
from tests.support.waiting import eventually

STEPS = ("act begun", "command", "event", "items noted", "file", "file done", "moves recorded", "act ends")


@pytest.fixture
async def home(settings_for: SettingsFactory) -> AsyncIterator[House]:
    async with house(settings_for) as made:
        yield made


def environment(settings: Settings) -> dict[str, str]:
    """What a process is told to have these settings."""
    told = {}
    for name in (
        "data",
        "listen",
        "database_url",
        "nats_url",
        "nats_seed",
        "credentials",
        "file_secret",
        "objects_url",
    ):
        value = getattr(settings, name)
        told[f"CUTLOG_{name.upper()}"] = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
    return os.environ | told | {"PYTHONPATH": str(Path(__file__).parents[2])}


async def dies_at(home: House, step: str, nth: int, method: str, path: str, body: Any, key: str) -> None:
    """Has a collector do what is asked that dies on the way."""
    await home.stop_gc()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.gc.dying", step, str(nth), stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL, env=environment(home.settings_for("gc")),
    )  # fmt: skip
    assert process.stdout is not None
    while not (line := (await process.stdout.readline()).decode()).startswith("ready "):
        assert line, "the collector did not start"
    home.urls["gc"] = line.split()[1]
    drained = asyncio.create_task(process.stdout.read())
    with contextlib.suppress(aiohttp.ClientError):
        await home.gc(method, path, body, key=key)
    assert await process.wait() == STATUS, f"it never came to {step!r}"
    await drained
    await home.start_gc()


async def crash_twice(home: House, step: str, project: str, nth: int = 1) -> None:
    """Archive and delete, each cut short at a step, and asked for again."""
    await home.project(project)
    ids = [await home.export(project, n, size=100 * n) for n in (1, 2, 3)]
    plan = await home.gc("POST", "/calculate", {"policy": EAGER})
    goes = [each["exportId"] for each in plan["candidates"] if each["projectId"] == project]
    assert sorted(goes) == sorted(ids[:2])
    archive = {"planId": plan["planId"], "exportIds": goes}
    await dies_at(home, step, nth, "POST", "/archive", archive, f"a {project}")
    again = await home.gc("POST", "/archive", archive, key=f"a {project}")
    assert sorted(again["archived"]) == sorted(goes) and again["skipped"] == []
    await eventually(lambda: settled(home, f"archive/{ids[0]}_v1_final.mp4", f"archive/{ids[1]}_v2_final.mp4"))
    assert f"export/{project}/v3_final.mp4" in home.there("export")
    assert not {f"export/{project}/v{n}_final.mp4" for n in (1, 2)} & home.there("export")
    delete = {"exportIds": goes, "confirm": plan["planHash"]}
    await dies_at(home, step, nth, "POST", "/delete", delete, f"d {project}")
    gone = await home.gc("POST", "/delete", delete, key=f"d {project}")
    assert sorted(gone["deleted"]) == sorted(goes) and gone["skipped"] == []
    await eventually(lambda: empty(home))
    assert f"export/{project}/v3_final.mp4" in home.there("export")
    run = await home.gc("GET", f"/runs/{gone['runId']}")
    assert run["done"] == 2 and run["bytesFreed"] == 300, "what the dead one freed is counted, once"
    assert [(await home.shown(project, each))["status"] for each in ids] == ["deleted", "deleted", "ready"]


async def settled(home: House, *keys: str) -> bool:
    return set(keys) <= home.there("archive")


async def empty(home: House) -> bool:
    return home.there("archive") == set()


@pytest.mark.slow(reason="kills the collector at each of its steps")
async def test_what_a_collector_had_begun_that_died_at_a_file_is_finished_by_the_next(
    home: House,
) -> None:
    await crash_twice(home, "file done", "p1", nth=2)


@pytest.mark.long
async def test_a_collector_may_die_between_any_two_steps(home: House) -> None:
    for number, step in enumerate(STEPS):
        for nth in (1, 2) if step in ("command", "event", "file", "file done") else (1,):
            await crash_twice(home, step, f"p{number}{nth}", nth)
