"""A small client of cutlog's HTTP API: typed answers, retries that never do a thing twice."""

from cutlog.client.answers import Candidate, Committed, Export, Plan, Project, Proxy, Version, Video
from cutlog.client.client import Client
from cutlog.client.transport import Refused, Unreachable

__all__ = [
    "Candidate",
    "Client",
    "Committed",
    "Export",
    "Plan",
    "Project",
    "Proxy",
    "Refused",
    "Unreachable",
    "Version",
    "Video",
]
