"""A cluster of three NATS servers, of which one is killed while edits go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import aiohttp
import msgspec
import pytest

from cutlog.bus import Bus, BusError
from services.ops.bootstrap import serving
from tests.support.configuration import SettingsFactory
from tests.support.containers import ContainerNats, absent, nats_cluster
from tests.support.database import Database
from tests.support.waiting import eventually

pytestmark = pytest.mark.skipif(absent() is not None, reason=str(absent()))


@pytest.fixture
def members(tmp_path: Path) -> Iterator[list[ContainerNats]]:
    with nats_cluster(tmp_path) as running:
        yield running


async def test_message_n_is_event_n_although_a_member_is_killed(
    tmp_path: Path, database: Database, members: list[ContainerNats]
) -> None:
    settings = SettingsFactory(tmp_path, database, members[0])
    url = ",".join(member.url for member in members)
    configured = settings("ops").model_copy(update={"nats_url": url, "nats_replicas": 3})
    headers = {"Authorization": f"Bearer {settings.token('editor')}", "Content-Type": "application/json"}
    async with serving(configured), aiohttp.ClientSession(settings.peers["ops"], headers=headers) as http:

        async def edit(number: int) -> int:
            op = {"op": "track.add", "track": f"t{number}", "kind": "video"}
            async with http.post("/api/projects/p1/ops", data=msgspec.json.encode({"ops": [op]})) as answer:
                assert answer.status == 201, await answer.text()
                position = (await answer.json())["position"]
                assert isinstance(position, int)
                return position

        async with http.post("/api/projects", data=b'{"name": "Cluster", "id": "p1"}') as answer:
            assert answer.status == 201
        position = 0
        for number in range(20):
            position = await edit(number)
        async with await Bus.connect(url, members[0].seed("operator"), name="operator") as bus:

            async def published(until: int) -> bool:
                try:
                    state = (await bus.api("STREAM.INFO.EVENTS"))["state"]
                except BusError:  # the members are electing
                    return False
                return bool(state["last_seq"] == until and state["messages"] == until)

            await eventually(lambda: published(position))
            info = await bus.api("STREAM.INFO.EVENTS")
            assert info["config"]["num_replicas"] == 3
            leader = next(member for member in members if member.name == info["cluster"]["leader"])
            leader.kill()
            for number in range(20, 60):
                position = await edit(number)
            await eventually(lambda: published(position))
            leader.start()
            assert position == 61
            for sequence in (1, 21, 61):
                message = (await bus.api("STREAM.MSG.GET.EVENTS", {"seq": sequence}))["message"]
                assert message["seq"] == sequence
