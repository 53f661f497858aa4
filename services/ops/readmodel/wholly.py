"""Appends that one statement does with all of their rows: new versions that change nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeGuard

from msgspec import UNSET

from cutlog.contract.events import EventData, VersionCommitted
from services.ops.log.records import Append, Whole
from services.ops.readmodel.sql import statement

_APPEND: Final = statement("call_append_versions")
_MORE: Final = frozenset({"project.configure", "history.revert"})
"""Ops after which the row of the project changes beyond its version."""


def wholly(appends: Sequence[Append]) -> Whole | None:
    """The statement, if that is what all of them are. Of such a version `guard` has nothing to say."""
    versions = [event for append in appends for event in append.events if _is_plain(event)]
    if len(versions) < sum(len(append.events) for append in appends):
        return None
    return Whole(
        _APPEND,
        (
            [version.version for version in versions],
            [version.duration for version in versions],
            [version.digest for version in versions],
        ),
    )


def _is_plain(event: EventData) -> TypeGuard[VersionCommitted]:
    return (
        isinstance(event, VersionCommitted)
        and not event.media_added
        and event.imported is UNSET
        and event.undoes is UNSET
        and event.gesture is UNSET
        and not any(op.get("op") in _MORE for op in event.ops)
    )
