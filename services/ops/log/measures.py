"""Metrics of the log: appends, and progress of its publication."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from prometheus_client import CollectorRegistry, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from cutlog.db.failures import DATABASE_ERRORS
from services.ops.log.read import LogReader
from services.ops.log.relay import Relay

_EVENTS = (1, 2, 5, 10, 20, 50, 100, 200, 500)
_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1, 5)


class LogMetrics(Collector):
    """Sizes and times of group commits; positions of the log and of the stream."""

    def __init__(self, reader: LogReader, relay: Relay) -> None:
        self._reader, self._relay = reader, relay
        self._events = Histogram("cutlog_log_append_events", "Events per group commit", buckets=_EVENTS, registry=None)
        self._seconds = Histogram(
            "cutlog_log_append_duration_seconds",
            "Seconds from the first event of a group commit to durable storage",
            buckets=_SECONDS,
            registry=None,
        )
        self._head = Gauge("cutlog_log_position", "Position of the last event in the log", registry=None)
        self._leads = Gauge("cutlog_relay_leader", "1 in the process that publishes events", registry=None)
        self._lag = Gauge("cutlog_relay_lag_events", "Events in the log that are not published yet", registry=None)

    def register(self, registry: CollectorRegistry) -> None:
        """Adds them to the registry."""
        for metric in (self, self._events, self._seconds, self._head, self._leads, self._lag):
            registry.register(metric)

    def collect(self) -> Iterator[Metric]:
        """What the relay itself counts."""
        for name, text, count in (
            (
                "cutlog_relay_stream_rebuilds",
                "Times that the stream was recreated from the log",
                self._relay.state.rebuilt,
            ),
            (
                "cutlog_relay_foreign_messages",
                "Messages dropped because the relay did not publish them",
                self._relay.state.foreign,
            ),
        ):
            yield CounterMetricFamily(name, text, count)
        published = CounterMetricFamily(
            "cutlog_relay_published_events", "Events that this process published", labels=["source"]
        )
        published.add_metric(["memory"], self._relay.state.from_told)
        published.add_metric(["log"], self._relay.state.from_log)
        yield published

    def appended(self, events: int, seconds: float) -> None:
        """A group commit."""
        self._events.observe(events)
        self._seconds.observe(seconds)

    async def look(self) -> None:
        """Await before the metrics are collected."""
        state = self._relay.state
        self._leads.set(state.leads)
        with suppress(*DATABASE_ERRORS):
            head = await self._reader.head()
            self._head.set(head)
            self._lag.set(max(0, head - state.published) if state.leads else 0)
