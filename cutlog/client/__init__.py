"""A small client of cutlog's HTTP API: typed answers, ops as classes, and retries without side effects."""

from cutlog.client.client import Client
from cutlog.client.errors import (
    ClientError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    TooLarge,
    Unauthorized,
    Unreachable,
    VersionConflict,
)
from cutlog.client.events import ProjectEvent
from cutlog.contract.answers.collection import Candidate, Plan, Policy, Verdict
from cutlog.contract.answers.drafts import Draft
from cutlog.contract.answers.edits import Change, Collision, Committed, Diff
from cutlog.contract.answers.problems import ProblemError as Fault
from cutlog.contract.answers.projects import Export, Origin, Pinned, Project, Proxy
from cutlog.contract.answers.projects import Version as Edit
from cutlog.contract.answers.projects import VersionShown as Version
from cutlog.contract.answers.videos import Examination, Video

__all__ = [
    "Candidate",
    "Change",
    "Client",
    "ClientError",
    "Collision",
    "Committed",
    "Conflict",
    "Diff",
    "Draft",
    "Edit",
    "Examination",
    "Export",
    "Fault",
    "Forbidden",
    "Invalid",
    "NotFound",
    "Origin",
    "Pinned",
    "Plan",
    "Policy",
    "Project",
    "ProjectEvent",
    "Proxy",
    "Refused",
    "TooLarge",
    "Unauthorized",
    "Unreachable",
    "Verdict",
    "Version",
    "VersionConflict",
    "Video",
]
