"""API keys, and the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from cutlog.auth.roles import Role
from cutlog.contract.base import Strict, Wire
from cutlog.contract.ids import Id
from cutlog.contract.ops import Name
from cutlog.web import Api, ListQuery, Page, Problem, ProblemError, Reply, Request, decode_cursor, encode_cursor
from cutlog.web.dispatch import address
from cutlog.web.problems import FORBIDDEN, IDEMPOTENCY_KEY_USED, invalid, not_found
from services.ops.access.audit import AuditEntry
from services.ops.access.keys import ApiKey
from services.ops.api.context import Ops
from services.ops.api.once import once_only

MAX_PROJECTS = 200


class NewKey(Strict):
    """An API key to be. With `projects` it sees these, the videos that they use and its own uploads, and no other
    route."""

    name: Name
    role: Literal["viewer", "editor", "operator", "admin"]
    projects: Annotated[list[Id], msgspec.Meta(min_length=1, max_length=MAX_PROJECTS)] | None = None
    expires_at: datetime | None = None


class MadeKey(Wire):
    """A new API key with its secret, `key`, which is not shown again."""

    id: str
    key: str
    name: str
    role: str
    projects: list[str] | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None = None


class AuditQuery(ListQuery):
    """Which entries are asked for. `action` is that of an entry, or its first part, such as `key`."""

    subject: str | None = None
    action: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def routes(api: Api, ops: Ops) -> None:
    """Adds the routes."""

    @api.post(
        "/api/keys",
        role=Role.admin,
        body=NewKey,
        returns={201: MadeKey},
        problems=(IDEMPOTENCY_KEY_USED,),
        summary="Creates an API key",
        tag="Access",
    )
    async def create(req: Request[NewKey]) -> Reply:
        """The secret is shown once. A key can't create keys. The answer is not kept: the same Idempotency-Key again is
        409."""
        asked, actor = req.body, req.actor
        if actor.credential == "key":
            raise FORBIDDEN("An API key can't create keys; use a token, or log in.")
        if asked.expires_at is not None and (asked.expires_at.tzinfo is None or asked.expires_at <= ops.now()):
            raise _wrong("/expiresAt", "Give a time in the future, with its zone.")
        for index, project in enumerate(asked.projects or ()):
            owner = await ops.reads.owner(project)
            if owner is None or owner.tenant != actor.tenant:
                raise _wrong(f"/projects/{index}", "There is no such project.")

        async def made() -> Reply:
            key, secret = await ops.access.create_key(
                actor, address(req.http), asked.name, Role(asked.role), asked.projects, asked.expires_at
            )
            fields: dict[str, Any] = {name: getattr(key, name) for name in MadeKey.__struct_fields__ if name != "key"}
            headers = {"Location": f"/api/keys/{key.id}", "Cache-Control": "no-store"}
            return Reply(201, MadeKey(key=secret, **fields), headers)

        return await once_only(ops, req, made)

    @api.get(
        "/api/keys",
        role=Role.admin,
        query=ListQuery,
        returns={200: Page[ApiKey]},
        summary="Lists API keys",
        tag="Access",
    )
    async def listed(req: Request[None, ListQuery]) -> Reply:
        """Newest first, without their secrets."""
        after = decode_cursor(req.query.cursor, tuple[datetime, str]) if req.query.cursor else None
        found = await ops.access.keys.list(req.actor.tenant, after, req.query.limit + 1)
        more = len(found) > req.query.limit
        items = found[: req.query.limit]
        return Reply(200, Page(items, encode_cursor((items[-1].created_at, items[-1].id)) if more else None))

    @api.delete("/api/keys/{key}", role=Role.admin, returns={204: None}, summary="Deletes an API key", tag="Access")
    async def delete(req: Request) -> Reply:
        """Requests with it are refused within 10 seconds, and its event streams and uploads end."""
        if not await ops.access.delete_key(req.actor, address(req.http), req.path["key"]):
            raise not_found(f"Key {req.path['key']}")
        return Reply.empty()

    @api.get(
        "/api/admin/audit",
        role=Role.admin,
        query=AuditQuery,
        returns={200: Page[AuditEntry]},
        summary="Lists who did what with credentials, pins, originals, policies and garbage collection",
        tag="Access",
    )
    async def audit(req: Request[None, AuditQuery]) -> Reply:
        """Newest first."""
        asked = req.query
        before = decode_cursor(asked.cursor, int) if asked.cursor else None
        found = await ops.access.audit.entries(
            req.actor.tenant, before, asked.subject, asked.action, asked.since, asked.until, asked.limit + 1
        )
        items = found[: asked.limit]
        return Reply(200, Page(items, encode_cursor(items[-1].position) if len(found) > asked.limit else None))


def _wrong(pointer: str, detail: str) -> Problem:
    return invalid(ProblemError(pointer, detail))
