"""Drafts as rows: found by any process, and by the next one after a restart."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.ids import new_id
from services.ops.drafts.sql import statement
from services.ops.errors import OpsError

MOST: Final = 200
KEPT: Final = 600
"""Seconds after its last use for which a draft is kept, unless somebody says otherwise."""
LONGEST: Final = 7 * 24 * 3600

_ADD: Final = statement("add")
_FIND: Final = statement("find")
_LIST: Final = statement("list")
_REPLACE: Final = statement("replace")
_DELETE: Final = statement("delete")
_COMMITTED: Final = statement("committed")
_SWEEP: Final = statement("sweep")
_OPS: Final = msgspec.json.Decoder(tuple[dict[str, Any], ...])


class TooManyDraftsError(OpsError):
    """The project has as many drafts as it may have."""


class Kept(msgspec.Struct, frozen=True):
    """A draft as stored: ops on a version. `answer`: what it led to, as JSON, once it was committed."""

    id: str
    revision: int
    author: str
    version: int
    ops: tuple[dict[str, Any], ...]
    duration: int
    created_at: datetime
    expires_at: datetime
    answer: str | None


class DraftStore:
    """Each call is one statement. A draft that has expired is not there. `most`: drafts of one project at a time."""

    def __init__(self, engine: AsyncEngine, most: int = MOST) -> None:
        self._engine, self._most = engine, most

    async def add(
        self, project_id: str, author: str, version: int, ops: Sequence[dict[str, Any]], duration: int,
        media: Sequence[str], kept: int,
    ) -> Kept:  # fmt: skip
        """A new draft, kept for so many seconds after its last use; those that have expired go. Raises
        TooManyDraftsError."""
        async with self._engine.begin() as connection:
            await connection.exec_driver_sql(_SWEEP)
            row = (
                await connection.exec_driver_sql(
                    _ADD,
                    (new_id("d"), project_id, author, version, _json(ops), duration, list(media), kept, self._most),
                )
            ).one_or_none()
        if row is None:
            raise TooManyDraftsError(f"This project has {self._most} drafts; delete some, or wait until they expire.")
        return _kept(row)

    async def find(self, project_id: str, draft_id: str) -> Kept | None:
        """One draft, which is used now."""
        return await self._one(_FIND, project_id, draft_id)

    async def list(self, project_id: str) -> list[Kept]:
        """All drafts of a project, the oldest first."""
        async with self._engine.connect() as connection:
            return [_kept(row) for row in await connection.exec_driver_sql(_LIST, (project_id,))]

    async def replace(
        self, project_id: str, draft_id: str, ops: Sequence[dict[str, Any]], duration: int, media: Sequence[str]
    ) -> Kept | None:
        """The next revision; None, if the draft is gone or committed."""
        return await self._one(_REPLACE, project_id, draft_id, _json(ops), duration, list(media))

    async def delete(self, project_id: str, draft_id: str) -> bool:
        """Whether it was there."""
        async with self._engine.begin() as connection:
            return (await connection.exec_driver_sql(_DELETE, (project_id, draft_id))).rowcount == 1

    async def committed(self, draft_id: str, answer: str) -> None:
        """Keeps what a draft led to."""
        async with self._engine.begin() as connection:
            await connection.exec_driver_sql(_COMMITTED, (draft_id, answer))

    async def _one(self, sql: str, *values: object) -> Kept | None:
        async with self._engine.begin() as connection:
            row = (await connection.exec_driver_sql(sql, values)).one_or_none()
        return None if row is None else _kept(row)


def _json(ops: Sequence[dict[str, Any]]) -> str:
    return msgspec.json.encode(ops).decode()


def _kept(row: Row[Any]) -> Kept:
    return Kept(**{**row._mapping, "ops": _OPS.decode(row.ops)})
