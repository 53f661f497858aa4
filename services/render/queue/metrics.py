"""Metrics of the render service."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from nats.errors import Error as NatsError
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus import Bus, BusError
from cutlog.bus.streams import stream_info
from cutlog.contract.commands import Output
from cutlog.contract.subjects import DLQ
from cutlog.db.failures import DATABASE_ERRORS
from services.render.queue import jobs
from services.render.queue.jobs import Job

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)


class RenderMetrics:
    """Jobs by result, frames and segments by origin, seconds per job and per phase, and, after `look`, the queue."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._jobs = Counter(
            "cutlog_render_jobs", "Render jobs that this process finished", ["kind", "result"], registry=registry
        )
        self._frames = Counter(
            "cutlog_render_frames", "Frames of finished renders, encoded or reused", ["kind", "how"], registry=registry
        )
        self._seconds = Histogram(
            "cutlog_render_job_duration_seconds",
            "Seconds from claiming a job to the finished file",
            ["kind"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._phases = Histogram(
            "cutlog_render_phase_duration_seconds", "Seconds of each phase of a render", ["phase"], buckets=_SECONDS,
            registry=registry,
        )  # fmt: skip
        self._segments = Counter(
            "cutlog_render_segments",
            "Video segments and audio chunks that renders needed, found in the cache or made",
            ["how"],
            registry=registry,
        )
        self._queue = Gauge(
            "cutlog_render_queue_jobs", "Render jobs that have not finished", ["kind", "status"], registry=registry
        )
        self._dead = Gauge("cutlog_dead_letters", "Messages in the dead-letter stream", registry=registry)

    def done(self, job: Job, output: Output, seconds: float) -> None:
        self._jobs.labels(job.kind, "done").inc()
        self._frames.labels(job.kind, "encoded").inc(output.encoded)
        self._frames.labels(job.kind, "reused").inc(max(0, output.frames - output.encoded))
        self._seconds.labels(job.kind).observe(seconds)

    def failed(self, job: Job, *, again: bool) -> None:
        self._jobs.labels(job.kind, "retried" if again else "failed").inc()

    def film(self, phases: Mapping[str, float], found: int, made: int) -> None:
        """A render finished: seconds by phase, parts found in the cache, parts made."""
        for phase, seconds in phases.items():
            self._phases.labels(phase).observe(seconds)
        self._segments.labels("found").inc(found)
        self._segments.labels("made").inc(made)

    async def look(self, engine: AsyncEngine, bus: Bus) -> None:
        """Counts queued jobs and dead letters. What cannot be reached keeps its last value."""
        with suppress(*DATABASE_ERRORS):
            async with engine.connect() as connection:
                counted = await jobs.counts(connection)
            self._queue.clear()
            for name, count in counted.items():
                kind, _, status = name.partition(".")
                if status in ("waiting", "queued", "admitted", "running"):
                    self._queue.labels(kind, status).set(count)
        with suppress(BusError, NatsError, TimeoutError):
            info = await stream_info(bus, DLQ)
            self._dead.set(info["state"]["messages"] if info is not None else 0)
