"""What services answer to each other, and to a backfill."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from cutlog.contract.base import Strict, Wire
from cutlog.contract.media import MediaFacts, MediaKind


class KeptOp(Wire):
    """An op that could not be translated: what it says that it is, and why not."""

    kind: str
    why: str
    op: dict[str, Any]


class Kept(Wire):
    """A version with ops that are kept as they were written, and why. With `live` the timeline goes on without them.
    `ops` are those that could not be translated; so many more are kept `with_them`."""

    version: int
    why: str
    live: bool = False
    ops: tuple[KeptOp, ...] = ()
    with_them: int = 0


class Landed(Wire):
    """The version and duration in frames at which a project is now, how many versions this page added, and which of
    the page's could not be translated. `began`: by this run; `touched`: no other has brought more since."""

    version: int
    duration: int
    added: int
    began: bool
    touched: bool
    kept: tuple[Kept, ...] = ()


class Rehearsed(Strict):
    """What a video is that a dry run looked into, and that is not here."""

    kind: MediaKind
    facts: MediaFacts


class Taken(Wire):
    """Under which id the video is here, and how many uploads of it there are now. `added`: its bytes were not here.
    `counted`: its uploads were counted now, and not when it was sent before. `rehearsed` by a dry run only, of a video
    that is not here."""

    id: str
    ref_count: int
    added: bool
    counted: bool = True
    rehearsed: Rehearsed | UnsetType = UNSET


class Undone(Wire):
    """How many uploads were taken back."""

    uploads: int


class Object(Wire):
    """The key of an object."""

    key: str


class Marked(Wire):
    """Exports of a project that are marked, or in the archive, and not pinned."""

    export_ids: tuple[str, ...]
