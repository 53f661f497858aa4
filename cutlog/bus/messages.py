"""An event as a message on EVENTS: its JSON, with headers of CloudEvents 1.0 (NATS binding) and W3C trace context."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from hmac import compare_digest
from typing import Final
from urllib.parse import quote, unquote

import msgspec
from nats.aio.msg import Msg

from cutlog.contract import subjects
from cutlog.contract.envelope import RawEvent

SOURCE: Final = "cutlog/ops"
SEAL: Final = "Cutlog-Seal"
"""Header by which those who know the log's key tell a message that the relay published from any other."""
_SEALED: Final = (
    "ce-id",
    "ce-type",
    "ce-time",
    "ce-subject",
    "ce-tenant",
    "ce-actor",
    "ce-streamversion",
    "traceparent",
)


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


def seal(key: bytes, position: int, head: Mapping[str, str], payload: bytes) -> str:
    """A keyed digest (RFC 7693) of an event's message at its position: a copy of it elsewhere has the wrong one."""
    # Header values hold no line breaks, so no two messages have the same text.
    text = "\n".join([str(position), *[head.get(name, "") for name in _SEALED], ""]).encode()
    return blake2b(text + payload, key=key, digest_size=16).hexdigest()


def seal_name(key: bytes) -> str:
    """Tells one key from another, and nothing of either."""
    return blake2b(b"name", key=key, digest_size=8).hexdigest()


def is_genuine(key: bytes, subject_: str, position: int, head: Mapping[str, str] | None, payload: bytes) -> bool:
    """Whether the relay published this message as event `position`."""
    if head is None or SEAL not in head:
        return False
    if subject_ != subjects.event(head.get("ce-subject", ""), head.get("ce-type", "")):
        return False
    return compare_digest(head[SEAL].encode(), seal(key, position, head, payload).encode())


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
