"""A plan: what may go, under which policy, at which position of the log, with a hash to confirm it by. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from cutlog.contract.base import Wire
from cutlog.contract.profiles import ExportProfile
from services.gc.policy import Policy, Reason, Verdict
from services.gc.roots import Export

#: Keys in order and no spaces, so that equal plans are equal bytes wherever the hash is computed again.
_CANONICAL = msgspec.json.Encoder(order="sorted")


class Candidate(Wire):
    """An export that no rule keeps. `size` in bytes; `reasons` are the rules that let it go."""

    export_id: str
    project_id: str
    version: int
    profile: ExportProfile
    key: str
    size: int
    finished_at: datetime
    reasons: tuple[Reason, ...]


class Basis(Wire):
    """All that a plan's candidates follow from, beside the log up to `position`."""

    tenant: str
    position: int
    policy: Policy
    at: datetime


class PlanHash:
    """SHA-256 of the canonical JSON of `{at, candidates: […], policy, position, tenant}`, one candidate at a time.

    Canonical means: keys sorted, no spaces, UTF-8. Candidates come in the order of the plan.
    """

    def __init__(self, basis: Basis) -> None:
        self._basis = basis
        self._hash = hashlib.sha256(b'{"at":' + _CANONICAL.encode(basis.at) + b',"candidates":[')
        self._count = 0

    def add(self, candidate: Candidate) -> None:
        if self._count:
            self._hash.update(b",")
        self._hash.update(_CANONICAL.encode(candidate))
        self._count += 1

    def hexdigest(self) -> str:
        """The hash of what was added so far; more may follow."""
        ended = self._hash.copy()
        ended.update(b'],"policy":' + _CANONICAL.encode(self._basis.policy))
        ended.update(b',"position":' + _CANONICAL.encode(self._basis.position))
        ended.update(b',"tenant":' + _CANONICAL.encode(self._basis.tenant) + b"}")
        return ended.hexdigest()


def candidate(project_id: str, export: Export, verdict: Verdict) -> Candidate:
    """The line of a plan for an export that was judged a candidate; only ready ones are, and those have a file."""
    assert verdict.verdict == "candidate"
    assert export.key is not None
    assert export.finished_at is not None
    return Candidate(
        export_id=export.export_id,
        project_id=project_id,
        version=export.version,
        profile=export.profile,
        key=export.key,
        size=export.size,
        finished_at=export.finished_at,
        reasons=verdict.reasons,
    )
