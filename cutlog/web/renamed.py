"""Former names of metrics, exposed for one more release because dashboards and alerts use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Metric

BEFORE: Final[Mapping[str, str]] = {
    "cutlog_dead_letters": "dlq_messages",
    "cutlog_gc_forecast_bytes": "gc_forecast_bytes",
    "cutlog_gc_notifications": "gc_notifications",
    "cutlog_gc_plan_bytes": "gc_plan_bytes",
    "cutlog_gc_plans_blocked": "gc_plans_blocked",
    "cutlog_gc_scheduled_plans": "gc_scheduled_plans",
    "cutlog_gc_storage_bytes": "gc_storage_bytes",
    "cutlog_gc_storage_objects": "gc_storage_objects",
    "cutlog_gc_storage_saved_bytes": "gc_storage_saved_bytes",
    "cutlog_http_request_duration_seconds": "http_request_seconds",
    "cutlog_http_requests": "http_requests",
    "cutlog_http_requests_in_flight": "http_requests_in_flight",
    "cutlog_log_append_duration_seconds": "log_append_seconds",
    "cutlog_log_append_events": "log_append_events",
    "cutlog_log_position": "log_position",
    "cutlog_media_corrupt_objects": "media_rotten_objects",
    "cutlog_media_refcount_differences": "media_refcount_differences",
    "cutlog_media_repaired_objects": "media_mended_objects",
    "cutlog_media_verified_bytes": "media_scrubbed_bytes",
    "cutlog_projection_events_applied": "projection_events_applied",
    "cutlog_projection_events_recovered": "projection_gaps_filled",
    "cutlog_projection_events_redelivered": "projection_redelivered",
    "cutlog_projection_foreign_messages": "projection_foreign_messages",
    "cutlog_projection_lag_events": "projection_lag_events",
    "cutlog_projection_position": "projection_position",
    "cutlog_projection_replays": "projection_replays",
    "cutlog_projection_stopped": "projection_stopped",
    "cutlog_relay_foreign_messages": "relay_foreign_messages",
    "cutlog_relay_lag_events": "relay_lag_events",
    "cutlog_relay_leader": "relay_leads",
    "cutlog_relay_stream_rebuilds": "relay_streams_rebuilt",
    "cutlog_render_frames": "render_frames",
    "cutlog_render_job_duration_seconds": "render_seconds",
    "cutlog_render_jobs": "render_jobs",
    "cutlog_render_phase_duration_seconds": "render_phase_seconds",
    "cutlog_render_queue_jobs": "render_queue_jobs",
    "cutlog_render_segments": "render_segments",
    "cutlog_skipped_rows": "skipped_rows",
}  # fmt: skip
"""Name of a metric family → its former name."""
_GAUGES: Final = frozenset({"relay_foreign_messages", "relay_streams_rebuilt"})
"""Counters that were exposed as gauges, without `_total`."""


class WithOldNames:
    """A registry whose renamed metrics are collected under both names."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[Metric]:
        """Every family, and after each that was renamed a copy of it."""
        for family in self._registry.collect():
            yield family
            if (old := BEFORE.get(family.name)) is not None:
                yield _copy(family, old)


def _copy(family: Metric, name: str) -> Metric:
    gauge = name in _GAUGES
    copy = Metric(name, f"Deprecated: use {family.name}", "gauge" if gauge else family.type, family.unit)
    for sample in family.samples:
        suffix = sample.name.removeprefix(family.name)
        if suffix != "_created":
            copy.add_sample(name if gauge else name + suffix, sample.labels, sample.value, sample.timestamp)
    return copy
