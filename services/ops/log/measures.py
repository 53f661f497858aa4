"""What a dashboard wants to know of the log: appends, and how far its publication is."""

from __future__ import annotations

from contextlib import suppress

from prometheus_client import CollectorRegistry, Gauge, Histogram

from cutlog.db.failures import DATABASE_ERRORS
from services.ops.log.read import LogReader
from services.ops.log.relay import Relay

_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5)


class LogMetrics:
    """Sizes and times of group commits; positions of the log and of the stream."""

    def __init__(self, reader: LogReader, relay: Relay) -> None:
        self._reader, self._relay = reader, relay
        self._events = Histogram("log_append_events", "Events of a group commit", buckets=_EVENTS, registry=None)
        self._seconds = Histogram(
            "log_append_seconds", "From the first event of a group commit to disk", buckets=_SECONDS, registry=None
        )
        self._head = Gauge("log_position", "The last position of the log", registry=None)
        self._leads = Gauge("relay_leads", "1 where this process publishes", registry=None)
        self._lag = Gauge("relay_lag_events", "Events that are not in the stream yet", registry=None)
        self._foreign = Gauge(
            "relay_foreign_messages", "Messages on the stream that the relay did not publish", registry=None
        )
        self._rebuilt = Gauge("relay_streams_rebuilt", "How often the stream was made anew", registry=None)

    def register(self, registry: CollectorRegistry) -> None:
        """Shows them there."""
        for metric in (self._events, self._seconds, self._head, self._leads, self._lag, self._rebuilt, self._foreign):
            registry.register(metric)

    def appended(self, events: int, seconds: float) -> None:
        """A group commit."""
        self._events.observe(events)
        self._seconds.observe(seconds)

    async def look(self) -> None:
        """To be awaited before the rest is collected."""
        state = self._relay.state
        self._leads.set(state.leads)
        self._rebuilt.set(state.rebuilt)
        self._foreign.set(state.foreign)
        with suppress(*DATABASE_ERRORS):
            head = await self._reader.head()
            self._head.set(head)
            self._lag.set(max(0, head - state.published) if state.leads else 0)
