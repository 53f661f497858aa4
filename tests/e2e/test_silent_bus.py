"""A NATS server that says nothing more and closes nothing, as one does whose host has frozen or vanished."""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import aiohttp
import pytest

from tests.support.stacks import RunningStack
from tests.support.waiting import eventually

OPS = (
    {"op": "track.add", "track": "v", "kind": "video"},
    {"op": "clip.add", "clip": "c", "track": "v", "at": 0, "color": "#ff0000", "frames": 25},
)


def reports(stack: RunningStack) -> dict[str, tuple[int, dict[str, Any]]]:
    """What each process says of its readiness: the status, and its checks."""
    answers = {name: stack.get("/readyz", base=f"http://{address}") for name, address in stack.state.listen.items()}
    return {name: (status, json.loads(body)["checks"]) for name, (status, body) in answers.items()}


def told(stack: RunningStack, what: str) -> set[str]:
    """The processes whose connection says so in their log."""
    logs = {name: (stack.data / "logs" / f"{name}.log").read_text().splitlines() for name in stack.state.listen}
    return {name for name, lines in logs.items() if any(f'"bus.{what}"' in line for line in lines)}


@pytest.mark.slow(reason="waits until a silent server is given up, on a stack of its own")
async def test_all_services_notice_a_silent_server_say_so_and_go_on_when_it_is_back(alone: RunningStack) -> None:
    every = set(alone.state.listen)
    assert {"ops", "ops-2", "media", "render", "gc"} <= every
    headers = {"Authorization": f"Bearer {alone.token('editor')}"}
    async with aiohttp.ClientSession(alone.url, headers=headers) as client:
        os.kill(alone.pids["nats"], signal.SIGSTOP)
        try:
            async with client.post("/api/projects", json={"name": "Film"}) as answer:
                assert answer.status == 201, "what needs no bus is done"
                project = (await answer.json())["id"]
            async with client.post(f"/api/projects/{project}/ops", json={"ops": OPS}) as answer:
                assert answer.status == 201
            await eventually(
                lambda: all(status == 503 and checks["bus"] == "down" for status, checks in reports(alone).values())
            )
            await eventually(lambda: told(alone, "disconnected") == every)
            async with client.get(f"/api/projects/{project}") as answer:
                assert (answer.status, (await answer.json())["currentVersion"]) == (200, 1)
        finally:
            os.kill(alone.pids["nats"], signal.SIGCONT)
        await eventually(lambda: told(alone, "reconnected") == every)
        await eventually(lambda: all(status == 200 for status, _ in reports(alone).values()))

        async def rendered() -> bool:
            async with client.get(f"/api/projects/{project}/versions/1/proxy", allow_redirects=False) as answer:
                return answer.status == 302

        assert await eventually(rendered), "what was edited meanwhile has reached those who work on it"
