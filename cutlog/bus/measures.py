"""How far projections are, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from nats.errors import Error as NatsError
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cutlog.bus.connection import Bus
from cutlog.bus.errors import BusError
from cutlog.bus.projection import Projection
from cutlog.bus.streams import stream_info
from cutlog.contract.subjects import EVENTS

_COUNTED = (
    ("applied", "projection_events_applied", "Events whose rows were derived"),
    ("duplicates", "projection_redelivered", "Events that had been applied when they came"),
    ("filled", "projection_gaps_filled", "Events that JetStream did not deliver, read from ops"),
    ("foreign", "projection_foreign_messages", "Messages among the events that the relay did not publish"),
    ("replays", "projection_replays", "Replays that operators asked for"),
)


class ProjectionMetrics(Collector):
    """The standing of some projections. `look` is to be awaited before they are collected."""

    def __init__(self, registry: CollectorRegistry, bus: Bus, projections: Sequence[Projection]) -> None:
        self._bus, self._projections = bus, projections
        self._last: int | None = None
        registry.register(self)

    async def look(self) -> None:
        """Asks how long the stream is; while nobody answers, nothing is said of lags."""
        self._last = None
        with suppress(BusError, NatsError, TimeoutError):
            if (info := await stream_info(self._bus, EVENTS)) is not None:
                self._last = info["state"]["last_seq"]

    def collect(self) -> Iterable[Metric]:
        return list(self._metrics())

    def _metrics(self) -> Iterator[Metric]:
        position = GaugeMetricFamily("projection_position", "Events that are in the rows", labels=["projection"])
        lag = GaugeMetricFamily("projection_lag_events", "Events that are not in the rows", labels=["projection"])
        stopped = GaugeMetricFamily("projection_stopped", "1 when it can't go on", labels=["projection"])
        for projection in self._projections:
            standing = projection.standing
            position.add_metric([projection.name], standing.position)
            stopped.add_metric([projection.name], float(standing.state == "stopped"))
            # A process that does not lead does not know where the rows are.
            if self._last is not None and standing.state != "waiting":
                lag.add_metric([projection.name], max(0, self._last - standing.position))
        yield from (position, lag, stopped)
        for name, metric, text in _COUNTED:
            family = CounterMetricFamily(metric, text, labels=["projection"])
            for projection in self._projections:
                family.add_metric([projection.name], getattr(projection.standing, name))
            yield family
