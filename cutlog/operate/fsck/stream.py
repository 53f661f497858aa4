"""The stream EVENTS against the log: message n is event n, from the first to the last."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus import messages
from cutlog.bus.pull import Pull, ensure_consumer
from cutlog.bus.streams import SECOND, stream_info
from cutlog.contract.envelope import RawEvent
from cutlog.contract.subjects import EVENTS
from cutlog.operate.fsck.report import Finding
from cutlog.operate.fsck.stack import Stack

BATCH: Final = 1000
PATIENCE: Final = 10.0
"""Seconds that a message of the stream may take to come."""
WAY_OUT: Final = "cutlog fsck --repair removes the stream; the relay makes it again from the log"


async def differing(stack: Stack, connection: AsyncConnection, seen: dict[str, int]) -> AsyncIterator[Finding]:
    """Reads all of both. What the relay has not published yet is no finding, here."""
    proof = stack.proofs[stack.log]
    assert proof.events is not None
    info = await stream_info(stack.bus, EVENTS)
    if info is None:
        yield Finding("stream", EVENTS, "it is not there", remedy="start ops: its relay makes it from the log")
        return
    state = info["state"]
    if state["messages"] and (state["first_seq"], state["messages"]) != (1, state["last_seq"]):
        detail = f"{state['messages']} messages from {state['first_seq']} to {state['last_seq']}"
        yield Finding("stream", EVENTS, detail, remedy=WAY_OUT)
        return
    name = f"fsck-{secrets.token_hex(4)}"
    config = {"durable_name": name, "deliver_policy": "all", "ack_policy": "none", "inactive_threshold": 60 * SECOND}
    await ensure_consumer(stack.bus, EVENTS, config)
    try:
        async with Pull(stack.bus, EVENTS, name, room=lambda held: 4 * BATCH - held, step=BATCH) as pull:
            position = 0
            while position < state["last_seq"]:
                taken = await pull.take(BATCH, timeout=PATIENCE)
                if not taken:
                    detail = f"message {position + 1} of {state['last_seq']} does not come"
                    yield Finding("stream", EVENTS, detail, remedy=WAY_OUT)
                    return
                await connection.exec_driver_sql(f'SET LOCAL search_path = "{stack.log}"')
                events = {event.position: event for event in await proof.events(connection, position, len(taken))}
                for message in taken:
                    position = messages.place(message.reply).stream
                    try:
                        published: RawEvent | None = messages.read(message, position)
                    except (KeyError, ValueError):
                        published = None
                    if position in events and not _same(published, events[position]):
                        detail = f"message {position} is not event {position} of the log"
                        yield Finding("stream", EVENTS, detail, remedy=WAY_OUT)
                        return
            seen["messages"] = position
    finally:
        await stack.bus.api(f"CONSUMER.DELETE.{EVENTS}.{name}")


def _same(published: RawEvent | None, event: RawEvent) -> bool:
    if published is None:
        return False
    return (published.id, published.stream, published.version, published.type, bytes(published.data)) == (
        event.id, event.stream, event.version, event.type, bytes(event.data),
    )  # fmt: skip


async def published_again(stack: Stack) -> str | None:
    """Removes the stream and waits until the relay has made another; None if it does not within a minute."""
    before = await stream_info(stack.bus, EVENTS)
    if before is not None:
        await stack.bus.api(f"STREAM.DELETE.{EVENTS}")
    until = 0 if before is None else before["state"]["last_seq"]
    for _ in range(300):
        info = await stream_info(stack.bus, EVENTS)
        if info is not None and info["state"]["last_seq"] >= until:
            return f"made again from the log: {info['state']['last_seq']} messages"
        await asyncio.sleep(0.2)
    return None
