"""The three streams and the consumers of services: what they are, and how streams are kept in being."""

from __future__ import annotations

import uuid
from typing import Any, Final

from cutlog.bus.connection import Bus
from cutlog.bus.errors import NAME_TAKEN, STREAM_NOT_FOUND, ApiError
from cutlog.contract.subjects import DLQ, EVENTS, JOBS

SECOND: Final = 1_000_000_000
"""Nanoseconds, JetStream's unit of time."""

StreamConfig = dict[str, Any]
"""As the API takes it: https://docs.nats.io/nats-concepts/jetstream/streams#configuration"""

ConsumerConfig = dict[str, Any]
"""As the API takes it: https://docs.nats.io/nats-concepts/jetstream/consumers#configuration"""

ACK_WAIT: Final = 30.0
"""Seconds after which JetStream delivers again what was not acknowledged."""
MAX_DELIVER: Final = 5
"""How often a job is delivered before it goes to DLQ."""


def events(log_id: uuid.UUID, seal: str = "", first: int = 1) -> StreamConfig:
    """EVENTS: its sequence is the log's position, so nothing may take one but the relay. No TTL, no deletes. `seal`
    names the key under which its messages are sealed."""
    return {
        "name": EVENTS,
        "description": "The event log, as PostgreSQL has it; sequence = position",
        "subjects": ["evt.>"],
        "retention": "limits",
        "storage": "file",
        "allow_atomic": True,
        "allow_direct": True,
        "deny_delete": True,
        "duplicate_window": SECOND,
        "first_seq": first,
        "metadata": {"log_id": str(log_id), "seal": seal},
    }


def jobs() -> StreamConfig:
    """JOBS: each job until somebody has done it; the same `Nats-Msg-Id` within two minutes is the same job."""
    return {
        "name": JOBS,
        "description": "Work that was admitted",
        "subjects": ["job.>"],
        "retention": "workqueue",
        "storage": "file",
        "allow_direct": True,
        "duplicate_window": 120 * SECOND,
    }


def dead_letters() -> StreamConfig:
    """DLQ: what could not be handled, whole, with the reason; until an operator removes it."""
    return {
        "name": DLQ,
        "description": "Messages that could not be handled",
        "subjects": ["dlq.>"],
        "retention": "limits",
        "storage": "file",
        "allow_direct": True,
        "duplicate_window": 120 * SECOND,
    }


def projection_consumer(durable: str, start: int = 1) -> ConsumerConfig:
    """Of EVENTS. Acknowledging one event acknowledges all before it: the checkpoint moves in the same way."""
    return {
        "durable_name": durable,
        "deliver_policy": "by_start_sequence",
        "opt_start_seq": start,
        "ack_policy": "all",
        "ack_wait": int(ACK_WAIT * SECOND),
        "max_deliver": -1,
        "max_ack_pending": 10_000,
        "replay_policy": "instant",
    }


def job_consumer(durable: str, subject: str) -> ConsumerConfig:
    """Of JOBS. `max_deliver` stays open: the server would leave a job in the queue for ever, where a worker's own count
    buries it."""
    return {
        "durable_name": durable,
        "filter_subject": subject,
        "deliver_policy": "all",
        "ack_policy": "explicit",
        "ack_wait": int(ACK_WAIT * SECOND),
        "max_deliver": -1,
        "max_ack_pending": 1000,
        "metadata": {"max_deliver": str(MAX_DELIVER)},
    }


async def ensure(bus: Bus, config: StreamConfig) -> None:
    """Makes the stream, or brings its configuration up to date. Raises ApiError, BusUnavailable."""
    name, config = config["name"], config | {"num_replicas": bus.replicas}
    info = await stream_info(bus, name)
    if info is None:
        try:
            await bus.api(f"STREAM.CREATE.{name}", config)
        except ApiError as error:
            if error.code not in NAME_TAKEN:
                raise
    elif any(info["config"].get(key) != value for key, value in config.items() if key not in ("metadata", "first_seq")):
        await bus.api(f"STREAM.UPDATE.{name}", info["config"] | config)


async def stream_info(bus: Bus, name: str) -> dict[str, Any] | None:
    """Configuration and state of a stream; None when there is none."""
    try:
        return await bus.api(f"STREAM.INFO.{name}")
    except ApiError as error:
        if error.code == STREAM_NOT_FOUND:
            return None
        raise
