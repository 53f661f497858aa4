"""The queue of uploads to derive from: rows with a lease, so a restart or another process goes on where one died."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any, Final

import msgspec
import structlog
from sqlalchemy import Row, func, literal, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.blobs import BlobNotFoundError, StoreUnavailableError
from cutlog.bus import Outbox
from cutlog.contract.answers.videos import Status
from cutlog.contract.behalf import Behalf
from cutlog.contract.commands import MediaCommand, RecordMediaFailed, RecordMediaReady
from cutlog.contract.events import MediaFailed, MediaReady
from cutlog.contract.media import Rendition
from cutlog.db import usage
from cutlog.db.failures import DATABASE_ERRORS
from cutlog.db.skipping import Skipping
from cutlog.ffmpeg import FfmpegFailedError, MediaRefusedError, NotExaminedError
from cutlog.hosting.settings import Renders
from cutlog.process.stopping import stops_within
from services.media.facts.lengths import seconds_of
from services.media.facts.probed import UnusableError
from services.media.records.turns import Turns, quantum
from services.media.records.videos import ENDED, Stored, command, stored
from services.media.renditions.derive import Derive, Derived
from services.media.renditions.examining import ENGINE
from services.media.renditions.tidying import Tidying
from services.media.renditions.tracks import GaveWayError, SliceLostError
from services.media.tables import video

log = structlog.get_logger(__name__)

LEASE: Final = timedelta(seconds=12)
RENEW_SECONDS: Final = 0.5
POLL_SECONDS: Final = 0.5
RETRY_AFTER: Final = timedelta(seconds=2)

#: The file's own fault: trying again gives the same.
_FINAL: Final = (UnusableError, MediaRefusedError, BlobNotFoundError)


class _Attempt:
    """Work on a video. `share`: how much of its edit proxy is there; `passed`: somebody with a better claim waits."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.passed = False
        self._began = time.monotonic()

    @property
    def ran(self) -> float:
        """Seconds so far."""
        return time.monotonic() - self._began

    def told(self, share: float) -> None:
        self.share = share

    def turn(self, resuming: float) -> None:
        """After each slice. Raises GaveWayError when it is somebody else's turn."""
        if self.passed and self.ran >= quantum(resuming):
            raise GaveWayError(str(GaveWayError.__doc__))


class Worker:
    """`slots` uploads at a time, and beside them one of the videos that are examined again. `limits`: the weights of
    tenants."""

    def __init__(
        self, engine: AsyncEngine, derive: Derive, tidying: Tidying, outbox: Outbox, slots: int,
        limits: Mapping[str, Renders],
    ) -> None:  # fmt: skip
        self._engine, self._derive, self._tidying, self._outbox = engine, derive, tidying, outbox
        self._slots, self._turns = slots, Turns(limits)
        self.skipping = Skipping("media.derive")

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop` is set; what is under way then is given up, for the next process to begin again."""
        async with asyncio.TaskGroup() as lanes:
            for _ in range(self._slots):
                lanes.create_task(self._lane(stop, "processing"))
            lanes.create_task(self._lane(stop, "ready"))

    async def _lane(self, stop: asyncio.Event, status: Status) -> None:
        while not stop.is_set():
            try:
                row = await self._claim(status)
                if row is None:
                    await stops_within(stop, POLL_SECONDS)
                    continue
                # One that is passed over comes again when its claim ends.
                with self.skipping.row(row.id):
                    await self._until(stop, stored(row))
            except Exception as error:
                if isinstance(error, DATABASE_ERRORS):
                    log.warning("derive.waiting", why=repr(error))
                else:
                    log.exception("derive.failed")
                await stops_within(stop, 1.0)

    async def _until(self, stop: asyncio.Event, row: Stored) -> None:
        """Derives, unless `stop` comes first: then the work is cancelled and its claim given back. Nothing more is done
        when the claim is lost, as when the video is deleted."""
        if row.derive_left < 0:
            await self._fail(row, "processing was started too often without finishing")
            return
        attempt = _Attempt(row.progress)
        making = asyncio.create_task(self._make(row, attempt))
        keeping, stopping = asyncio.create_task(self._keep_claim(row, attempt)), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((making, keeping, stopping), return_when=asyncio.FIRST_COMPLETED)
            if making.done():
                keeping.cancel()
                await self._end(row, making)
            else:
                making.cancel()
                await asyncio.wait([making])
                if keeping.done():
                    keeping.result()
                    async with self._engine.begin() as connection:
                        await self._abandoned(connection, row)
                else:
                    await self._give_back(row, timedelta(0), left=row.derive_left + 1)
        finally:
            for task in (making, keeping, stopping):
                task.cancel()
        async with self._engine.begin() as connection:
            await self._turns.spent(connection, row.id, attempt.ran)

    async def _claim(self, status: Status) -> Row[Any] | None:
        """The video whose turn it is, for as long as the lease is renewed."""
        async with self._engine.begin() as connection:
            return await self._turns.claim(connection, status, LEASE)

    async def _make(self, row: Stored, attempt: _Attempt) -> Derived:
        """All renditions of a video. Raises what `_end` knows."""
        await self._tidying.begin(row)
        # What is made again shows what it did until all is there; any of that may be damaged.
        first = row.status == "processing"
        shown = partial(self._show, row) if first else None
        derived = await self._derive.make(
            row.key, row.tenant, row.sha256, row.generation, attempt.told, shown, revision=row.revision,
            turn=attempt.turn, thumbnail=row.renditions.thumbnail if first else None,
        )  # fmt: skip
        if row.status == "ready" and derived.kind != row.kind:
            # Clips were allowed for what it was.
            raise UnusableError(f"it is now detected as {derived.kind} instead of {row.kind}")
        return derived

    async def _end(self, row: Stored, making: asyncio.Task[Derived]) -> None:
        try:
            derived = making.result()
        except GaveWayError:
            log.info("derive.gave_way", id=row.id, run=row.derive_run)
            await self._give_back(row, timedelta(0), left=row.derive_left + 1)
        except _FINAL as error:
            await self._fail(row, str(error))
        except StoreUnavailableError as error:
            # That is no fault of the file, however long it lasts.
            log.warning("derive.waiting_for_store", id=row.id, run=row.derive_run, why=str(error))
            await self._give_back(row, RETRY_AFTER, left=row.derive_left + 1)
        except (FfmpegFailedError, NotExaminedError, SliceLostError, OSError) as error:
            log.warning("derive.retrying", id=row.id, run=row.derive_run, left=row.derive_left, why=str(error))
            if row.derive_left > 0:
                await self._give_back(row, RETRY_AFTER, left=row.derive_left)
            else:
                await self._fail(row, str(error))
        else:
            await self._finish(row, derived)

    async def _show(self, row: Stored, thumbnail: Rendition) -> None:
        """There is something to look at while the rest is made."""
        async with self._engine.begin() as connection:
            mine = update(video).where(video.c.id == row.id, video.c.derive_run == row.derive_run)
            renditions = msgspec.structs.replace(row.renditions, thumbnail=thumbnail)
            await connection.execute(mine.values(renditions=msgspec.to_builtins(renditions)))

    async def _keep_claim(self, row: Stored, attempt: _Attempt) -> None:
        """Keeps the claim, says how far the work is, and looks whether others wait. Returns when the claim is lost."""
        mine = update(video).where(
            video.c.id == row.id, video.c.derive_run == row.derive_run, video.c.derive_at.is_not(None)
        )
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            with contextlib.suppress(*DATABASE_ERRORS):
                async with self._engine.begin() as connection:
                    until = func.clock_timestamp() + literal(LEASE)
                    kept = await connection.execute(mine.values(derive_at=until, progress=attempt.share))
                    attempt.passed = await self._turns.passed(connection, row.id, attempt.ran)
                if kept.rowcount == 0:
                    return

    async def _abandoned(self, connection: AsyncConnection, row: Stored) -> None:
        """The video is another's to process, or nobody's: what this attempt wrote to the last is removed."""
        log.info("derive.abandoned", id=row.id, run=row.derive_run)
        nobodys = update(video).where(video.c.id == row.id, video.c.derive_at.is_(None))
        await connection.execute(nobodys.values(ENDED))

    async def _give_back(self, row: Stored, after: timedelta, *, left: int) -> None:
        """Whoever comes after that time may take it."""
        async with self._engine.begin() as connection:
            await connection.execute(
                update(video)
                .where(video.c.id == row.id, video.c.derive_run == row.derive_run)
                .values(derive_at=func.clock_timestamp() + literal(after), derive_left=left)
            )

    async def _finish(self, row: Stored, derived: Derived) -> None:
        values = {
            "facts": msgspec.to_builtins(derived.facts), "renditions": msgspec.to_builtins(derived.renditions),
            "error": None, "examined_by": ENGINE, "not_examined": None,
        }  # fmt: skip
        event = MediaReady(facts=derived.facts, renditions=derived.renditions)
        ready = RecordMediaReady(media_id=row.id, event=event)
        await self._report(row, values, "ready", ready, seconds_of(derived.facts))

    async def _fail(self, row: Stored, reason: str) -> None:
        if row.status == "ready":
            await self._keep(row, reason)
            return
        log.warning("media.failed", id=row.id, why=reason)
        body = RecordMediaFailed(media_id=row.id, event=MediaFailed(reason=reason[:1000]))
        await self._report(row, {"error": reason[:1000]}, "failed", body)

    async def _keep(self, row: Stored, reason: str) -> None:
        """A video that can't be examined again stays what it was."""
        log.warning("media.reexamination_failed", id=row.id, why=reason)
        async with self._engine.begin() as connection:
            mine = update(video).where(video.c.id == row.id, video.c.derive_run == row.derive_run)
            await connection.execute(mine.values(**ENDED, not_examined=reason[:1000]))

    async def _report(
        self, row: Stored, values: dict[str, object], outcome: str, body: MediaCommand, seconds: int = 0
    ) -> None:
        """The last word of this attempt, unless another one was begun meanwhile."""
        async with self._engine.begin() as connection:
            # One that was deleted and uploaded anew meanwhile has other renditions.
            mine = update(video).where(
                video.c.id == row.id, video.c.derive_run == row.derive_run, video.c.generation == row.generation,
                video.c.stored != "deleted",
            )  # fmt: skip
            if (await connection.execute(mine.values(**ENDED, **values))).rowcount == 0:
                await self._abandoned(connection, row)
                return
            if seconds:
                slice_ = f"{row.id}/{row.generation}/{row.revision}"
                await usage.record(connection, row.tenant, "", slice_, {"ingestSecondsPerHour": seconds})
            behalf = Behalf(row.tenant, row.actor, row.trace)
            await self._outbox.add(connection, command(f"media/{row.id}/{outcome}/{row.derive_run}", behalf, body))
        self._outbox.wake()
        log.info("derive.finished", id=row.id, outcome=outcome, run=row.derive_run)
