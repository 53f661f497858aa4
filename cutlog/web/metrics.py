"""Metrics of an Api, in a registry of its own, so that several services fit into one process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class HttpMetrics:
    """Requests by service, route template, method and status; never by a value that a client chooses."""

    def __init__(self, service: str) -> None:
        self.registry = CollectorRegistry()
        self._service = service
        self._requests = Counter(
            "cutlog_http_requests_total",
            "HTTP requests answered",
            ["service", "route", "method", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "cutlog_http_request_duration_seconds",
            "Seconds from request to answer",
            ["service", "route", "method"],
            buckets=BUCKETS,
            registry=self.registry,
        )
        in_flight = Gauge(
            "cutlog_http_requests_in_flight", "HTTP requests being processed", ["service"], registry=self.registry
        )
        self.in_flight = in_flight.labels(service)
        self.looks: list[Callable[[], Awaitable[None]]] = []
        """Awaited before metrics are collected, for values that have to be fetched."""
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one answer. `route` is the template, such as `/api/projects/{project}`."""
        count, took = self._of(route, method if method in METHODS else "OTHER", status)
        count.inc()
        took.observe(seconds)

    def _of(self, route: str, method: str, status: int) -> tuple[Counter, Histogram]:
        """The counters of one kind of answer, looked up once."""
        found = self._known.get((route, method, status))
        if found is None:
            found = self._known[route, method, status] = (
                self._requests.labels(self._service, route, method, str(status)),
                self._seconds.labels(self._service, route, method),
            )
        return found
