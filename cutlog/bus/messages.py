"""An event as a message on EVENTS: its JSON, with headers of CloudEvents 1.0 (NATS binding) and W3C trace context."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, unquote

import msgspec
from nats.aio.msg import Msg

from cutlog.contract import subjects
from cutlog.contract.envelope import RawEvent

SOURCE: Final = "cutlog/ops"


def headers(event: RawEvent) -> dict[str, str]:
    """Headers of the message that carries `event`."""
    return {
        "Nats-Msg-Id": (id_ := str(event.id)),
        "ce-id": id_,
        "ce-type": event.type,
        "ce-source": SOURCE,
        "ce-time": event.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "ce-specversion": "1.0",
        "ce-subject": event.stream,
        "ce-tenant": _escape(event.tenant),
        "ce-actor": _escape(event.actor),
        "ce-streamversion": str(event.version),
        "traceparent": _escape(event.trace),
    }


def subject(event: RawEvent) -> str:
    """Where the event is published."""
    return subjects.event(event.stream, event.type)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands: its sequence in the stream, and the count of the consumer's deliveries."""

    stream: int
    consumer: int
    delivered: int


def place(reply: str) -> Place:
    """Reads the reply subject of a delivered message.

    `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`, in its newer form with
    a domain and an account before the stream and, it may be, a token after the rest (ADR-15).
    """
    tokens = reply.split(".")
    at = 4 if len(tokens) == 9 else 6
    return Place(stream=int(tokens[at + 1]), consumer=int(tokens[at + 2]), delivered=int(tokens[at]))


def read(message: Msg, position: int) -> RawEvent:
    """The event in a message. Raises KeyError or ValueError for what the relay did not publish."""
    head = message.headers or {}
    return RawEvent(
        position=position,
        id=uuid.UUID(head["ce-id"]),
        stream=head["ce-subject"],
        version=int(head["ce-streamversion"]),
        type=head["ce-type"],
        tenant=_unescape(head["ce-tenant"]),
        actor=_unescape(head["ce-actor"]),
        trace=_unescape(head.get("traceparent", "")),
        at=datetime.fromisoformat(head["ce-time"]),
        data=msgspec.Raw(message.data),
    )


def _escape(value: str) -> str:
    """Percent-encoding of what a header would not carry unchanged."""
    if value.isascii() and value.isprintable() and "%" not in value and " " not in value:
        return value
    return quote(value, safe="!#$&'()*+,/:;=?@[]|~")


def _unescape(value: str) -> str:
    return unquote(value) if "%" in value else value
