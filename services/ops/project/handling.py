"""What the other services report, as events: about media, plans and policies; about projects by way of `Commits`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.behalf import Behalf
from cutlog.contract.commands import CollectExport, DeleteProxy, GcCommand, MediaCommand, ReportExport, ReportProxy
from cutlog.contract.events import EventData, PlanCalculated, PolicyChanged, UsageRecorded
from cutlog.contract.subjects import media_stream, run_stream, usage_stream
from services.ops.decide import media, run
from services.ops.decide.media import MediaState
from services.ops.decide.refusals import InUseError, RefusedError
from services.ops.log.append import LogWriter
from services.ops.log.read import LogReader
from services.ops.log.records import Append, Appended, LogUnavailableError, VersionConflictError
from services.ops.project.catalog import Catalog
from services.ops.project.commit import ATTEMPTS, Commits
from services.ops.project.proxy_uses import ProxyUses
from services.ops.project.turns import Turns
from services.ops.readmodel.sql import statement

_MEDIA_STATE: Final = statement("media_state")
_COUNT_USES: Final = statement("count_uses")
_COUNT_LIVING: Final = statement("count_living_uses")
_STATE: Final = msgspec.json.Decoder(MediaState)


class Handling:
    """Commands to one stream stand in line in this process; against other processes the log's versions decide."""

    def __init__(
        self, engine: AsyncEngine, log: LogWriter, reader: LogReader, catalog: Catalog, commits: Commits,
        uses: ProxyUses,
    ) -> None:  # fmt: skip
        self._uses = uses
        self._engine, self._log, self._reader = engine, log, reader
        self._catalog, self._commits = catalog, commits
        self._turns = Turns()

    async def report(
        self, project_id: str, behalf: Behalf, report: ReportProxy | ReportExport | CollectExport, key: str
    ) -> Appended:
        """Records a renderer's last word, or what is collected; once per key.

        Raises RefusedError, and what the log raises.
        """
        folding = isinstance(report, DeleteProxy) and bool(report.folded)
        if isinstance(report, DeleteProxy) and folding and not await self._uses.claim(project_id, report.version):
            raise InUseError(f"The proxy of version {report.version} may be in use.")
        try:
            outcome = await self._commits.commit(project_id, behalf, report, key=key)
        except RefusedError:
            if isinstance(report, DeleteProxy) and folding:
                await self._uses.release(project_id, report.version)
            raise
        if isinstance(report, ReportProxy):
            await self._uses.release(project_id, report.version)
        assert outcome.appended is not None, "a service reports what is news"
        return outcome.appended

    async def media(self, command: MediaCommand, behalf: Behalf, key: str) -> Appended:
        """Records a fact about media. Raises RefusedError, and what the log raises."""
        stream = media_stream(command.media_id)
        async with self._turns.of(stream):
            for _ in range(ATTEMPTS):
                if (before := await self._reader.find(key)) is not None:
                    return before
                async with self._engine.connect() as connection:
                    row = (await connection.exec_driver_sql(_MEDIA_STATE, (command.media_id,))).one_or_none()
                    uses = (await connection.exec_driver_sql(_COUNT_USES, (command.media_id,))).scalar_one()
                    living = (await connection.exec_driver_sql(_COUNT_LIVING, (command.media_id,))).scalar_one()
                state = None if row is None else _STATE.decode(row.state)
                events = media.decide(state, command, behalf.tenant, uses, living)
                version = 0 if row is None else row.stream_version
                try:
                    appended = await self._log.append(_service_append(stream, version, events, behalf, key))
                except VersionConflictError:
                    continue
                self._catalog.forget(command.media_id)
                return appended
        raise LogUnavailableError

    async def run(self, stream_id: str, command: GcCommand, behalf: Behalf, key: str) -> Appended:
        """Records a garbage collection plan or policy. Raises RefusedError, and what the log raises."""
        stream, version = run_stream(stream_id), 0
        async with self._turns.of(stream):
            if (before := await self._reader.find(key)) is not None:
                return before
            state = run.initial_state()
            for raw in await self._reader.stream(stream):
                fact, version = raw.decode().data, raw.version
                assert isinstance(fact, PlanCalculated | PolicyChanged), "a run's stream holds its plan"
                state = run.evolve(state, fact)
            return await self._log.append(_service_append(stream, version, run.decide(state, command), behalf, key))

    async def usage(self, used: UsageRecorded, behalf: Behalf, key: str) -> Appended:
        """Records what a tenant used, as a service counted it; once per key. Raises what the log raises."""
        stream = usage_stream(behalf.tenant)
        async with self._turns.of(stream):
            for _ in range(ATTEMPTS):
                if (before := await self._reader.find(key)) is not None:
                    return before
                version = await self._reader.version(stream)
                try:
                    return await self._log.append(_service_append(stream, version, (used,), behalf, key))
                except VersionConflictError:
                    continue
        raise LogUnavailableError


def _service_append(stream: str, version: int, events: Sequence[EventData], behalf: Behalf, key: str) -> Append:
    return Append(
        stream=stream, expected_version=version, events=events, tenant=behalf.tenant, actor=behalf.actor,
        trace=behalf.trace, key=key,
    )  # fmt: skip
