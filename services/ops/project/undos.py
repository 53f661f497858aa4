"""Which versions an undo or a redo is about, and what stands against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.answers.edits import Collision
from cutlog.contract.ops import HistoryUndo
from services.ops.decide.refusals import CollidedError, NothingToUndoError
from services.ops.edits.undoing import BuiltOnError
from services.ops.project.asked import Batch, Undo
from services.ops.project.history import History
from services.ops.readmodel.sql import statement
from services.ops.timeline.rebase import collision

FARTHEST: Final = 1_000
"""Versions at most among which the one that collides is looked for."""

_UNDOS: Final = statement("undos")
_NEWEST_EDIT: Final = statement("newest_edit")
_SAME_GESTURE: Final = statement("same_gesture")


class Undos:
    """Finds out which versions are meant."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def batch(self, asked: Undo, project_id: str) -> Batch:
        """The batch that an undo or a redo is. Raises NothingToUndoError."""
        versions = await (self._redo if asked.redo else self._undo)(asked, project_id)
        return Batch(
            ops=(HistoryUndo(versions=versions),), sent=({"op": "history.undo", "versions": [*versions]},),
            expected_version=asked.expected_version, message=asked.message,
        )  # fmt: skip

    async def _undo(self, asked: Undo, project_id: str) -> tuple[int, ...]:
        async with self._engine.connect() as connection:
            undos = await connection.exec_driver_sql(_UNDOS, (project_id,))
            gone = undone({row.version: tuple(row.undoes) for row in undos})
            if asked.version is not None:
                if (by := gone.get(asked.version)) is not None:
                    raise NothingToUndoError(f"Version {asked.version} was undone by version {by}.")
                return (asked.version,)
            skip = [*gone]
            row = (await connection.exec_driver_sql(_NEWEST_EDIT, (project_id, asked.actor, skip))).one_or_none()
            if row is None:
                raise NothingToUndoError("You have made no version of this project that is not undone.")
            if row.gesture is None:
                return (row.version,)
            rows = await connection.exec_driver_sql(_SAME_GESTURE, (project_id, asked.actor, row.gesture, skip))
            return tuple(each.version for each in rows)

    async def _redo(self, asked: Undo, project_id: str) -> tuple[int, ...]:
        async with self._engine.connect() as connection:
            rows = (await connection.exec_driver_sql(_UNDOS, (project_id,))).all()
            undoes = {row.version: tuple(row.undoes) for row in rows}
            gone = undone(undoes)
            mine = (row.version for row in rows if row.actor == asked.actor and row.version not in gone)
            newest = max((version for version in mine if undoes.keys().isdisjoint(undoes[version])), default=None)
            if newest is None:
                raise NothingToUndoError("You have undone nothing that is not redone.")
            edit = (await connection.exec_driver_sql(_NEWEST_EDIT, (project_id, asked.actor, []))).one_or_none()
        if edit is not None and edit.version > newest:
            raise NothingToUndoError(f"You have edited since: version {edit.version} came after your newest undo.")
        return (newest,)


def undone(undoes: Mapping[int, tuple[int, ...]]) -> dict[int, int]:
    """Which versions are undone now, each with the version that did; `undoes` has what each undo took back. An undo
    that was undone itself counts no more."""
    gone: dict[int, int] = {}
    for version in sorted(undoes, reverse=True):
        if version not in gone:
            gone.update(dict.fromkeys(undoes[version], version))
    return gone


class UndoCollidedError(CollidedError):
    """Later versions changed what would be undone."""

    def __str__(self) -> str:
        return " ".join(["Later versions build on what would be undone.", *(c.detail for c in self.collisions[:5])])


async def collided(history: History, project_id: str, error: BuiltOnError) -> UndoCollidedError:
    """The later versions that stand against an undo."""
    head = await history.head(project_id)
    assert head is not None, "what was edited is there"
    newest = head.state.version
    first = max(error.base, newest - FARTHEST)
    versions = await history.span(project_id, first, newest)
    found = [collision(touch, error.pointer, first, versions) for touch in error.touches]
    if not found:
        detail = f"What is left would not hold: {error.detail}."
        found = [Collision(pointer=error.pointer, of="project", id="", field="", version=newest, detail=detail)]
    return UndoCollidedError(error.base, newest, found)
