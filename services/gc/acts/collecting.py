"""Archive, restore and delete of each class: what may be asked, how each object is decided again, and the brake."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.blobs import BlobStore
from cutlog.contract.answers.collection import Candidate, Policy
from services.gc.acts.acting import Acts, Decided, Outcome
from services.gc.acts.brake import brake
from services.gc.acts.subjects import Find, Ruling, Subject, exports, planned, videos
from services.gc.errors import GcError
from services.gc.report import plans, policies
from services.gc.report.plans import KeyedBehalf
from services.gc.report.reports import now
from services.gc.sql import statement

ALL: Final = 1_000_000
_MOVING: Final = statement("moves_of")


class ConfirmationMissingError(GcError):
    """Deleting needs `confirm`, the hash of the plan that listed the candidates."""


class ConfirmationUnknownError(GcError):
    """`confirm` is not the hash of a plan."""


class PlanSimulatedError(GcError):
    """A simulation is read-only; calculate a plan for the present."""


class Collecting:
    """Acts by plan, by name, and by hash."""

    def __init__(self, acts: Acts, blobs: BlobStore) -> None:
        self._acts, self._blobs = acts, blobs

    async def archive(self, behalf: KeyedBehalf, plan_id: str, ids: Sequence[str] | None) -> Outcome:
        """Archives the exports of a plan, or some of them. Raises PlanUnknownError, PlanSimulatedError,
        ActUnderWayError."""
        if (before := await self._acts.done_before(behalf)) is not None:
            return before
        async with self._acts.turn(behalf.tenant) as lease:
            async with self._acts.newest() as connection:
                plan = await plans.find(connection, behalf.tenant, plan_id)
                if plan.simulated:
                    raise PlanSimulatedError(str(PlanSimulatedError.__doc__))
                lines = await _lines(connection, plan_id, ids)
            judge = _Judge(exports(behalf.tenant), "archive", _by_plan(plan), lines, _AT_ONCE)
            wanted = list(lines) if ids is None else ids
            size = sum(line.size for line in lines.values())
            return await self._acts.carry_out(lease, behalf, "archive", plan_id, wanted, size, judge)

    async def restore(self, behalf: KeyedBehalf, ids: Sequence[str]) -> Outcome:
        """Brings exports back from the archive. Raises ActUnderWayError."""
        return await self._named(behalf, "restore", ids, exports(behalf.tenant), _NO_EXPORT)

    async def archive_videos(self, behalf: KeyedBehalf, ids: Sequence[str]) -> Outcome:
        """Archives videos that nobody holds on to. Raises ActUnderWayError."""
        return await self._named(behalf, "archive", ids, videos(behalf.tenant), _NO_VIDEO)

    async def restore_videos(self, behalf: KeyedBehalf, ids: Sequence[str]) -> Outcome:
        """Brings videos back from the archive. Raises ActUnderWayError."""
        return await self._named(behalf, "restore", ids, videos(behalf.tenant), _NO_VIDEO)

    async def delete(self, behalf: KeyedBehalf, ids: Sequence[str], confirm: str | None) -> Outcome:
        """Deletes archived exports, and proxies and files, that a plan said may go.

        Raises ConfirmationMissingError, ConfirmationUnknownError, BrakedError, ActUnderWayError,
        ObjectUnreadableError.
        """
        return await self._delete(behalf, ids, confirm, partial(planned, behalf.tenant, blobs=self._blobs), _NO_OBJECT)

    async def delete_videos(self, behalf: KeyedBehalf, ids: Sequence[str], confirm: str | None) -> Outcome:
        """Deletes archived videos that a plan said may go. Raises as `delete`."""
        return await self._delete(behalf, ids, confirm, lambda _: videos(behalf.tenant), _NO_VIDEO)

    async def _named(
        self, behalf: KeyedBehalf, action: Literal["archive", "restore"], ids: Sequence[str], find: Find, missing: str
    ) -> Outcome:
        """Acts on what is named, by no plan: by the tenant's policy."""
        if (before := await self._acts.done_before(behalf)) is not None:
            return before
        async with self._acts.turn(behalf.tenant) as lease, self._acts.newest() as connection:
            by = await policies.current(connection, behalf.tenant), frozenset[str]()
            judge = _Judge(find, action, by, None, missing)
            return await self._acts.carry_out(lease, behalf, action, None, ids, 0, judge)

    async def _delete(
        self, behalf: KeyedBehalf, ids: Sequence[str], confirm: str | None,
        finding: Callable[[Mapping[str, Candidate]], Find], missing: str,
    ) -> Outcome:  # fmt: skip
        if not confirm:
            raise ConfirmationMissingError(str(ConfirmationMissingError.__doc__))
        if (before := await self._acts.done_before(behalf)) is not None:
            return before
        async with self._acts.turn(behalf.tenant) as lease:
            async with self._acts.newest() as connection:
                plan = await _confirmed(connection, behalf.tenant, confirm)
                lines = await _lines(connection, plan.plan_id, ids)
                judge = _Judge(finding(lines), "delete", _by_plan(plan), lines, missing)
                await brake(connection, self._blobs, behalf.tenant, judge.policy, lines.values())
            size = sum(line.size for line in lines.values())
            return await self._acts.carry_out(lease, behalf, "delete", plan.plan_id, ids, size, judge)


_AT_ONCE: Final = "only exports are archived by plan; proxies, segments and leftovers are deleted at once"
_NO_EXPORT: Final = "there is no such export"
_NO_VIDEO: Final = "it is unknown"
_NO_OBJECT: Final = "it does not exist, or something refers to it"


class _Judge:
    """Decides each object again, of whatever class: on what the plan names, if it is by one; never on what moves."""

    def __init__(
        self, find: Find, action: Literal["archive", "restore", "delete"], by: tuple[Policy, frozenset[str]],
        lines: Mapping[str, Candidate] | None, missing: str,
    ) -> None:  # fmt: skip
        self._find, self._action, self._lines, self._missing = find, action, lines, missing
        self.policy, self._erase = by

    async def __call__(self, connection: AsyncConnection, ids: Sequence[str]) -> dict[str, Decided]:
        ruling = Ruling(self.policy, await now(connection), self._erase)
        wanted = [each for each in ids if self._lines is None or each in self._lines]
        moving = await _moving(connection, wanted) if self._action == "delete" else set()
        found = await self._find(connection, wanted)
        decided: dict[str, Decided] = dict.fromkeys(ids, "it is not in the plan")
        for each in wanted:
            if each in moving:
                decided[each] = "its file is still being archived"
            elif (subject := found.get(each)) is None:
                decided[each] = self._missing
            else:
                decided[each] = self._decide(subject, ruling)
        return decided

    def _decide(self, subject: Subject, ruling: Ruling) -> Decided:
        match self._action:
            case "archive":
                return subject.archived(ruling)
            case "restore":
                return subject.restored()
            case "delete":
                return subject.deleted(ruling)


def _by_plan(plan: Any) -> tuple[Policy, frozenset[str]]:
    return msgspec.convert(plan.policy, Policy), frozenset(plan.erase or ())


async def _lines(connection: AsyncConnection, plan_id: str, ids: Sequence[str] | None) -> dict[str, Candidate]:
    if ids is not None:
        return await plans.named(connection, plan_id, ids)
    return {line.id: line for line in await plans.candidates(connection, plan_id, 0, ALL) if line.class_ == "export"}


async def _confirmed(connection: AsyncConnection, tenant: str, confirm: str) -> Any:
    try:
        return await plans.by_hash(connection, tenant, confirm)
    except plans.PlanUnknownError:
        raise ConfirmationUnknownError(str(ConfirmationUnknownError.__doc__)) from None


async def _moving(connection: AsyncConnection, ids: Sequence[str]) -> set[str]:
    """Objects whose files have not followed their events yet."""
    return set(await connection.scalars(_MOVING, {"ids": list(ids)}))
