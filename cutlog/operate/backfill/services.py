"""What a run asks of the services: pages of versions, files, videos; and to take all of it back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import aiohttp

from cutlog.auth.credentials import Identity
from cutlog.auth.rings import OPERATOR
from cutlog.auth.roles import Role
from cutlog.auth.tokens import mint
from cutlog.blobs import BlobStore, open_blobs
from cutlog.client.client import Client
from cutlog.client.transport import Transport
from cutlog.contract.answers.internal import Landed, Taken, Undone
from cutlog.contract.base import Wire
from cutlog.contract.imports import ImportedExport, ImportedProxy
from cutlog.contract.legacy import Conventions
from cutlog.operate.backfill.runs import Run
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.secrets import Secrets
from cutlog.operate.stack.state import read_state

T = TypeVar("T")
PATIENCE: Final = 120.0
"""Seconds for which a service may be away: it is waited for."""
ACTOR: Final = "backfill"


class Origin(Wire):
    """Which project of which store, for whom: what every page says."""

    tenant: str
    source: str
    legacy_id: str

    @classmethod
    def of(cls, run: Run, legacy: str) -> Origin:
        """A row of the store that a run reads."""
        return cls(tenant=run.tenant, source=run.source_id, legacy_id=legacy[:255])


class Services:
    """The services of a running stack, and its store. Every call may be made again."""

    def __init__(self, ops: Transport, media: Transport, client: Client, blobs: BlobStore) -> None:
        self._ops, self._media, self.client, self.blobs = ops, media, client, blobs

    @classmethod
    @asynccontextmanager
    async def of(cls, data: Path, tenant: str) -> AsyncIterator[Services]:
        """Those of the stack that runs on `data`. Raises NotRunning."""
        state = read_state(data)
        secrets = Secrets(Layout(data).secrets)
        operator = Identity(OPERATOR, lambda: secrets.ring(OPERATOR))
        admin = mint(secrets.signing, ACTOR, Role.admin, tenant, ttl=24 * 3600)
        blobs = open_blobs(Layout(data).objects.as_uri(), secrets.files)
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, sock_connect=10)) as session:

            def internal(service: str) -> Transport:
                return Transport(session, f"http://{state.listen[service]}", operator.token, PATIENCE)

            client = Client(Transport(session, state.url, admin, PATIENCE))
            yield cls(internal("ops"), internal("media"), client, blobs)

    async def versions(
        self, run: str, project: str, origin: Origin, *, name: str, canvas: Mapping[str, Any],
        created_at: datetime | None, versions: Sequence[Mapping[str, Any]], videos: Mapping[str, str],
        film: str | None, seconds: float | None, conventions: Conventions, dry_run: bool, first: bool,
        rehearsed: Mapping[str, Any], metadata: Mapping[str, Any],
    ) -> Landed:  # fmt: skip
        """Sends the next versions of a project. Raises Refused, Unreachable."""
        body = _said(origin) | {
            "name": name, "canvas": canvas, "createdAt": created_at, "versions": versions, "videos": videos,
            "film": film, "seconds": seconds, "conventions": conventions, "dryRun": dry_run, "first": first,
            "rehearsed": rehearsed, "metadata": metadata,
        }  # fmt: skip
        return await self._post(self._ops, Landed, f"/internal/imports/{run}/projects/{project}/versions", body)

    async def files(
        self,
        run: str,
        project: str,
        origin: Origin,
        exports: Sequence[ImportedExport],
        proxies: Sequence[ImportedProxy],
    ) -> Landed:
        """Tells of files that are in the store. Raises Refused, Unreachable."""
        body = _said(origin) | {"exports": exports, "proxies": proxies}
        return await self._post(self._ops, Landed, f"/internal/imports/{run}/projects/{project}/files", body)

    async def ask_for_files(self, run: str, project: str, origin: Origin, exports: Sequence[ImportedExport]) -> None:
        """Asks whether exports could be told of. Raises Refused, Unreachable."""
        body = _said(origin) | {"exports": exports, "proxies": (), "dryRun": True}
        await self._post(self._ops, type(None), f"/internal/imports/{run}/projects/{project}/files", body)

    async def video(
        self,
        run: str,
        origin: Origin,
        *,
        given: str,
        key: str,
        sha256: str,
        name: str,
        refs: int,
        created_at: datetime | None,
        otherwise: str,
        metadata: Mapping[str, Any],
        dry_run: bool,
    ) -> Taken:
        """Has a video taken over, or with `dry_run` only looked into. Raises Refused (type `not-arrived` when its
        object is needed), Unreachable."""
        body = _said(origin) | {
            "id": given, "key": key, "sha256": sha256, "name": name, "refs": refs, "createdAt": created_at,
            "otherwise": otherwise, "metadata": metadata, "dryRun": dry_run,
        }  # fmt: skip
        return await self._post(self._media, Taken, f"/internal/imports/{run}/videos", body)

    async def undo_project(self, run: str, project: str, tenant: str, source: str, *, dry_run: bool) -> None:
        """Takes a project back, or asks whether that is possible. Raises Refused, Unreachable."""
        body = {"tenant": tenant, "source": source, "dryRun": dry_run}
        await self._post(self._ops, type(None), f"/internal/imports/{run}/projects/{project}/undo", body)

    async def undo_videos(self, run: str, tenant: str, projects: Sequence[str], *, dry_run: bool) -> Undone:
        """Takes a run's videos back, or asks whether that is possible. Raises Refused, Unreachable."""
        body = {"tenant": tenant, "projects": projects, "dryRun": dry_run}
        return await self._post(self._media, Undone, f"/internal/imports/{run}/videos/undo", body)

    async def _post(self, service: Transport, answer: type[T], path: str, body: Mapping[str, Any]) -> T:
        # The pages themselves say what they are; the key only tells the transport that a repetition is safe.
        return await service.ask(answer, "POST", path, json=body, key=ACTOR)


def _said(origin: Origin) -> dict[str, Any]:
    return {"tenant": origin.tenant, "source": origin.source, "legacyId": origin.legacy_id}
