"""Superseded proxies are folded into their recipes: the files go, what they were made of stays on record.

Nothing is lost by it, so nobody needs to ask for it: a proxy is joined again when somebody wants to see it. What is the
newest, pinned, or of a deleted project is left alone, and so is what may be in use, which ops knows: it decides.
"""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from typing import Any, Final

import structlog
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.blobs import BlobNotFoundError, BlobStore, StoreUnavailableError
from cutlog.bus import BusError
from cutlog.contract.commands import Command, DeleteProxy
from cutlog.contract.keys import ReceiptKey
from cutlog.contract.receipts import ReceiptUnreadable, read
from cutlog.db.lead import lead_rounds
from cutlog.db.skipping import Skipping
from cutlog.db.standing import Standing
from cutlog.web.trace import child_of
from services.gc.acts.acting import Ops
from services.gc.projection import snapshot
from services.gc.rules.classes import judge_folding, proxy_id
from services.gc.rules.roots import Project
from services.gc.sql import statement

log = structlog.get_logger(__name__)

EVERY_SECONDS: Final = 30.0
AFTER_SECONDS: Final = 600.0
"""How long a proxy stays a file after it was rendered, and, as ops sees to, after its last use."""
PAGE: Final = 500

_SUPERSEDED: Final = statement("proxies_superseded")


class Folder:
    """Asks ops to fold what the rules let go. One process at a time does. What ops refuses is left for ten minutes."""

    def __init__(self, engine: AsyncEngine, blobs: BlobStore, ops: Ops, after: float = AFTER_SECONDS) -> None:
        self._engine, self._blobs, self._ops, self._after = engine, blobs, ops, after
        self._refused: dict[str, float] = {}
        self.standing = Standing("gc.folding")
        self.skipping = Skipping("gc.folding", outages=(BusError, StoreUnavailableError))

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        await lead_rounds(self._engine, self.standing, stop, self.once, EVERY_SECONDS)

    async def once(self) -> int:
        """Folds what may be folded now; how many."""
        now = time.monotonic()
        self._refused = {name: until for name, until in self._refused.items() if until > now}
        wanted = {"after": self._after, "passed": list(self._refused), "page": PAGE}
        async with self._engine.connect() as connection:
            rows = (await connection.execute(_SUPERSEDED, wanted)).all()
            projects = {
                project.project_id: project
                for tenant in {row.tenant for row in rows}
                async for project in snapshot.projects(
                    connection, tenant, {row.project_id for row in rows if row.tenant == tenant}
                )
            }
        folded = 0
        for row in rows:
            if not self._may_be_folded(projects.get(row.project_id), row):
                continue
            try:
                with self.skipping.row(proxy_id(row.project_id, row.version)):
                    folded += await self._fold(row)
            except (BusError, StoreUnavailableError) as error:
                log.info("gc.folding_postponed", why=str(error))
                break
        return folded

    def _may_be_folded(self, project: Project | None, row: Row[Any]) -> bool:
        proxies = () if project is None else project.proxies
        proxy = next((each for each in proxies if each.version == row.version), None)
        if project is None or proxy is None:  # it has just gone
            return False
        return judge_folding(project, proxy, timedelta(seconds=self._after), row.at).verdict != "kept"

    async def _fold(self, row: Row[Any]) -> bool:
        head = await self._blobs.head(row.key)
        if head is not None and await self._has_recipe(row):
            body = DeleteProxy(
                project_id=row.project_id, version=row.version, key=row.key, folded=head.state, at=row.at
            )  # fmt: skip
            key = f"gc/fold/{row.project_id}/{row.version}/{head.state}"
            command = Command(key=key, tenant=row.tenant, actor="gc", trace=child_of(None), body=body)
            reply = await self._ops.command("gc", command)
            if reply.refused is None:
                return True
            log.debug("gc.proxy_kept", project=row.project_id, version=row.version, why=reply.refused.detail)
        self._refused[f"{row.project_id} {row.version}"] = time.monotonic() + self._after
        return False

    async def _has_recipe(self, row: Row[Any]) -> bool:
        """Whether it is on record what the file was made of."""
        key = ReceiptKey(row.project_id, row.version, "proxy")
        try:
            return read(key, await self._blobs.get(str(key))).output.key == str(row.key)
        except (BlobNotFoundError, ReceiptUnreadable):
            return False
