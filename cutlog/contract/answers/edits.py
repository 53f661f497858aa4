"""What became of an edit, and how versions differ."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from cutlog.contract.answers.projects import Version
from cutlog.contract.base import Wire

Of = Literal["project", "track", "clip", "effect", "transition", "caption", "marker"]
Kind = Literal["added", "removed", "moved", "shifted", "trimmed", "slipped", "replaced", "set"]


class Loss(Wire):
    """`what` was lost `where` (an id, a track, `timeline`), `count` times; `detail` says it in a sentence."""

    what: str
    where: str
    count: int = 1
    detail: str = ""


class Missing(Wire):
    """A media that a file uses and the tenant does not have, or, if `ambiguous`, has several of by that name."""

    name: str
    id: str = ""
    sha256: str = ""
    clips: int = 1
    reason: Literal["unknown", "ambiguous"] = "unknown"


class Committed(Wire):
    """The version that an edit made, its length in frames, and its position in the log; null for a dry run. `losses`:
    what of its files of captions is not kept, where it had some."""

    version: int
    duration: int
    position: int | None
    losses: tuple[Loss, ...] | UnsetType = UNSET


class ImportedTimeline(Wire):
    """The version that an import made, its length in frames, its position in the log; what the file held and this
    project can't; and media that were missing. A dry run has no position."""

    version: int
    duration: int
    position: int | None
    losses: tuple[Loss, ...]
    missing: tuple[Missing, ...]


class Change(Wire, omit_defaults=True):
    """One difference. `of` and `id` say of what; `clip` where an effect is.

    moved: from and to are `{track, at}`, or the index of a track or an effect. shifted: `clips`, which follow each
    other on a track, all moved `by` frames, as a ripple does. trimmed: `head` and `tail` are the frames that it gained
    at its start and at its end, negative where it lost some. slipped: it shows frames `by` later. replaced: from and to
    are sources. set: `property` was `from` and is `to`. `text` says it all in a sentence.
    """

    change: Kind
    of: Of
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
    """What makes the timeline of version `from` that of version `to`. No changes: they are equal."""

    first: int = msgspec.field(name="from")
    last: int = msgspec.field(name="to")
    changes: list[Change]


class Collision(Wire):
    """A value that the batch touches and that a version it has not seen made another. `pointer` is to the op."""

    pointer: str
    of: str
    id: str
    field: str
    version: int
    detail: str


class Stale(Wire, omit_defaults=True):
    """What the sender has not seen: the newest version, and up to 200 versions after the expected one. `collisions`
    says which of the ops can't be rebased, and why."""

    current_version: int
    missed: tuple[Version, ...]
    collisions: tuple[Collision, ...] = ()
