"""One edit by its trace id: through the request, the log, the stream, the job, and the logs of all that had a part."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cutlog.bus import Bus
from cutlog.operate.stack.nats import OPERATOR
from tests.e2e.conftest import Tenant
from tests.e2e.job import CANVAS
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow(reason="needs the whole stack, beside the main job")

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
EDIT = [
    {"op": "track.add", "track": "v", "kind": "video"},
    {"op": "clip.add", "clip": "a", "track": "v", "at": 0, "color": "#336699", "frames": 25},
]


def lines(path: Path) -> list[dict[str, Any]]:
    found = []
    for line in path.read_text().splitlines():
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            continue  # a line that is being written
    return found


async def test_an_edit_is_followed_by_its_trace_id_through_log_stream_job_and_file(tenant: Tenant) -> None:
    project = await tenant.client.create_project("Traced", CANVAS)
    headers = {"Authorization": f"Bearer {tenant.token}", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    url = f"{tenant.stack.url}/api/projects/{project.id}/ops"
    async with aiohttp.ClientSession(headers=headers) as http, http.post(url, json={"ops": EDIT}) as answer:
        position = (await answer.json())["position"]
    proxy = await tenant.client.wait_for_proxy(project.id, 1)
    seed = tenant.stack.secrets.nats(OPERATOR).seed
    async with await Bus.connect(tenant.stack.state.nats_url, seed, name="operator") as bus:
        stored = await bus.api("STREAM.MSG.GET.EVENTS", {"seq": position})
    assert f"traceparent: 00-{TRACE}-" in base64.b64decode(stored["message"]["hdrs"]).decode()
    logs = tenant.stack.data / "logs"

    def told() -> bool:
        asked = [*lines(logs / "ops.log"), *lines(logs / "ops-2.log")]  # at whichever the project is
        request = [line for line in asked if line.get("trace") == TRACE]
        film = [line for line in lines(logs / "render.log") if line.get("trace") == TRACE]
        assert [line["status"] for line in request if line["event"] == "http.request"] == [201]
        assert [line["key"] for line in film if line["event"] == "render.finished"] == [proxy.key]
        return True

    await eventually(told)
