"""A plan: what may go, under which policy, at which position of the log, with a hash to confirm it by. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime

import msgspec

from cutlog.contract.answers.collection import Candidate, Class, Policy, Verdict
from cutlog.contract.base import Wire
from services.gc.rules.classes import Bare, Segment, proxy_id
from services.gc.rules.roots import Export, Media, Proxy

#: Keys in order and no spaces, so that equal plans are equal bytes wherever the hash is computed again.
_CANONICAL = msgspec.json.Encoder(order="sorted")


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

    def add(self, candidate: Candidate) -> bytes:
        """Adds a candidate; its canonical JSON."""
        line = _CANONICAL.encode(candidate)
        if self._count:
            self._hash.update(b",")
        self._hash.update(line)
        self._count += 1
        return line

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
        id=export.export_id, class_="export", export_id=export.export_id, project_id=project_id,
        version=export.version, profile=export.profile, key=export.key, size=export.size,
        finished_at=export.finished_at, reasons=verdict.reasons,
    )  # fmt: skip


def proxy_candidate(project_id: str, proxy: Proxy, verdict: Verdict) -> Candidate:
    """The line of a plan for a proxy."""
    return Candidate(
        id=proxy_id(project_id, proxy.version), class_="proxy", project_id=project_id, version=proxy.version,
        key=proxy.key, size=proxy.size, finished_at=proxy.rendered_at, reasons=verdict.reasons,
    )  # fmt: skip


def video_candidate(media: Media, verdict: Verdict) -> Candidate:
    """The line of a plan for a video, with all that was made from it."""
    return Candidate(
        id=media.media_id, class_="video", key=media.key, size=media.size + media.derived,
        finished_at=media.uploaded_at, reasons=verdict.reasons,
    )  # fmt: skip


def object_candidate(class_: Class, found: Segment | Bare, verdict: Verdict) -> Candidate:
    """The line of a plan for an object that has no other name than its key."""
    return Candidate(
        id=found.key, class_=class_, key=found.key, size=found.size, finished_at=found.written_at,
        reasons=verdict.reasons,
    )  # fmt: skip
