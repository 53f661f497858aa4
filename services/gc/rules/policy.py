"""The rules: which exports may go, and for each one why, or why not. Pure: time arrives as an argument."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import msgspec

from cutlog.contract.answers.collection import Policy, Reason, Verdict
from services.gc.rules.roots import Export, Pin, Project, newest_first

Said = tuple[bool, Reason]
"""A rule's word: whether it keeps the object, and the sentence for either case."""


def policy_of(policy: Policy, project_id: str) -> Policy:
    """The numbers that count for a project."""
    for scope in policy.scope:
        if scope.project_id == project_id:
            given = {name: value for name, value in msgspec.structs.asdict(scope).items() if value is not None}
            del given["project_id"]
            return msgspec.structs.replace(policy, **given)
    return policy


def verdict_of(said: Iterator[Said]) -> Verdict:
    """Kept if any rule keeps it."""
    keeping: list[Reason] = []
    allowing: list[Reason] = []
    for keeps, reason in said:
        (keeping if keeps else allowing).append(reason)
    if keeping:
        return Verdict(verdict="kept", reasons=tuple(keeping))
    return Verdict(verdict="candidate", reasons=tuple(allowing))


class Ready(msgspec.Struct, frozen=True):
    """A ready export and all that is asked about it: how many ready ones of its project are `newer`, and the `highest`
    version of those; pins of the project; when that was deleted, and whether it is to be erased; the version's
    `message`."""

    export: Export
    newer: int
    highest: int
    pins: tuple[Pin, ...] = ()
    deleted_at: datetime | None = None
    message: str | None = None
    erasing: bool = False


def judge(
    project: Project, policy: Policy, at: datetime, erase: frozenset[str] = frozenset()
) -> Iterator[tuple[Export, Verdict]]:
    """A verdict on each export of a project at the moment `at`: the ready ones newest first, then the others.

    An export is a candidate only if no rule keeps it. In a deleted project neither `latest` nor `keep-latest` keeps
    anything, and the time to live begins at the deletion, so that a restore within it finds every export. Where
    deleted projects are to be erased (`erase`: their ids, or `*`), only a hold keeps.
    """
    policy = policy_of(policy, project.project_id)
    erasing = project.deleted_at is not None and bool(erase & {project.project_id, "*"})
    ranked = newest_first(project.exports)
    highest = max((export.version for export in ranked), default=0)
    for newer, export in enumerate(ranked):
        message = project.tagged.get(export.version)
        yield (
            export,
            judge_ready(Ready(export, newer, highest, project.pins, project.deleted_at, message, erasing), policy, at),
        )
    for export in project.exports:
        if export.status != "ready":
            yield export, Verdict(verdict="kept", reasons=(Reason(rule="not-ready", detail=f"it is {export.status}"),))


def judge_ready(facts: Ready, policy: Policy, at: datetime) -> Verdict:
    """A verdict on a ready export, by the policy that counts in its project."""
    return verdict_of(_erased(facts, at) if facts.erasing else _rules(facts, policy, at))


def judge_deletion(
    project: Project, export: Export, policy: Policy, at: datetime, erase: frozenset[str] = frozenset()
) -> Verdict:
    """A verdict on deleting an archived export: its grace is over, and no pin was set meanwhile."""
    if export.status != "archived":
        return Verdict(verdict="kept", reasons=(Reason(rule="not-ready", detail=f"it is {export.status}"),))
    erasing = project.deleted_at is not None and bool(erase & {project.project_id, "*"})
    return verdict_of(_last_word(project, export, policy_of(policy, project.project_id), at, erasing))


def _last_word(project: Project, export: Export, policy: Policy, at: datetime, erasing: bool) -> Iterator[Said]:
    yield from _pins(project.pins, export, at, only_holds=erasing)
    if erasing:
        yield False, Reason(rule="erasure", detail="the project is deleted and its erasure was requested")
        return
    # One that came from a legacy store as archived has been so since it was made.
    since = export.archived_at or export.finished_at
    assert since is not None, "an archived export was finished"
    ends = since + timedelta(days=policy.archive_grace_days)
    days = policy.archive_grace_days
    detail = f"archived {moment(since)}; archiveGraceDays {days} end {moment(ends)}"
    yield at < ends, Reason(rule="grace", detail=detail)


def _erased(facts: Ready, at: datetime) -> Iterator[Said]:
    yield from _pins(facts.pins, facts.export, at, only_holds=True)
    yield False, Reason(rule="erasure", detail="the project is deleted and its erasure was requested")


def _rules(facts: Ready, policy: Policy, at: datetime) -> Iterator[Said]:
    """Each rule's word on a ready export."""
    export, newer, deleted_at = facts.export, facts.newer, facts.deleted_at
    yield from _pins(facts.pins, export, at)
    if deleted_at is None:
        if policy.keep_tagged and facts.message is not None:
            yield True, Reason(rule="tagged", detail=f"its version is a checkpoint: {facts.message}")
        if newer == 0:
            yield True, Reason(rule="latest", detail="it is the export of the project that was finished last")
        elif export.version == facts.highest:
            yield True, Reason(rule="latest", detail=f"no later version than {facts.highest} is exported")
        yield (
            newer < policy.keep_latest,
            Reason(rule="keep-latest", detail=f"{newer} newer ready exports; keepLatest is {policy.keep_latest}"),
        )
    assert export.finished_at is not None, "a ready export was finished"
    if policy.min_age_hours:
        yield min_age(export.finished_at, policy, at)
    start = export.finished_at if deleted_at is None else max(export.finished_at, deleted_at)
    since = "the project was deleted" if start == deleted_at else "finished"
    yield ttl(since, start, "ttlDays", policy.ttl_days, at)


def _pins(pins: Iterable[Pin], export: Export, at: datetime, *, only_holds: bool = False) -> Iterator[Said]:
    for pin in pins:
        if pin.holds(export, at) and not (only_holds and pin.mode == "normal"):
            yield True, Reason(rule="held" if pin.mode == "hold" else "pinned", detail=_pinned(pin))


def ttl(since: str, start: datetime, name: str, days: int, at: datetime) -> Said:
    """The word of a time to live of so many days."""
    expires = start + timedelta(days=days)
    return at < expires, Reason(rule="ttl", detail=f"{since} {moment(start)}; {name} {days} end {moment(expires)}")


def min_age(start: datetime, policy: Policy, at: datetime) -> Said:
    """The word of the minimum age."""
    ends = start + timedelta(hours=policy.min_age_hours)
    detail = f"made {moment(start)}; minAgeHours {policy.min_age_hours} end {moment(ends)}"
    return at < ends, Reason(rule="min-age", detail=detail)


def _pinned(pin: Pin) -> str:
    until = f"until {moment(pin.expires_at)}" if pin.expires_at else "until it is unpinned"
    by = f" by {pin.owner}" if pin.owner else ""
    return until + by + (f": {pin.reason}" if pin.reason else "")


def moment(at: datetime) -> str:
    """A moment as sentences give it."""
    return f"{at.astimezone(UTC).isoformat(' ', 'seconds')[:19]} UTC"
