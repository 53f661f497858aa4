"""What ops makes on NATS: the streams besides EVENTS, which is the relay's, and each service's consumers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from cutlog.bus.streams import (
    ConsumerConfig,
    StreamConfig,
    dead_letters,
    job_consumer,
    jobs,
    projection_consumer,
)
from cutlog.contract.subjects import EVENTS, EXPORT_JOBS, EXPORT_WORKERS, JOBS, PROXY_JOBS, PROXY_WORKERS

STREAMS: Final[Sequence[StreamConfig]] = (jobs(), dead_letters())
CONSUMERS: Final[Mapping[str, Mapping[tuple[str, str], ConsumerConfig]]] = {
    "media": {(EVENTS, "media"): projection_consumer("media")},
    "render": {
        (EVENTS, "render"): projection_consumer("render"),
        (JOBS, PROXY_WORKERS): job_consumer(PROXY_WORKERS, f"{PROXY_JOBS}.>"),
        (JOBS, EXPORT_WORKERS): job_consumer(EXPORT_WORKERS, f"{EXPORT_JOBS}.>"),
    },
    "gc": {(EVENTS, "gc"): projection_consumer("gc")},
}
