"""`ops.replay`: history once more, out of PostgreSQL, for a consumer that asks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from nats.aio.msg import Msg

from cutlog.bus import Bus, messages
from services.ops.nats.replay import POSITION
from tests.ops.conftest import Client
from tests.support.waiting import PATIENCE

TRACK = {"op": "track.add", "track": "v1", "kind": "video"}


async def replay(nats: Any, wish: dict[str, Any]) -> tuple[Any, list[Msg]]:
    """The answer, or its error code and text; and what came."""
    found: list[Msg] = []

    async def heard(message: Msg) -> None:
        found.append(message)

    async with await Bus.connect(nats.url, nats.seed("operator"), name="operator") as bus:
        await bus.client.subscribe("replay.mine.>", cb=heard)
        await bus.client.flush()
        reply = await bus.request("ops.replay", json.dumps(wish).encode(), timeout=PATIENCE)
        await bus.client.flush()
    head = reply.headers or {}
    code = head.get("Nats-Service-Error-Code")
    return (code, head["Nats-Service-Error"]) if code else json.loads(reply.data), found


async def test_history_comes_again_as_it_was_published(editor: Client, nats: Any) -> None:
    for project in ("p1", "p2"):
        await editor.made("POST", "/api/projects", {"name": "Film", "id": project})
        await editor.edit(project, TRACK)
    answer, found = await replay(nats, {"target": "mine"})
    assert answer == {"events": 4, "position": 4}
    assert [message.subject.removeprefix("replay.mine.") for message in found] == [
        "evt.project.p1.ProjectCreated", "evt.project.p1.VersionCommitted",
        "evt.project.p2.ProjectCreated", "evt.project.p2.VersionCommitted",
    ]  # fmt: skip
    positions = [int((message.headers or {})[POSITION]) for message in found]
    assert positions == [1, 2, 3, 4]
    read = [messages.read(message, position) for message, position in zip(found, positions, strict=True)]
    assert [event.decode().entity for event in read] == ["p1", "p1", "p2", "p2"]


@pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")
async def test_only_what_was_asked_for_comes(editor: Client, nats: Any) -> None:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    for number in range(5):
        await editor.edit("p1", TRACK | {"track": f"v{number}"})
    answer, found = await replay(
        nats, {"target": "mine", "from": 2, "to": 4, "subject": "evt.project.*.VersionCommitted"}
    )
    assert answer == {"events": 3, "position": 4} and len(found) == 3
    answer, found = await replay(nats, {"target": "mine", "subject": "evt.media.>"})
    assert answer == {"events": 0, "position": 6} and found == []


@pytest.mark.few(1, reason="starts ops, NATS and a database for one more case of its kind")
@pytest.mark.parametrize(
    "wish",
    [
        {}, {"target": ""}, {"target": "a.b"}, {"target": "*"}, {"target": "mine", "from": 0},
        {"target": "mine", "from": 3, "to": 2}, {"target": "mine", "subject": "job.>"},
        {"target": "mine", "subject": "evt"}, {"target": "mine", "subject": "evt.>.x"}, {"target": "mine", "what": 1},
    ],
)  # fmt: skip
async def test_what_makes_no_sense_is_refused_and_nothing_comes(
    editor: Client, nats: Any, wish: dict[str, Any]
) -> None:
    (code, said), found = await replay(nats, wish)
    assert code == "400" and "Error(" not in said and found == []
