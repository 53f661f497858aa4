"""What no stream alone can promise: a version never begins to use a media whose last upload is gone, the last upload of
a media in use never goes, and its file never while a project holds on to it. Appends stand in one line, so what is
looked up stays true until they commit; what ends a media is never in a transaction with what another stream says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.envelope import Event
from cutlog.contract.events import (
    MediaArchived,
    MediaDeleted,
    MediaReleased,
    ProjectCreated,
    ProjectForked,
    VersionCommitted,
)
from services.ops.decide.refusals import MediaGoneError, MediaInUseError
from services.ops.errors import OpsError
from services.ops.readmodel.sql import statement

_ABSENT: Final = statement("absent_media")
_COUNT_USES: Final = statement("count_uses")
_COUNT_LIVING: Final = statement("count_living_uses")


class GoesAloneError(OpsError):
    """What ends a media waits until the appends beside it are committed: rows do not tell of them yet."""


async def guard(connection: AsyncConnection, events: Sequence[Event]) -> None:
    """Runs in the transaction of one append or several, before rows are derived. Raises MediaGoneError,
    MediaInUseError; and GoesAloneError, after which the log writes each append in a transaction of its own."""
    if len({event.stream for event in events}) > 1 and any(map(_ends, events)):
        raise GoesAloneError
    beginning = ProjectCreated | ProjectForked | VersionCommitted
    uses = [event.data.media_added for event in events if isinstance(event.data, beginning)]
    added = sorted({media_id for media in uses for media_id in media})
    if added:
        absent = (await connection.exec_driver_sql(_ABSENT, (added,))).scalar_one_or_none()
        if absent is not None:
            raise MediaGoneError(f"Media {absent} no longer exists.")
    for event in events:
        if isinstance(event.data, MediaReleased) and event.data.ref_count <= 0:
            count = (await connection.exec_driver_sql(_COUNT_USES, (event.entity,))).scalar_one()
            if count:
                raise MediaInUseError(f"Media {event.entity} is used by {count} projects.")
        if isinstance(event.data, MediaArchived | MediaDeleted):
            count = (await connection.exec_driver_sql(_COUNT_LIVING, (event.entity,))).scalar_one()
            if count:
                raise MediaInUseError(f"Media {event.entity} is used by {count} projects.")


def _ends(event: Event) -> bool:
    """Whether a media, or its file, can't be used any more after it."""
    if isinstance(event.data, MediaReleased):
        return event.data.ref_count <= 0
    return isinstance(event.data, MediaArchived | MediaDeleted)
