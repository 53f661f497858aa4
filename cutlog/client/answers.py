"""Answers of the API, as far as the client uses them. Unknown keys are ignored."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from cutlog.contract.base import Wire
from cutlog.contract.media import MediaFacts
from cutlog.contract.timeline import Canvas


class Brought(Wire):
    """A row of another store that a video was imported from; `alias` is another id of the video."""

    legacy_id: str
    alias: str | None = None
    name: str | None = None
    created_at: datetime | None = None
    metadata: dict[str, Any] | None = None


class Video(Wire):
    """`status`: processing, ready, failed. `size` in bytes; `imported`: the rows that it was imported from."""

    id: str
    sha256: str
    size: int
    name: str
    ref_count: int
    status: str
    kind: str
    duplicate: bool = False
    facts: MediaFacts | None = None
    created_at: datetime | None = None
    imported: tuple[Brought, ...] = ()


class NotExamined(Wire):
    """A video that could not be re-examined, and why."""

    id: str
    reason: str


class Examination(Wire):
    """Progress of the re-examination of videos: `begun` by this request, `waiting` in all, `outdated` if an earlier
    release examined them, and some that `failed`."""

    begun: int
    waiting: int
    outdated: int
    failed: tuple[NotExamined, ...] = ()


class Origin(Wire):
    """The version of the project that a fork started from."""

    project_id: str
    version: int


class Imported(Wire):
    """The store that a project was imported from; its ops could not be translated from version `kept_from` on."""

    source: str
    legacy_id: str
    kept_from: int | None = None
    why: str | None = None


class Project(Wire):
    """`duration` in frames of the canvas's rate; `origin` of a fork only; `metadata` comes from another store."""

    id: str
    name: str
    canvas: Canvas
    current_version: int
    duration: int
    latest_proxy_key: str | None = None
    latest_proxy_version: int | None = None
    latest_export_key: str | None = None
    latest_export_version: int | None = None
    origin: Origin | None = None
    imported: Imported | None = None
    metadata: dict[str, Any] | None = None
    created_at: datetime | None = None


class Committed(Wire):
    """A created version. `duration` in frames; `position` is that of its event in the log, null for a dry run."""

    version: int
    duration: int
    position: int | None


class Edit(Wire):
    """A version with its ops as the client sent them; `legacy` are ops of another store that could not be translated,
    and `why` says for what reason."""

    version: int
    position: int
    at: datetime
    actor: str
    message: str | None
    ops: tuple[dict[str, Any], ...]
    legacy: tuple[dict[str, Any], ...] = ()
    why: str | None = None


Missed = Edit


class Fault(Wire):
    """An invalid value: a JSON pointer into the request, and what is wrong."""

    pointer: str
    detail: str


class Collision(Wire):
    """An object that the edit changes and a version unknown to its author changed, too. `pointer` names the op."""

    pointer: str
    of: str
    id: str
    field: str
    version: int
    detail: str


class Change(Wire):
    """A difference; `text` describes it in a sentence. The other members are those of `GET …/diff`."""

    change: str
    of: str
    id: str
    text: str
    clip: str | None = None
    property: str | None = None
    before: Any = msgspec.field(name="from", default=None)
    after: Any = msgspec.field(name="to", default=None)
    by: int | None = None
    head: int | None = None
    tail: int | None = None
    clips: tuple[str, ...] = ()


class Diff(Wire):
    """The changes from the timeline of version `first` to that of version `last`."""

    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")
    changes: tuple[Change, ...]


class Proxy(Wire):
    """`status`: none, queued, rendering, ready, failed, superseded. `progress` is 0 to 1. `waits_for` an hourly budget
    that is used up, and `waits_until` it is reset."""

    status: str
    progress: float | None = None
    key: str | None = None
    url: str | None = None
    waits_for: str | None = None
    waits_until: datetime | None = None


class Export(Wire):
    """`status`: queued, rendering, ready, failed, cancelled, archived, deleted. `size` in bytes, `progress` 0 to 1."""

    id: str
    project_id: str
    version: int
    profile: str
    status: str
    progress: float | None = None
    frames_done: int | None = None
    frames_total: int | None = None
    speed: float | None = None
    eta_seconds: float | None = None
    key: str | None = None
    size: int | None = None
    sha256: str | None = None
    pinned: bool = False
    error: Any = None
    url: str | None = None
    created_at: datetime | None = None
    metadata: dict[str, Any] | None = None


class Version(Wire):
    version: int
    proxy: Proxy
    message: str | None = None
    exports: tuple[Export, ...] = ()


class Reason(Wire):
    rule: str
    detail: str


class Candidate(Wire):
    """An export that can be deleted, and why. `size` in bytes."""

    export_id: str
    project_id: str
    version: int
    profile: str
    key: str
    size: int
    finished_at: datetime
    reasons: tuple[Reason, ...]


class Plan(Wire):
    """A frozen list of what can be deleted, `bytes` in all. `candidates` are the first of `candidate_count`."""

    plan_id: str
    plan_hash: str
    position: int
    at: datetime
    candidate_count: int
    kept_count: int
    bytes: int
    candidates: tuple[Candidate, ...]


class Verdict(Wire):
    """`verdict`: kept or candidate."""

    verdict: str
    reasons: tuple[Reason, ...]
