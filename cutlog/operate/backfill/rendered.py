"""Brings what another store made of its projects: exports and proxies, whose files become objects of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from cutlog.client.errors import Conflict, NotFound
from cutlog.contract.answers.projects import Export
from cutlog.contract.imports import ImportedExport, ImportedProxy
from cutlog.contract.keys import ArchivedExportKey, ExportKey, ProxyKey
from cutlog.operate.backfill.fields import other_id
from cutlog.operate.backfill.finding import Progress
from cutlog.operate.backfill.index import Index, unpack
from cutlog.operate.backfill.oddities import Oddity
from cutlog.operate.backfill.placing import place
from cutlog.operate.backfill.rows import LegacyExport
from cutlog.operate.backfill.runs import Run
from cutlog.operate.backfill.services import Origin, Services

PAGE_FILES: Final = 200


class Rendered:
    """The exports and proxies of one run, whose projects are there. `pin`, `link` and `dry_run` as for the run."""

    def __init__(
        self, run: Run, index: Index, services: Services, progress: Progress, *, pin: bool, link: bool, dry_run: bool
    ) -> None:
        self._run, self._index, self._services, self._progress = run, index, services, progress
        self._pin, self._link, self._dry_run = pin, link, dry_run

    async def move(self) -> None:
        """Brings what is not there yet. Raises Refused, Unreachable, OSError."""
        index = self._index
        count = "SELECT count(*) FROM"
        total = index.number(f"{count} export") + index.number(f"{count} proxy")
        done = index.number(f"{count} export WHERE placed > 1") + index.number(f"{count} proxy WHERE placed > 1")
        for row in list(index.all("SELECT id, given FROM project WHERE NOT passed ORDER BY place, id")):
            known = await self._known(row["given"])
            self._known_by_other_ids(row["id"], known)
            while files := await self._some_files(row["id"], row["given"], known):
                done += files
                self._progress("files", done, total)

    async def _known(self, given: str) -> dict[str, Export]:
        """The exports that a project has here."""
        try:
            return {export.id: export async for export in self._services.client.exports(given)}
        except NotFound:
            if not self._dry_run:
                raise
            return {}  # a run would have begun it by now

    async def _some_files(self, project: str, given: str, known: Mapping[str, Export]) -> int:
        index = self._index
        waiting = "WHERE project = ? AND placed < 2 ORDER BY version LIMIT ?"
        exports = list(index.all(f"SELECT * FROM export {waiting}", project, PAGE_FILES))  # noqa: S608
        proxies = list(index.all(f"SELECT * FROM proxy {waiting}", project, PAGE_FILES))  # noqa: S608
        if not exports and not proxies:
            return 0
        new = [row for row in exports if row["given"] not in known]
        told = [await self._export(row, given) for row in new]
        if told or proxies:
            try:
                # Asked before any file is placed: the key of an archived export follows from its id alone, and the file
                # under it may be somebody else's.
                await self._services.ask_for_files(self._run.id, given, Origin.of(self._run, project), told)
                for row, said in zip(new, told, strict=True):
                    await self._place_export(said, row)
                shown = [proxy for row in proxies if (proxy := await self._proxy(row, given)) is not None]
                if (told or shown) and not self._dry_run:
                    await self._tell(project, given, told, shown)
            except Conflict as conflict:
                if conflict.type != "exports-unavailable":
                    raise
                self._other_ids(project, conflict.document.get("exports") or ())
                return await self._some_files(project, given, known)
        index.begin()
        for row in exports:
            export = known.get(row["given"])
            if export is not None and not row["placed"]:
                was = "UPDATE export SET key = ?, status = ?, placed = 3 WHERE id = ?"
                index.do(was, export.key, export.status, row["id"])
            else:
                index.do("UPDATE export SET placed = 2 WHERE id = ?", row["id"])
        for row in proxies:
            done = "UPDATE proxy SET placed = CASE placed WHEN 0 THEN 3 ELSE 2 END WHERE project = ? AND version = ?"
            index.do(done, row["project"], row["version"])
        index.commit()
        return len(exports) + len(proxies)

    async def _tell(
        self, project: str, given: str, told: Sequence[ImportedExport], shown: Sequence[ImportedProxy]
    ) -> None:
        landed = await self._services.files(self._run.id, given, Origin.of(self._run, project), told, shown)
        self._index.do("UPDATE project SET touched = ? WHERE id = ?", landed.touched, project)

    def _known_by_other_ids(self, project: str, known: Mapping[str, Export]) -> None:
        """Finds again the exports that an earlier run had to name otherwise."""
        for row in list(self._index.all("SELECT id, given FROM export WHERE project = ?", project)):
            other = self._other_id(row["id"])
            if row["given"] not in known and other in known:
                self._index.do("UPDATE export SET given = ? WHERE id = ?", other, row["id"])

    def _other_id(self, export: str) -> str:
        return other_id("x", export, self._run.tenant, self._run.source_id)

    def _other_ids(self, project: str, taken: Sequence[str]) -> None:
        """Names exports whose ids somebody else has."""
        for given in taken:
            row = self._index.one("SELECT id FROM export WHERE project = ? AND given = ?", project, given)
            assert row is not None, "only what was asked for is refused"
            other = self._other_id(row["id"])
            assert other != given, "an id of this store and tenant is nobody else's"
            self._index.do("UPDATE export SET given = ? WHERE id = ?", other, row["id"])
            what = f"the id {given} is not available"
            self._index.tell(Oddity("data/exportVersions.json", row["id"], what, f"named {other}"))

    async def _export(self, row: Any, given: str) -> ImportedExport:
        """What is told of an export; its file is not placed yet."""
        export = unpack(row["row"], LegacyExport)
        status, key = row["status"], None
        if row["path"] is not None:
            key = str(ExportKey(given, export.version, row["profile"]))
            other = status == "ready" and await self._digest(key) not in (None, row["sha256"])
            if status == "archived" or other:  # made here since, under that name
                status, key = "archived", str(ArchivedExportKey(row["given"], export.version, row["profile"]))
        return ImportedExport(
            export_id=row["given"], version=export.version, profile=row["profile"], status=status, key=key,
            size=row["size"] or 0, sha256=row["sha256"], pinned=status != "deleted" and (self._pin or export.pinned),
            at=export.created_at, metadata=export.metadata or msgspec.UNSET,
        )  # fmt: skip

    async def _place_export(self, export: ImportedExport, row: Any) -> None:
        if export.key is None:
            return
        mark = "UPDATE export SET key = ?, status = ?, placed = 1 WHERE id = ?"
        self._index.do(mark, export.key, export.status, row["id"])
        await self._place(export.key, row)

    async def _proxy(self, row: Any, given: str) -> ImportedProxy | None:
        """None, if a proxy was there before this run."""
        key = str(ProxyKey(given, row["version"]))
        if not row["placed"] and await self._services.blobs.head(key) is not None:
            return None
        mark = "UPDATE proxy SET placed = 1 WHERE project = ? AND version = ?"
        self._index.do(mark, row["project"], row["version"])
        await self._place(key, row)
        return ImportedProxy(version=row["version"], key=key, size=row["size"], sha256=row["sha256"])

    async def _place(self, key: str, row: Any) -> None:
        if not self._dry_run:
            await place(self._services.blobs, key, Path(row["path"]), row["sha256"], link=self._link)

    async def _digest(self, key: str) -> str | None:
        """The SHA-256 of an object, if it is there."""
        if await self._services.blobs.head(key) is None:
            return None
        digest = hashlib.sha256()
        async for chunk in self._services.blobs.stream(key):
            digest.update(chunk)
        return digest.hexdigest()
