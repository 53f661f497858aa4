"""What each NATS user may do: its own work, and nothing of another's."""

from __future__ import annotations

import nats as nats_py
import pytest
from nats.aio.client import Client
from nats.aio.msg import Msg

from tests.support.messaging import NatsServer
from tests.support.waiting import eventually

SERVICES = ("ops", "media", "render", "gc")


class Connection:
    """A connection of one user that remembers what the server refused."""

    def __init__(self) -> None:
        self.refused: list[str] = []
        self.client = Client()

    async def open(self, nats: NatsServer, user: str) -> Connection:
        async def failed(error: Exception) -> None:
            self.refused.append(str(error))

        self.client = await nats_py.connect(
            nats.url, nkeys_seed_str=nats.seed(user), inbox_prefix=f"_INBOX_{user}", error_cb=failed
        )
        return self

    async def may_publish(self, subject: str) -> bool:
        """Whether the server takes a message on the subject; a second, always refused one tells when it has judged."""
        before = len(self.refused)
        await self.client.publish(subject, b"{}")
        await self.client.publish("never.allowed", b"")
        await eventually(lambda: any("never.allowed" in error for error in self.refused[before:]))
        return not any(f'"{subject}"'.lower() in error for error in self.refused[before:])

    async def may_subscribe(self, subject: str) -> bool:
        before = len(self.refused)
        await self.client.subscribe(subject)
        await self.client.publish("never.allowed", b"")
        await eventually(lambda: any("never.allowed" in error for error in self.refused[before:]))
        return len(self.refused) == before + 1


@pytest.fixture
async def connections(nats: NatsServer) -> dict[str, Connection]:
    return {user: await Connection().open(nats, user) for user in SERVICES}


async def publishers(connections: dict[str, Connection], subject: str) -> set[str]:
    return {user for user, connection in connections.items() if await connection.may_publish(subject)}


async def test_only_the_entitled_may_publish(connections: dict[str, Connection]) -> None:
    expected = {
        "evt.project.p_1.VersionCommitted": {"ops"},
        "evt.gc.run_1.PlanCalculated": {"ops"},
        "ops.cmd.media.RegisterMedia": {"media"},
        "ops.cmd.render.RecordProxy": {"render"},
        "ops.cmd.gc.RecordPlan": {"gc"},
        "ops.events.read": {"media", "render", "gc"},
        "job.render.hi.p_1": {"render"},
        "progress.p_1": {"ops", "media", "render"},
        "dlq.job.render.hi.p_1": {"ops", "media", "render", "gc"},
        "$JS.API.STREAM.DELETE.EVENTS": {"ops"},
        "$JS.API.STREAM.PURGE.EVENTS": {"ops"},
        "$JS.API.STREAM.UPDATE.EVENTS": {"ops"},
        "$JS.API.STREAM.MSG.DELETE.EVENTS": {"ops"},
        "$JS.API.STREAM.CREATE.JOBS": {"ops", "render"},
        "$JS.API.STREAM.CREATE.OTHER": set(),
        "$JS.API.STREAM.DELETE.JOBS": set(),
        "$JS.API.CONSUMER.CREATE.EVENTS.render": {"render"},
        "$JS.API.CONSUMER.MSG.NEXT.EVENTS.render": {"render"},
        "$JS.API.CONSUMER.DELETE.EVENTS.render": {"render"},
        "$JS.API.CONSUMER.PAUSE.EVENTS.render": set(),
        "$JS.API.CONSUMER.INFO.EVENTS.render": {"ops", "media", "render", "gc"},
        "$JS.ACK.EVENTS.render.1.1.1.1.0": {"render"},
        "_INBOX_media.x": set(),
        "render.status": set(),
    }
    assert {subject: await publishers(connections, subject) for subject in expected} == expected


async def test_a_service_hears_only_what_is_for_it(connections: dict[str, Connection]) -> None:
    media = connections["media"]
    for subject in ("_INBOX_media.>", "media.status", "media.rebuild", "$SRV.PING", "$SRV.INFO.media"):
        assert await media.may_subscribe(subject), subject
    for subject in (">", "_INBOX_ops.>", "_INBOX.>", "ops.cmd.>", "render.status", "evt.>", "job.>", "$JS.API.>"):
        assert not await media.may_subscribe(subject), subject


async def test_a_service_may_answer_who_asked_it(connections: dict[str, Connection]) -> None:
    ops, media = connections["ops"], connections["media"]

    async def answer(message: Msg) -> None:
        await message.respond(b"done")

    await ops.client.subscribe("ops.cmd.>", cb=answer)
    await ops.client.flush()
    assert (await media.client.request("ops.cmd.media.RegisterMedia", b"{}", timeout=180)).data == b"done"


async def test_the_operator_may_do_all(nats: NatsServer) -> None:
    operator = (await Connection().open(nats, "operator")).client
    stream = await operator.jetstream().add_stream(name="EVENTS", subjects=["evt.>"])
    assert stream.config.name == "EVENTS"
    await operator.jetstream().purge_stream("EVENTS")
    await operator.close()


async def test_nobody_enters_without_a_key(nats: NatsServer) -> None:
    with pytest.raises(Exception, match=r"(?i)authorization"):
        await nats_py.connect(nats.url, allow_reconnect=False)


def test_seeds_are_for_their_owner_only(nats: NatsServer) -> None:
    assert {oct(nats.seed_file(user).stat().st_mode & 0o777) for user in ("operator", *SERVICES)} == {"0o600"}
