"""What ops provides on NATS, for tests that run without it."""

from __future__ import annotations

from cutlog.bus import Bus
from cutlog.bus.provision import Provider
from cutlog.bus.streams import ACK_WAIT, SECOND
from services.ops.nats.provision import CONSUMERS, STREAMS


def provider(bus: Bus, ack_wait: float = ACK_WAIT) -> Provider:
    """The streams and consumers of the real one, which deliver again after `ack_wait` seconds."""
    waiting = {"ack_wait": int(ack_wait * SECOND)}
    consumers = {
        service: {place: config | waiting for place, config in configs.items()}
        for service, configs in CONSUMERS.items()
    }
    return Provider(bus, STREAMS, consumers)
