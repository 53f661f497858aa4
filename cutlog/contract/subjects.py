"""Names on NATS."""

from __future__ import annotations

from typing import Final

EVENTS: Final = "EVENTS"
JOBS: Final = "JOBS"
DLQ: Final = "DLQ"

#: Followed by `.<tenant>.<project>`.
PROXY_JOBS: Final = "job.render.hi"
EXPORT_JOBS: Final = "job.render.lo"
#: Consumers of JOBS: whoever works on a kind of job shares one.
PROXY_WORKERS: Final = "render-proxy"
EXPORT_WORKERS: Final = "render-export"

EVENTS_READ: Final = "ops.events.read"
COMMANDS: Final = "ops.cmd.>"
PROGRESS: Final = "progress.>"
RENDER_PROXY: Final = "render.cmd.proxy"
#: ops says to all that keys or revocations have changed; core NATS, without content.
ACCESS_CHANGED: Final = "access.changed"


def replayed(target: str, subject: str) -> str:
    """The subject on which an event comes once more for a `target`."""
    return f"replay.{target}.{subject}"


def event(stream: str, type_: str) -> str:
    """The subject of an event of `<category>.<id>`."""
    return f"evt.{stream}.{type_}"


def project_stream(project_id: str) -> str:
    """The stream of a project's events."""
    return f"project.{project_id}"


def media_stream(media_id: str) -> str:
    """The stream of a media's events."""
    return f"media.{media_id}"


def run_stream(run_id: str) -> str:
    """The stream of a garbage collection run's events."""
    return f"gc.{run_id}"


def usage_stream(tenant: str) -> str:
    """The stream of what a tenant used."""
    return f"usage.{tenant}"


def command(source: str, type_: str) -> str:
    """Where a service sends a command to ops."""
    return f"ops.cmd.{source}.{type_}"


def progress(project_id: str) -> str:
    """Render progress of a project: core NATS, not stored."""
    return f"progress.{project_id}"


def dead_letter(subject: str) -> str:
    """Where a message goes that can't be handled."""
    return f"dlq.{subject}"
