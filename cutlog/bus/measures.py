"""Progress of projections, for Prometheus."""

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
    ("applied", "cutlog_projection_events_applied", "Events applied to the read models"),
    ("duplicates", "cutlog_projection_events_redelivered", "Events delivered again after they were applied"),
    ("filled", "cutlog_projection_events_recovered", "Events that JetStream did not deliver, read from ops instead"),
    ("foreign", "cutlog_projection_foreign_messages", "Messages dropped because the relay did not publish them"),
    ("replays", "cutlog_projection_replays", "Replays requested by operators"),
)


class ProjectionMetrics(Collector):
    """The progress of some projections. Await `look` before they are collected."""

    def __init__(self, registry: CollectorRegistry, bus: Bus, projections: Sequence[Projection]) -> None:
        self._bus, self._projections = bus, projections
        self._last: int | None = None
        registry.register(self)

    async def look(self) -> None:
        """Asks for the last sequence of the stream; without an answer, no lag is reported."""
        self._last = None
        with suppress(BusError, NatsError, TimeoutError):
            if (info := await stream_info(self._bus, EVENTS)) is not None:
                self._last = info["state"]["last_seq"]

    def collect(self) -> Iterable[Metric]:
        return list(self._metrics())

    def _metrics(self) -> Iterator[Metric]:
        position = GaugeMetricFamily(
            "cutlog_projection_position", "Position of the last applied event", labels=["projection"]
        )
        lag = GaugeMetricFamily(
            "cutlog_projection_lag_events", "Published events not yet applied", labels=["projection"]
        )
        stopped = GaugeMetricFamily(
            "cutlog_projection_stopped",
            "1 while the projection is stopped by an event that cannot be applied",
            labels=["projection"],
        )
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
