"""The table of jobs: what is wanted, what is at work, what became of it. JetStream only carries what was admitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.contract.jobs import JobKind
from cutlog.db.leases import bury
from cutlog.hosting.settings import Budgets, Renders
from services.render.sql import statement

Status = Literal["waiting", "queued", "admitted", "running", "done", "failed", "cancelled", "superseded"]

#: Seconds that a worker is at a job before it gives way to others.
SLICE: Final = 2.0
#: Attempts that failed, or whose worker died, before a job is given up.
MAX_FAILURES: Final = 5

_ADMIT: Final = statement("admit")
_ALIVE: Final = statement("alive")
_CANCEL: Final = statement("cancel")
_CLAIM: Final = statement("claim")
_COUNTS: Final = statement("counts")
_FOLDED: Final = statement("folded")
_GIVE_UP: Final = statement("give_up")
_GIVE_WAY: Final = statement("give_way")
_LEAVE: Final = statement("leave")
_MINE: Final = statement("mine")
_OVERDUE: Final = statement("overdue")
_RESCUE: Final = statement("rescue")
_SETTLE: Final = statement("settle")
_SPOIL: Final = statement("spoil")
_PINNED: Final = statement("pinned")
_SUPERSEDE: Final = statement("supersede")
_WAKE: Final = statement("wake")
_WORKERS: Final = statement("workers")
_WANT_EXPORT: Final = statement("want_export")
_WANT_PROXY: Final = statement("want_proxy")


class Share(msgspec.Struct, frozen=True):
    """What a tenant may have rendered: jobs of a kind at once, its weight beside others, and its hourly budgets."""

    at_once: int = 8
    weight: float = 1.0
    per_hour: Mapping[str, int] = {}


def shares(renders: Mapping[str, Renders], budgets: Mapping[str, Budgets]) -> dict[str, Share]:
    """By tenant; `*` is for those that are not named."""
    found = {}
    for tenant in {"*", *renders, *budgets}:
        mine = renders.get(tenant) or renders.get("*") or Renders()
        budget = budgets.get(tenant) or budgets.get("*") or Budgets()
        per_hour = {"framesPerHour": budget.frames_per_hour, "pixelsPerHour": budget.pixels_per_hour}
        found[tenant] = Share(mine.at_once, mine.weight, per_hour)
    return found


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A row. `attempt` counts its starts, `admission` the messages that were sent for it since it was made; `encoded`
    the frames that attempts encoded which gave way."""

    job_id: str
    kind: JobKind
    tenant: str
    project_id: str
    version: int
    profile: str
    digest: str
    status: Status
    trace: str
    admission: int
    attempt: int
    failures: int
    created_at: datetime
    export_id: str | None = None
    reason: str | None = None
    encoded: int = 0


class Yielding(msgspec.Struct, frozen=True):
    """A running job for which somebody with a better claim waits: seconds of this attempt, and whether a newer version
    has `passed` it over; or its tenant has `used_up` an hourly budget."""

    job_id: str
    attempt: int
    seconds: float
    passed: bool
    used_up: bool = False

    def has_had(self, slice_: float) -> bool:
        """Whether it was at work for its slice, or may not be at work. What was passed over is not resumed, so that
        nothing makes its slice longer."""
        return self.used_up or self.seconds >= (SLICE if self.passed else slice_)


def proxy_job(project_id: str, version: int) -> str:
    return f"proxy.{project_id}.{version}"


def export_job(export_id: str) -> str:
    return f"export.{export_id}"


def worker_lease(worker: str) -> str:
    """The name of the lease that a living worker holds; `alive.sql` and `rescue.sql` look for it."""
    return f"worker {worker}"


async def want_proxy(
    connection: AsyncConnection,
    *,
    tenant: str,
    project_id: str,
    version: int,
    digest: str,
    position: int,
    trace: str,
    asked: bool,
) -> None:
    """Queues the proxy of a version once; one that was passed over, or ended, again if somebody `asked` for it."""
    values = {"job_id": proxy_job(project_id, version), "tenant": tenant, "project_id": project_id, "version": version}
    more = {"digest": digest, "position": position, "trace": trace, "asked": asked}
    await connection.execute(_WANT_PROXY, values | more)


async def want_export(
    connection: AsyncConnection,
    *,
    tenant: str,
    project_id: str,
    version: int,
    export_id: str,
    profile: str,
    position: int,
    trace: str,
) -> None:
    """Queues an export; again, if a later event asks for one that ended."""
    values = {"job_id": export_job(export_id), "tenant": tenant, "project_id": project_id, "version": version}
    more = {"export_id": export_id, "profile": profile, "position": position, "trace": trace}
    await connection.execute(_WANT_EXPORT, values | more)


async def supersede(connection: AsyncConnection, project_id: str, version: int) -> None:
    """Passes over the proxies of versions before this one that nobody works on."""
    await connection.execute(_SUPERSEDE, {"project_id": project_id, "version": version})


async def cancel(connection: AsyncConnection, project_id: str, job_id: str | None = None) -> None:
    """Ends a job, or all of a project; a worker that is at it notices."""
    await connection.execute(_CANCEL, {"project_id": project_id, "job_id": job_id})


async def settle(
    connection: AsyncConnection, job_id: str, status: Status, position: int, reason: str | None = None
) -> None:
    """Notes what the log says of a job that nobody is at."""
    await connection.execute(_SETTLE, {"job_id": job_id, "status": status, "position": position, "reason": reason})


async def folded(connection: AsyncConnection, project_id: str, version: int) -> None:
    """Notes that the proxy of a version is no file any more."""
    await connection.execute(_FOLDED, {"job_id": proxy_job(project_id, version)})


async def pinned(connection: AsyncConnection, project_id: str, version: int) -> None:
    """Queues the proxy of a version that was folded: what is pinned stands as a file."""
    await connection.execute(_PINNED, {"job_id": proxy_job(project_id, version)})


async def wake(connection: AsyncConnection) -> None:
    """Queues what waited for media that have been processed since."""
    await connection.execute(_WAKE)


async def rescue(connection: AsyncConnection) -> list[Job]:
    """Queues jobs of workers that died; all of them, the hopeless too."""
    workers = (await connection.execute(_WORKERS)).scalars().all()
    await bury(connection, [worker_lease(worker) for worker in workers])
    return _jobs((await connection.execute(_RESCUE)).all())


async def give_up(connection: AsyncConnection, job: Job) -> bool:
    """Fails a queued job; False if it is not queued any more."""
    values = {"job_id": job.job_id, "attempt": job.attempt}
    return (await connection.execute(_GIVE_UP, values)).rowcount == 1


async def spoil(connection: AsyncConnection, job: Job) -> None:
    """Fails an admitted job that no worker can be given."""
    await connection.execute(_SPOIL, {"job_id": job.job_id, "admission": job.admission})


async def admit(connection: AsyncConnection, kind: JobKind, room: int, limits: Mapping[str, Share]) -> list[Job]:
    """Admits jobs whose turn it is: each needs a message now."""
    values = {"kind": kind, "room": room, "slice": SLICE, "limits": _numbers(limits)}
    return _jobs((await connection.execute(_ADMIT, values)).all())


def _numbers(limits: Mapping[str, Share]) -> str:
    return msgspec.json.encode(limits).decode()


async def yielding(
    connection: AsyncConnection, worker: str, helping: Sequence[str], limits: Mapping[str, Share]
) -> list[Yielding]:
    """Jobs that this worker is at, or is `helping` with, and for which somebody with a better claim waits."""
    values = {"worker": worker, "helping": list(helping), "limits": _numbers(limits)}
    rows = await connection.execute(_GIVE_WAY, values)
    return [msgspec.convert(dict(row), Yielding) for row in rows.mappings()]


async def overdue(connection: AsyncConnection, seconds: float) -> list[Job]:
    """Jobs admitted longer ago that no worker took, admitted anew: each needs a message again."""
    return _jobs((await connection.execute(_OVERDUE, {"seconds": seconds})).all())


async def alive(connection: AsyncConnection, worker: str) -> bool:
    """Whether a worker holds its lease."""
    return bool((await connection.execute(_ALIVE, {"worker": worker})).scalar_one())


async def claim(connection: AsyncConnection, job_id: str, admission: int, worker: str) -> Job | None:
    """The job for this worker to do; None if there is nothing to do with this message."""
    values = {"job_id": job_id, "admission": admission, "worker": worker}
    found = _jobs((await connection.execute(_CLAIM, values)).all())
    return found[0] if found else None


async def leave(
    connection: AsyncConnection,
    job_id: str,
    attempt: int,
    status: Status,
    *,
    failed: bool = False,
    needs: Sequence[str] = (),
    reason: str | None = None,
    delay: float = 0.0,
    encoded: int = 0,
) -> bool:
    """Ends an attempt; False if the job was taken from it meanwhile, and nothing may be reported."""
    values = {"job_id": job_id, "attempt": attempt, "status": status, "failed": int(failed)}
    more = {"needs": list(needs), "reason": reason, "delay": delay, "encoded": encoded}
    return (await connection.execute(_LEAVE, values | more)).rowcount == 1


async def mine(connection: AsyncConnection, worker: str) -> set[tuple[str, int]]:
    """(job, attempt) pairs that this worker may go on with."""
    return {(row.job_id, row.attempt) for row in (await connection.execute(_MINE, {"worker": worker})).all()}


async def counts(connection: AsyncConnection) -> dict[str, int]:
    """How many jobs there are, by `kind.status`."""
    return {f"{row.kind}.{row.status}": row.jobs for row in (await connection.execute(_COUNTS)).all()}


def _jobs(rows: Sequence[Row[Any]]) -> list[Job]:
    return [msgspec.convert(dict(row._mapping), Job) for row in rows]
