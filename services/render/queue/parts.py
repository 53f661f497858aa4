"""The table of parts: what several workers make of one film together, while its job is running."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from services.render.plan.segments import Digest
from services.render.sql import statement

Status = Literal["queued", "running", "done", "failed"]

_CLAIM: Final = statement("part_claim")
_HELD: Final = statement("part_held")
_LEAVE: Final = statement("part_leave")
_OFFER: Final = statement("part_offer")
_STANDING: Final = statement("part_standing")
_FORGET: Final = statement("part_forget")


class Part(msgspec.Struct, frozen=True):
    """Segments for one process of ffmpeg; `encoded` of their `frames` had to be made."""

    job_id: str
    part_id: str
    digests: tuple[Digest, ...]
    frames: int
    encoded: int
    status: Status
    reason: str | None = None


class Offer(msgspec.Struct, frozen=True):
    """A part that is wanted."""

    id: str
    digests: tuple[Digest, ...]
    frames: int


async def offer(connection: AsyncConnection, job_id: str, offers: Sequence[Offer]) -> None:
    """Has parts made, by whoever comes. Those of an earlier attempt stay only as long as somebody is at them."""
    values = {"job_id": job_id, "parts": msgspec.json.encode(offers).decode()}
    await connection.execute(_OFFER, values)


async def claim(connection: AsyncConnection, job_id: str, part_id: str | None, worker: str) -> Part | None:
    """A part for this worker to make; None if there is none left, or its job is not running any more."""
    values = {"job_id": job_id, "part_id": part_id, "worker": worker}
    row = (await connection.execute(_CLAIM, values)).mappings().one_or_none()
    return None if row is None else msgspec.convert(dict(row), Part)


async def leave(
    connection: AsyncConnection, part: Part, worker: str, status: Status, *, encoded: int = 0, failed: bool = False,
    reason: str | None = None,
) -> None:  # fmt: skip
    """Notes what became of a part."""
    values = {
        "job_id": part.job_id, "part_id": part.part_id, "worker": worker, "status": status, "encoded": encoded,
        "failed": failed, "reason": reason,
    }  # fmt: skip
    await connection.execute(_LEAVE, values)


async def standing(connection: AsyncConnection, job_id: str, worker: str) -> list[Part]:
    """All parts of a job. Those whose worker died are queued again."""
    rows = await connection.execute(_STANDING, {"job_id": job_id, "worker": worker})
    return [msgspec.convert(dict(row), Part) for row in rows.mappings()]


async def held(connection: AsyncConnection, part: Part, worker: str) -> bool:
    """Whether the worker may go on."""
    values = {"job_id": part.job_id, "part_id": part.part_id, "worker": worker}
    return bool((await connection.execute(_HELD, values)).scalar_one())


async def forget(connection: AsyncConnection, job_id: str) -> None:
    """The film is there, or will not be."""
    await connection.execute(_FORGET, {"job_id": job_id})
