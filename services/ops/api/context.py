"""What the routes work with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cutlog.auth.code_flow import CodeFlow
from cutlog.auth.credentials import FileKeys
from cutlog.auth.gate import Gate
from cutlog.auth.rings import KeyRing
from cutlog.blobs import LINK_SECONDS, BlobStore
from cutlog.web import Request
from cutlog.web.budgets import PeerUsage
from cutlog.web.links import Links
from cutlog.web.problems import not_found
from services.ops.access.sessions import Logins
from services.ops.access.store import AccessStore
from services.ops.api.limits import ExportLimits, IdTries
from services.ops.drafts.store import DraftStore
from services.ops.interchange.captions import CaptionReader
from services.ops.interchange.converter import Converter
from services.ops.live.feed import Feed
from services.ops.live.renders import Renders
from services.ops.log.read import LogReader
from services.ops.project.catalog import Catalog
from services.ops.project.commit import Commits
from services.ops.project.history import History
from services.ops.project.proxy_uses import ProxyUses
from services.ops.readmodel.reads import Owner, Reads


@dataclass(frozen=True)
class Ops:
    """The parts of the service, composed in `bootstrap`. `now` is the clock."""

    commits: Commits
    history: History
    reads: Reads
    reader: LogReader
    catalog: Catalog
    drafts: DraftStore
    feed: Feed
    renders: Renders
    limits: ExportLimits
    render_usage: PeerUsage
    ids: IdTries
    blobs: BlobStore
    links: Links
    proxy_uses: ProxyUses
    converter: Converter
    captions: CaptionReader
    gate: Gate
    keys: FileKeys
    signing: Callable[[], KeyRing]
    access: AccessStore
    logins: Logins
    code_flow: CodeFlow | None
    now: Callable[[], datetime]

    async def owner(self, req: Request[Any, Any], project_id: str) -> Owner:
        """Whose the project is, which is the actor's tenant. Raises Problem 404, also for a deleted one."""
        owner = await self.reads.owner(project_id)
        if owner is None or owner.tenant != req.actor.tenant or owner.deleted:
            raise not_found(f"Project {project_id}")
        return owner

    async def link(self, key: str, filename: str | None = None, seconds: int = LINK_SECONDS) -> str:
        """An absolute signed link to an object, for that long."""
        return await self.links.url(key, seconds=seconds, filename=filename)
