"""Atomic batches: many messages into a stream, all or none (ADR-50)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cutlog.bus.connection import Bus, answer

MAX_BATCH: Final = 1000
"""Messages that the server takes in one batch."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be published. Headers are ASCII without line breaks."""

    subject: str
    headers: dict[str, str]
    payload: bytes


async def publish_batch(bus: Bus, messages: Sequence[Outgoing], expected_last: int, *, timeout: float = 5.0) -> int:
    """Publishes 1 to MAX_BATCH messages behind sequence `expected_last`; returns the sequence of the last.

    Raises ApiError (10071 when the stream's last sequence is another) or BusUnavailable; after either, the messages
    are in the stream all or not at all.
    """
    assert 0 < len(messages) <= MAX_BATCH, "one batch"
    fence = {"Nats-Expected-Last-Sequence": str(expected_last)}
    first, last = messages[0], messages[-1]
    if first is last:
        reply = await bus.request(first.subject, first.payload, timeout=timeout, headers=first.headers | fence)
        return int(answer(reply.data)["seq"])
    batch = uuid.uuid4().hex
    # Nobody waits for the batch to be opened: a server that does not open it refuses to commit it.
    # The client's own publish() spends most of a batch's time on checking headers; this is the same on the wire.
    opening = Outgoing(first.subject, first.headers | fence, first.payload)
    before = [opening, *messages[1:-1]]
    await bus.client._send_command(b"".join([_hpub(each, batch, number) for number, each in enumerate(before, 1)]))
    end = _part(batch, len(messages)) | {"Nats-Batch-Commit": "1"}
    reply = await bus.request(last.subject, last.payload, timeout=timeout, headers=last.headers | end)
    return int(answer(reply.data)["seq"])


def _part(batch: str, number: int) -> dict[str, str]:
    return {"Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(number)}


def _hpub(message: Outgoing, batch: str, number: int) -> bytes:
    lines = "".join([f"{key}: {value}\r\n" for key, value in message.headers.items()])
    head = f"NATS/1.0\r\n{lines}Nats-Batch-Id: {batch}\r\nNats-Batch-Sequence: {number}\r\n\r\n".encode()
    size = len(head)
    return b"HPUB %b %d %d\r\n%b%b\r\n" % (
        message.subject.encode(), size, size + len(message.payload), head, message.payload,
    )  # fmt: skip
