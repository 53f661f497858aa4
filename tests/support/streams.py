"""What a stream holds, read past the code under test."""

from __future__ import annotations

import base64
from typing import Any

from nats.aio.client import Client
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from cutlog.bus import Bus
from cutlog.bus.streams import stream_info
from services.ops.log.read import LogReader
from tests.support.messaging import NatsServer
from tests.support.waiting import PATIENCE


async def operator(nats: NatsServer) -> Bus:
    """A connection that may do all."""
    return await Bus.connect(nats.url, nats.seed("operator"), name="operator")


async def contents(client: Client, stream: str) -> list[tuple[int, str, bytes]]:
    """Sequence, id and payload of every message, by an ordered push of the whole stream."""
    js = client.jetstream(timeout=PATIENCE)
    last = (await js.stream_info(stream)).state.messages
    config = ConsumerConfig(deliver_policy=DeliverPolicy.ALL, ack_policy=AckPolicy.NONE)
    subscription = await js.subscribe("", stream=stream, ordered_consumer=True, config=config)
    found = []
    for _ in range(last):
        message = await subscription.next_msg(timeout=PATIENCE)
        assert message.headers is not None
        found.append((message.metadata.sequence.stream, message.headers["Nats-Msg-Id"], message.data))
    await subscription.unsubscribe()
    return found


async def message(bus: Bus, stream: str, sequence: int) -> dict[str, Any]:
    """One stored message: `subject`, `data` (bytes), `headers`."""
    stored = (await bus.api(f"STREAM.MSG.GET.{stream}", {"seq": sequence}))["message"]
    lines = base64.b64decode(stored.get("hdrs", "")).decode().split("\r\n")[1:]
    headers = dict(line.split(": ", 1) for line in lines if line)
    return {"subject": stored["subject"], "data": base64.b64decode(stored.get("data", "")), "headers": headers}


async def last_sequence(bus: Bus, stream: str = "EVENTS") -> int:
    """0 when there is no stream."""
    info = await stream_info(bus, stream)
    return int(info["state"]["last_seq"]) if info else 0


async def assert_stream_is_log(nats: NatsServer, reader: LogReader) -> None:
    """Message n is the event of position n, for all n, and there is nothing else."""
    stored: list[tuple[int, str, bytes]] = []
    while page := await reader.read(len(stored)):
        stored += [(event.position, str(event.id), bytes(event.data)) for event in page]
    assert [position for position, _, _ in stored] == list(range(1, len(stored) + 1))
    async with await operator(nats) as bus:
        published = await contents(bus.client, "EVENTS")
    assert len(published) == len(stored)
    assert published == stored
