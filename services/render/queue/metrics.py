"""What a dashboard wants to know of rendering."""

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
    """Jobs by how they ended, frames and segments by how they came to be, seconds from claim to file and of each phase;
    and, once `look` was awaited, what waits."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._jobs = Counter("render_jobs", "Jobs that this process ended", ["kind", "result"], registry=registry)
        self._frames = Counter("render_frames", "Frames of finished films", ["kind", "how"], registry=registry)
        self._seconds = Histogram(
            "render_seconds", "From claiming a job to its film", ["kind"], buckets=_SECONDS, registry=registry
        )
        self._phases = Histogram(
            "render_phase_seconds", "Of a film: plan, look, encode, sound, stitch, store", ["phase"], buckets=_SECONDS,
            registry=registry,
        )  # fmt: skip
        self._segments = Counter(
            "render_segments", "Segments and chunks of sound that films needed", ["how"], registry=registry
        )
        self._queue = Gauge("render_queue_jobs", "Jobs that have not ended", ["kind", "status"], registry=registry)
        self._dead = Gauge("dlq_messages", "Dead letters", registry=registry)

    def done(self, job: Job, output: Output, seconds: float) -> None:
        self._jobs.labels(job.kind, "done").inc()
        self._frames.labels(job.kind, "encoded").inc(output.encoded)
        self._frames.labels(job.kind, "reused").inc(max(0, output.frames - output.encoded))
        self._seconds.labels(job.kind).observe(seconds)

    def failed(self, job: Job, *, again: bool) -> None:
        self._jobs.labels(job.kind, "retried" if again else "failed").inc()

    def film(self, phases: Mapping[str, float], found: int, made: int) -> None:
        """A film was made: seconds by phase; parts of it that the cache had, and those that had to be made."""
        for phase, seconds in phases.items():
            self._phases.labels(phase).observe(seconds)
        self._segments.labels("found").inc(found)
        self._segments.labels("made").inc(made)

    async def look(self, engine: AsyncEngine, bus: Bus) -> None:
        """Counts what waits. What can't be asked is not told."""
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
