"""Garbage collection: policies, plans, and the word of rules on an object."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from cutlog.contract.base import Strict, Wire
from cutlog.contract.ids import Id
from cutlog.contract.profiles import ExportProfile

Class = Literal["export", "proxy", "segment", "preview", "video", "leftover"]
Rule = Literal[
    "not-ready", "pinned", "held", "tagged", "latest", "keep-latest", "min-age", "ttl", "grace", "erasure", "in-use",
    "referenced", "leased",
]  # fmt: skip

Days = Annotated[int, msgspec.Meta(ge=0, le=36_500)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
Hours = Annotated[int, msgspec.Meta(ge=0, le=876_000)]
Fraction = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Scope(Strict):
    """Other numbers for one project; what is not given is the tenant's."""

    project_id: Id
    ttl_days: Days | None = None
    keep_latest: Count | None = None
    keep_tagged: bool | None = None
    min_age_hours: Hours | None = None
    proxy_ttl_days: Days | None = None


class Policy(Strict):
    """What may go when.

    Exports: finished `ttlDays` days ago and not among their project's `keepLatest` newest. Proxies: rendered
    `proxyTtlDays` days ago and not the newest. Segments: not written for `segmentTtlDays` days, and of no film that is
    kept. Previews, which are frames and thumbnails that a viewer asked for: written `previewTtlDays` days ago. Videos:
    let go, or left by their last project, `ttlDays` days ago. Nothing goes before `minAgeHours` hours, and no export of
    a version with a message while `keepTagged`. What is archived may be deleted after `archiveGraceDays` days. In one
    run, at most `maxDeleteFraction` of all objects of a class are deleted, by number and by bytes; one always may be,
    unless that is 0. `schedule` is a cron line in UTC, empty for none: then a plan is calculated, and somebody told.
    `scope` has other numbers for projects.
    """

    ttl_days: Annotated[Days, msgspec.Meta(description="days since the export was finished")] = 30
    keep_latest: Annotated[Count, msgspec.Meta(description="newest ready exports kept per project")] = 3
    proxy_ttl_days: Days = 7
    segment_ttl_days: Days = 14
    preview_ttl_days: Days = 7
    archive_grace_days: Days = 7
    max_delete_fraction: Fraction = 0.2
    schedule: Annotated[str, msgspec.Meta(max_length=100)] = "0 3 * * 0"
    scope: Annotated[tuple[Scope, ...], msgspec.Meta(max_length=1000)] = ()
    keep_tagged: bool = True
    min_age_hours: Hours = 0


class Reason(Wire):
    """One rule's word on an object, as a sentence with the numbers in it."""

    rule: Rule
    detail: str


class Verdict(Wire):
    """`kept` names every rule that keeps the object; `candidate` every rule that had a say and let it go."""

    verdict: Literal["kept", "candidate"]
    reasons: tuple[Reason, ...]


class Candidate(Wire):
    """An object that no rule keeps. `size` in bytes, of its own: what it shares with others is not in it. `reasons` are
    the rules that let it go. `exportId` names an export, `id` an object of any class; `finishedAt` is when it was last
    written."""

    id: str
    class_: Class = msgspec.field(name="class")
    key: str
    size: int
    finished_at: datetime
    reasons: tuple[Reason, ...]
    export_id: str | None = None
    project_id: str | None = None
    version: int | None = None
    profile: ExportProfile | None = None


class Plan(Wire):
    """A frozen plan. `bytes` would be freed by all `candidateCount` candidates; the first of them follow.

    `next` is a cursor for the list of candidates where there are more. A `simulated` plan was made for a date of the
    caller's choice and is for reading only.
    """

    plan_id: str
    plan_hash: str
    position: int
    policy: Policy
    at: datetime
    simulated: bool
    candidate_count: int
    kept_count: int
    bytes: int
    candidates: list[Candidate]
    next: str | None = None
