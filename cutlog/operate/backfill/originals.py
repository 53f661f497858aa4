"""Brings the videos of a store: each content once, under the id of the row that had it first."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from cutlog.client.errors import Conflict, Invalid
from cutlog.contract.answers.internal import Taken
from cutlog.contract.keys import ImportKey
from cutlog.operate.backfill.fields import other_id
from cutlog.operate.backfill.finding import Progress
from cutlog.operate.backfill.index import Index, unpack
from cutlog.operate.backfill.oddities import Oddity
from cutlog.operate.backfill.placing import place
from cutlog.operate.backfill.rows import LegacyVideo
from cutlog.operate.backfill.runs import Run
from cutlog.operate.backfill.services import Origin, Services

_USELESS = "not taken; what uses it is kept verbatim; its file stays in the source"


class Originals:
    """The videos of one run. With `dry_run` each file is brought, looked into by the same code, and removed again."""

    def __init__(
        self, run: Run, index: Index, services: Services, progress: Progress, *, link: bool, dry_run: bool
    ) -> None:
        self._run, self._index, self._services, self._progress = run, index, services, progress
        self._link, self._dry_run = link, dry_run

    async def move(self) -> None:
        """Brings what is not there yet. Raises Refused, Unreachable, OSError."""
        index = self._index
        total = index.number("SELECT count(*) FROM video WHERE sha256 IS NOT NULL")
        waiting = "SELECT * FROM video WHERE sha256 IS NOT NULL AND taken IS NULL ORDER BY place"
        for done, row in enumerate(list(index.all(waiting)), 1):
            video = unpack(row["row"], LegacyVideo)
            try:
                taken = await self._taken(row, video)
            except Invalid as refused:
                if refused.type != "invalid-media":
                    raise
                index.tell(Oddity("data/videos.json", video.id, f"no usable media: {refused}", _USELESS))
                index.do("UPDATE video SET taken = '' WHERE id = ?", video.id)
                await self._services.blobs.delete(self._key(row))
                continue
            if taken.id != row["given"] and row["first"] == video.id:
                what = "its content is here already" if not taken.added else f"the id {row['given']} is another's"
                index.tell(Oddity("data/videos.json", video.id, what, f"here it is {taken.id}"))
            rehearsed = None if taken.rehearsed is UNSET else msgspec.json.encode(taken.rehearsed)
            index.do(
                "UPDATE video SET taken = ?, added = ?, counted = ?, rehearsed = ? WHERE id = ?",
                taken.id, taken.added, taken.counted, rehearsed, video.id,
            )  # fmt: skip
            self._progress("videos", done, total)

    async def _taken(self, row: Any, video: LegacyVideo) -> Taken:
        key = self._key(row)
        try:
            return await self._take(row, video)
        except Conflict as conflict:
            if conflict.type != "not-arrived":
                raise
        try:
            await place(self._services.blobs, key, Path(row["path"]), row["sha256"], link=self._link)
            taken = await self._take(row, video)
        finally:
            if self._dry_run:
                await self._services.blobs.delete(key)
        first = self._index.one("SELECT taken FROM video WHERE id = ?", row["first"])
        if self._dry_run and row["first"] != video.id and first is not None and first["taken"]:
            return msgspec.structs.replace(taken, id=first["taken"], added=False)  # a run would have that one by now
        return taken

    async def _take(self, row: Any, video: LegacyVideo) -> Taken:
        return await self._services.video(
            self._run.id, Origin.of(self._run, video.id), given=row["given"], key=self._key(row),
            sha256=row["sha256"], name=video.name, refs=video.refs, created_at=video.created_at,
            otherwise=other_id("v", video.id, self._run.tenant, self._run.source_id), metadata=video.metadata,
            dry_run=self._dry_run,
        )  # fmt: skip

    def _key(self, row: Any) -> str:
        return str(ImportKey(self._run.id, row["sha256"]))
