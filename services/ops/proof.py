"""What `cutlog fsck` looks at of the log, the read model and the snapshots."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.bus.shadow import Derived
from cutlog.contract.envelope import RawEvent
from cutlog.contract.keys import ARCHIVE, EXPORTED, PROXIES
from cutlog.hosting.proof import Fault, Kept, Proof
from services.ops.log.read import LogReader
from services.ops.log.records import raw_event
from services.ops.log.sql import statement as of_log
from services.ops.project import snapshot
from services.ops.project.history import History
from services.ops.readmodel.derive import derive
from services.ops.readmodel.sql import statement

_READ: Final = of_log("read")
_KEPT: Final = statement("kept_objects")
_GAPS: Final = statement("log_gaps")
_COUNTS: Final = statement("media_counts")
_SNAPSHOTS: Final = statement("newest_snapshots")
_FORGET: Final = statement("forget_snapshot")
_BYTES: Final = 8 << 20


async def _events(connection: AsyncConnection, after: int, limit: int) -> Sequence[RawEvent]:
    return [raw_event(row) for row in await connection.exec_driver_sql(_READ, (after, limit, _BYTES))]


async def _kept(connection: AsyncConnection) -> AsyncIterator[Kept]:
    for row in (await connection.exec_driver_sql(_KEPT)).mappings():
        yield msgspec.convert(dict(row), Kept)


async def _faults(connection: AsyncConnection) -> AsyncIterator[Fault]:
    for row in (await connection.exec_driver_sql(_GAPS)).mappings():
        yield msgspec.convert(dict(row), Fault)


async def _counts(connection: AsyncConnection) -> dict[str, int]:
    return {row.id: row.ref_count for row in await connection.exec_driver_sql(_COUNTS)}


async def _stale(engine: AsyncEngine) -> AsyncIterator[Fault]:
    """Snapshots, the newest of each project, that are not what the log folds to from its beginning."""
    history = History(engine, LogReader(engine))
    async with engine.connect() as connection:
        found = (await connection.exec_driver_sql(_SNAPSHOTS, (snapshot.FORMAT,))).all()
    for row in found:
        name = f"{row.project} v{row.version}"
        head = await history.from_zero(row.project, row.version, row.stream_version)
        try:
            same = head is not None and snapshot.load(row.state) == head.state
        except Exception as error:  # whatever a broken one makes the reader do
            yield Fault(name, f"the snapshot can't be read: {error!r}")
            continue
        if not same:
            yield Fault(name, "the snapshot is not what the log folds to")


async def _forget(engine: AsyncEngine, name: str) -> None:
    project, _, version = name.partition(" v")
    async with engine.begin() as connection:
        await connection.exec_driver_sql(_FORGET, (project, int(version)))


PROOF: Final = Proof(
    derived=Derived(
        tables=("project", "version", "export", "pin", "media_use", "media"),
        apply=derive,
        lock=statement("hold_appends"),
        real=frozenset({"event", "head", "answer"}),
    ),
    held=_kept,
    events=_events,
    faults=_faults,
    counts=_counts,
    stale=_stale,
    forget=_forget,
    owns=(PROXIES, EXPORTED, ARCHIVE),
)
