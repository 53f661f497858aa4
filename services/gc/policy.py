"""The rules: which exports may go, and for each one why, or why not. Pure: time arrives as an argument."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated, Literal

import msgspec

from cutlog.contract.base import Strict, Wire
from services.gc.roots import Export, Project, newest_first

Rule = Literal["not-ready", "pinned", "latest", "keep-latest", "ttl"]


class Policy(Strict):
    """Exports may go that were finished `ttlDays` days ago and are not among their project's `keepLatest` newest."""

    ttl_days: Annotated[int, msgspec.Meta(ge=0, le=36_500, description="days since the export was finished")] = 30
    keep_latest: Annotated[int, msgspec.Meta(ge=0, le=10_000, description="newest ready exports kept per project")] = 3


class Reason(Wire):
    """One rule's word on an export, as a sentence with the numbers in it."""

    rule: Rule
    detail: str


class Verdict(Wire):
    """`kept` names every rule that keeps the export; `candidate` every rule that had a say and let it go."""

    verdict: Literal["kept", "candidate"]
    reasons: tuple[Reason, ...]


def judge(project: Project, policy: Policy, at: datetime) -> Iterator[tuple[Export, Verdict]]:
    """A verdict on each export of a project at the moment `at`: the ready ones newest first, then the others.

    An export is a candidate only if no rule keeps it. In a deleted project neither `latest` nor `keep-latest` keeps
    anything, and the time to live begins at the deletion, so that a restore within it finds every export.
    """
    ranked = newest_first(project.exports)
    highest = max((export.version for export in ranked), default=None)
    for rank, export in enumerate(ranked):
        keeping: list[Reason] = []
        allowing: list[Reason] = []
        for keeps, reason in _rules(project, export, rank, highest, policy, at):
            (keeping if keeps else allowing).append(reason)
        yield (
            export,
            Verdict(verdict="kept", reasons=tuple(keeping))
            if keeping
            else Verdict(verdict="candidate", reasons=tuple(allowing)),
        )
    for export in project.exports:
        if export.status != "ready":
            yield export, Verdict(verdict="kept", reasons=(Reason(rule="not-ready", detail=f"it is {export.status}"),))


def _rules(
    project: Project, export: Export, rank: int, highest: int | None, policy: Policy, at: datetime
) -> Iterator[tuple[bool, Reason]]:
    """Each rule's word on a ready export: whether it keeps it, and the sentence for either case."""
    for pin in project.pins:
        if pin.holds(export, at):
            yield True, Reason(rule="pinned", detail=_pinned(pin.reason, pin.expires_at))
    if project.deleted_at is None:
        if rank == 0:
            yield True, Reason(rule="latest", detail="it is the export of the project that was finished last")
        elif export.version == highest:
            yield True, Reason(rule="latest", detail=f"no later version than {highest} is exported")
        yield (
            rank < policy.keep_latest,
            Reason(rule="keep-latest", detail=f"{rank} newer ready exports; keepLatest is {policy.keep_latest}"),
        )
    start = max(filter(None, (export.finished_at, project.deleted_at)))
    expires = start + timedelta(days=policy.ttl_days)
    since = "the project was deleted" if start == project.deleted_at else "finished"
    yield (
        at < expires,
        Reason(rule="ttl", detail=f"{since} {_moment(start)}; ttlDays {policy.ttl_days} end {_moment(expires)}"),
    )


def _pinned(reason: str | None, expires_at: datetime | None) -> str:
    until = f"until {_moment(expires_at)}" if expires_at else "until it is unpinned"
    return until + (f": {reason}" if reason else "")


def _moment(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")
