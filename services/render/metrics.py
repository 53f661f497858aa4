"""What a dashboard wants to know of rendering."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from cutlog.contract.commands import Output
from services.render.jobs import Job

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)


class RenderMetrics:
    """Jobs by how they ended, frames by how they came to be, seconds from claim to file."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._jobs = Counter("render_jobs", "Jobs that this process ended", ["kind", "result"], registry=registry)
        self._frames = Counter("render_frames", "Frames of finished films", ["kind", "how"], registry=registry)
        self._seconds = Histogram(
            "render_seconds", "From claiming a job to its film", ["kind"], buckets=_SECONDS, registry=registry
        )

    def done(self, job: Job, output: Output, seconds: float) -> None:
        self._jobs.labels(job.kind, "done").inc()
        self._frames.labels(job.kind, "encoded").inc(output.encoded)
        self._frames.labels(job.kind, "reused").inc(max(0, output.frames - output.encoded))
        self._seconds.labels(job.kind).observe(seconds)

    def failed(self, job: Job, *, again: bool) -> None:
        self._jobs.labels(job.kind, "retried" if again else "failed").inc()
