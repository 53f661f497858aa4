"""Rows that a background loop passes over: one tenant's row that can't be worked on keeps nobody else's waiting.

What is no fault of the row, such as a database or a store that is away, is raised for the loop to wait out.
"""

from __future__ import annotations

import asyncio
import errno
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import Final

import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cutlog.db.failures import is_away
from cutlog.db.leases import LeaseLost
from cutlog.process.readiness import CannotServe
from cutlog.process.stopping import stops_within

log = structlog.get_logger(__name__)

KEPT: Final = 3600.0
"""Seconds for which health names a row after it was last skipped: it may have gone since."""
NAMED: Final = 20
"""Rows of a loop that health names one by one."""
MOST: Final = 10_000
"""Rows of a loop that are remembered."""

_OF_A_FILE: Final = frozenset(
    {
        errno.EACCES, errno.EEXIST, errno.EILSEQ, errno.EINVAL, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG,
        errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY, errno.EPERM,
    }
)  # fmt: skip
"""What the system says of one file, and not of the disk."""


class Skipping:
    """The rows that the loop of this name passes over. `outages` are errors that are no fault of a row, besides those
    of the database and of the disk."""

    def __init__(self, loop: str, *, outages: Sequence[type[Exception]] = (), kept: float = KEPT) -> None:
        self.loop, self._kept = loop, kept
        self._outages: tuple[type[Exception], ...] = (LeaseLost, CannotServe, *outages)
        self._rows: dict[str, tuple[float, str]] = {}

    def row(self, name: str) -> _Turn:
        """For `with`: work on one row. What fails in the block is noted, and the loop goes on behind it."""
        return _Turn(self, name[:100])

    def ended(self, name: str, error: BaseException | None) -> bool:
        """Takes in how the work on a row ended; whether the loop goes on."""
        if error is None:
            self._rows.pop(name, None)
        elif not isinstance(error, Exception) or self._is_outage(error):
            return False
        else:
            self._note(name, error)
        return True

    @property
    def rows(self) -> list[str]:
        """Names of the rows that were skipped lately."""
        since = time.monotonic() - self._kept
        return sorted(name for name, (at, _) in self._rows.items() if at >= since)

    async def alarms(self) -> list[str]:
        """For health: `skipped:<loop>:<row>`, and how many more there are."""
        rows = self.rows
        more = [f"+{len(rows) - NAMED}"] if len(rows) > NAMED else []
        return [f"skipped:{self.loop}:{name}" for name in (*rows[:NAMED], *more)]

    def _note(self, name: str, error: Exception) -> None:
        why = f"{type(error).__name__}: {error}"
        before = self._rows.pop(name, None)
        self._rows[name] = time.monotonic(), why
        if len(self._rows) > MOST:
            del self._rows[next(iter(self._rows))]
        if before is None or before[1] != why:
            log.error("row.skipped", loop=self.loop, row=name, why=why, exc_info=error)

    def _is_outage(self, error: BaseException) -> bool:
        if isinstance(error, BaseExceptionGroup):
            return any(map(self._is_outage, error.exceptions))
        if isinstance(error, self._outages):
            return True
        return not (isinstance(error, OSError) and error.errno in _OF_A_FILE) and is_away(error)


def counted(alarms: Iterable[str]) -> list[str]:
    """The same alarms for those who may not know whose rows were passed over: how many of each loop."""
    told, skipped = [], Counter[str]()
    for alarm in alarms:
        kind, _, named = alarm.partition(":")
        loop, _, row = named.partition(":")
        if kind != "skipped":
            told.append(alarm)
        else:
            skipped[loop] += int(row[1:]) if re.fullmatch(r"\+\d+", row) else 1
    return told + [f"skipped:{loop}:+{rows}" for loop, rows in skipped.items()]


class _Turn:
    def __init__(self, skipping: Skipping, name: str) -> None:
        self._skipping, self._name = skipping, name

    def __enter__(self) -> None:
        """The work begins."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        return self._skipping.ended(self._name, error)


class SkippedRows(Collector):
    """How many rows each loop passes over, for Prometheus."""

    def __init__(self) -> None:
        self.loops: list[Skipping] = []

    def collect(self) -> Iterable[Metric]:
        rows = GaugeMetricFamily(
            "cutlog_skipped_rows", "Rows that a background loop skips because they cannot be processed", labels=["loop"]
        )
        for each in self.loops:
            rows.add_metric([each.loop], len(each.rows))
        yield rows


async def repeat(name: str, work: Callable[[], Awaitable[object]], every: float, stop: asyncio.Event) -> None:
    """Does `work` now and every so many seconds until `stop` is set, whatever becomes of it."""
    while not stop.is_set():
        try:
            await work()
        except Exception as error:
            if is_away(error):
                log.warning("loop.waiting", loop=name, why=repr(error))
            else:
                log.exception("loop.failed", loop=name)
        await stops_within(stop, every)
