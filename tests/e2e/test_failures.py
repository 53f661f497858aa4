"""Parts are killed and JetStream loses all it has; nothing acknowledged is lost, and the job ends as it should."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from cutlog.bus import Bus
from cutlog.operate.stack.postgres import Postgres
from tests.e2e.conftest import Tenant
from tests.e2e.job import MOVED, SHOWN, main_job
from tests.e2e.killing import SERVICES, kill
from tests.support.painting import pictures, read_frame_numbers
from tests.support.stacks import CHECKOUT, RunningStack
from tests.support.waiting import eventually


@asynccontextmanager
async def killing(stack: RunningStack, *parts: str) -> AsyncIterator[None]:
    """Kills these parts one after another while the body runs."""

    async def murder() -> None:
        for part in parts:
            await kill(stack, part)

    task = asyncio.create_task(murder())
    try:
        yield
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.slow(reason="each service is killed three times")
@pytest.mark.parametrize("part", SERVICES)
async def test_the_job_ends_right_although_a_service_is_killed_three_times(
    tenant: Tenant, clip: Path, part: str
) -> None:
    async with killing(tenant.stack, part, part, part):
        done = await main_job(tenant.client, clip)
    assert done.export.key
    for version, shown in zip(done.versions, SHOWN, strict=True):
        assert version.proxy.key
        assert read_frame_numbers(tenant.object(version.proxy.key)) == shown
    assert read_frame_numbers(tenant.object(done.export.key)) == MOVED
    assert (await tenant.client.project(done.project_id)).current_version == 3
    plan = await tenant.client.calculate_gc({"ttlDays": 0, "keepLatest": 0})
    assert plan.kept_count == 1
    stored = [path for path in tenant.object(f"videos/{tenant.name}").rglob("*") if path.is_file()]
    assert len(stored) == 1


@pytest.mark.slow(reason="the whole demo, while services are killed")
async def test_the_demo_ends_right_while_every_service_is_killed_in_turn(tenant: Tenant) -> None:
    command = [sys.executable, "-m", "cutlog", "demo", "--json", "--url", tenant.stack.url]
    environment = os.environ | {"CUTLOG_TOKEN": tenant.token}
    demo = await asyncio.create_subprocess_exec(
        *command, "--data", str(tenant.stack.data), cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE
    )
    async with killing(tenant.stack, *SERVICES):
        output, _ = await demo.communicate()
    assert demo.returncode == 0
    outcome: dict[str, Any] = json.loads(output)
    lengths = {(f["what"], f["version"]): sum(1 for _ in pictures(Path(f["path"]))) for f in outcome["files"]}
    proxies = {("proxy", 1): 132, ("proxy", 2): 92, ("proxy", 3): 92, ("proxy", 4): 117}
    assert lengths == proxies | {("export", 2): 92, ("export", 4): 117}
    assert [fate["verdict"] for fate in outcome["report"]["exports"]] == ["candidate", "kept"]


@pytest.mark.slow(reason="needs the whole stack, beside the main job")
async def test_jetstream_loses_everything_while_running_and_message_n_is_event_n_again(
    tenant: Tenant, clip: Path
) -> None:
    await main_job(tenant.client, clip)
    stack = tenant.stack
    shutil.rmtree(stack.data / "nats", ignore_errors=True)  # the server goes on writing meanwhile
    await kill(stack, "nats")
    done = await main_job(tenant.client, clip)  # goes on as if nothing had happened
    assert done.export.key and read_frame_numbers(tenant.object(done.export.key)) == MOVED
    events = await log(stack)
    seed = stack.secrets.nats("operator").seed
    async with await Bus.connect(stack.state.nats_url, seed, name="operator") as bus:

        async def whole() -> bool:
            state = (await bus.api("STREAM.INFO.EVENTS"))["state"]
            return bool(state["first_seq"] == 1 and state["last_seq"] >= len(events))

        await eventually(whole)
        for position, event_id in enumerate(events, 1):
            found = await bus.api("STREAM.MSG.GET.EVENTS", {"seq": position})
            assert event_id in message_headers(found["message"]["hdrs"]), f"message {position} is another event"


async def log(stack: RunningStack) -> list[str]:
    """The ids of all events, by position."""
    owner = Postgres.at(stack.data / "postgres", stack.state.postgres_port, stack.secrets.database("owner"))
    connection = await asyncpg.connect(owner.url("cutlog"))
    rows = await connection.fetch("SELECT position, id FROM ops.event ORDER BY position")
    await connection.close()
    assert [row["position"] for row in rows] == list(range(1, len(rows) + 1))
    return [str(row["id"]) for row in rows]


def message_headers(encoded: str) -> str:
    return base64.b64decode(encoded).decode()
