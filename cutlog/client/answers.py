"""What the API answers, as far as the client reads it. Keys that it does not know are passed over."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from cutlog.contract.base import Wire
from cutlog.contract.media import MediaFacts
from cutlog.contract.timeline import Canvas


class Brought(Wire):
    """A row of another store that a video came from; `alias` is an id that leads to the video as well."""

    legacy_id: str
    alias: str | None = None
    name: str | None = None
    created_at: datetime | None = None
    metadata: dict[str, Any] | None = None


class Video(Wire):
    """`status`: processing, ready, failed. `size` in bytes; `imported`: the rows of other stores that it came from."""

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
    """A video that stays as it was, and why."""

    id: str
    reason: str


class Examination(Wire):
    """How far videos are examined again: `begun` by this request, `waiting` in all, `outdated` since an earlier release
    examined them, and some that `failed`."""

    begun: int
    waiting: int
    outdated: int
    failed: tuple[NotExamined, ...] = ()


class Origin(Wire):
    """The version of the project that a fork started from."""

    project_id: str
    version: int


class Imported(Wire):
    """Which store a project came from; from version `kept_from` on its ops could not be translated."""

    source: str
    legacy_id: str
    kept_from: int | None = None
    why: str | None = None


class Project(Wire):
    """`duration` in frames of the canvas's rate; `origin` of a fork only; `metadata` is what another store said."""

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
    """A version that was made. `duration` in frames; `position` is that of its event in the log, null for a dry run."""

    version: int
    duration: int
    position: int | None


class Edit(Wire):
    """A version as it was appended, with its ops as the client sent them; `legacy` are ops of another store that could
    not be translated, and `why` not."""

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
    """What is wrong, and where: a JSON pointer into the request."""

    pointer: str
    detail: str


class Collision(Wire):
    """What an edit touches and a version that its author has not seen changed. `pointer` is to the op."""

    pointer: str
    of: str
    id: str
    field: str
    version: int
    detail: str


class Change(Wire):
    """A difference; `text` says it in a sentence. The other members are those of `GET …/diff`."""

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
    """What makes the timeline of version `first` that of version `last`."""

    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")
    changes: tuple[Change, ...]


class Proxy(Wire):
    """`status`: none, queued, rendering, ready, failed, superseded. `progress` is 0 to 1."""

    status: str
    progress: float | None = None
    key: str | None = None
    url: str | None = None


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
    """An export that may go, and why. `size` in bytes."""

    export_id: str
    project_id: str
    version: int
    profile: str
    key: str
    size: int
    finished_at: datetime
    reasons: tuple[Reason, ...]


class Plan(Wire):
    """A frozen list of what may go; `bytes` in all. `candidates` are the first of `candidate_count`."""

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
