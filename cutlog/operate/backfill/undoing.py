"""Takes a run back: exactly what it brought, or nothing when later work builds on it."""

from __future__ import annotations

import msgspec

from cutlog.client.errors import Refused
from cutlog.contract.keys import ArchivedExportKey, ProxyKey, imports_of
from cutlog.operate.backfill.index import Index, unpack
from cutlog.operate.backfill.rows import LegacyProject
from cutlog.operate.backfill.runs import Run, Runs
from cutlog.operate.backfill.services import Services


class BuiltUpon(Exception):
    """Later work builds on what the run imported."""


class Removed(msgspec.Struct, frozen=True):
    """What went: projects, uploads of videos, files; `runs` are those that were taken back together."""

    runs: tuple[str, ...]
    projects: int
    uploads: int
    files: int


async def undo(runs: Runs, run: Run, services: Services) -> Removed:
    """Takes back a run, and later ones of the same store that continued its projects. Raises BuiltUpon, Unreachable."""
    together = [
        other
        for other in runs.all()
        if other.source_id == run.source_id and other.tenant == run.tenant and other.status != "undone"
        and other.started_at >= run.started_at
    ]  # fmt: skip
    indexes = {other.id: runs.index(other) for other in together}
    try:
        _begun_together(run, indexes)
        projects = sorted({given for index in indexes.values() for given in _begun(index)})
        await _ask(together, projects, services)
        for project in projects:
            await services.undo_project(run.id, project, run.tenant, run.source_id, dry_run=False)
        uploads = files = 0
        for other in reversed(together):
            uploads += (await services.undo_videos(other.id, run.tenant, projects, dry_run=False)).uploads
            files += await _remove_files(other, indexes[other.id], services)
            runs.end(other, "undone")
    finally:
        for index in indexes.values():
            index.close()
    return Removed(tuple(other.id for other in together), len(projects), uploads, files)


def _begun(index: Index) -> list[str]:
    return [row["given"] for row in index.all("SELECT given FROM project WHERE began")]


def _begun_together(run: Run, indexes: dict[str, Index]) -> None:
    begun = {given for index in indexes.values() for given in _begun(index)}
    for index in indexes.values():
        for row in index.all("SELECT row, given FROM project WHERE touched"):
            if row["given"] not in begun:
                name = unpack(row["row"], LegacyProject).name
                raise BuiltUpon(
                    f"{run.id} continued project {row['given']} ({name}), which an earlier run began; take that back"
                )


async def _ask(together: list[Run], projects: list[str], services: Services) -> None:
    """Asks first whether all of it is possible, so that nothing is done by halves."""
    against: list[str] = []
    for project in projects:
        try:
            await services.undo_project(
                together[0].id, project, together[0].tenant, together[0].source_id, dry_run=True
            )
        except Refused as refused:
            against.append(f"project {project}: {refused}")
    for run in together:
        try:
            await services.undo_videos(run.id, run.tenant, projects, dry_run=True)
        except Refused as refused:
            against.append(str(refused))
    if against:
        raise BuiltUpon("; ".join(against))


async def _remove_files(run: Run, index: Index, services: Services) -> int:
    removed = 0
    brought = "SELECT given, version, profile, key FROM export WHERE key IS NOT NULL AND placed IN (1, 2)"
    for row in index.all(brought):
        archived = ArchivedExportKey(row["given"], row["version"], row["profile"])  # the collector may have moved it
        for key in {row["key"], str(archived)}:
            removed += await services.blobs.delete(key)
    for row in index.all(
        "SELECT given, version FROM proxy JOIN project ON project.id = proxy.project WHERE placed IN (1, 2)"
    ):
        removed += await services.blobs.delete(str(ProxyKey(row["given"], row["version"])))
    async for blob in services.blobs.list(imports_of(run.id)):
        removed += await services.blobs.delete(blob.key)
    return removed
