"""NATS: connections, requests, commands, projections with checkpoints, jobs, micro services."""

from cutlog.bus.connection import Bus
from cutlog.bus.consumer import consume
from cutlog.bus.errors import ApiError, BusError, BusUnavailable
from cutlog.bus.jobs import Delivered, JobQueue, Poison, Retry
from cutlog.bus.micro import EndpointError, micro
from cutlog.bus.outbox import Outbox
from cutlog.bus.projection import Projection

__all__ = [
    "ApiError",
    "Bus",
    "BusError",
    "BusUnavailable",
    "Delivered",
    "EndpointError",
    "JobQueue",
    "Outbox",
    "Poison",
    "Projection",
    "Retry",
    "consume",
    "micro",
]
