"""API keys: a secret that is shown once, of which only the hash is kept."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.auth.actor import Actor, CredentialExpired, CredentialRefused
from cutlog.auth.rings import encode64
from cutlog.auth.roles import Role
from cutlog.contract.base import Wire
from cutlog.contract.ids import new_id
from services.ops.access.sql import statement

PREFIX: Final = "ck_"
_ADD: Final = statement("key_add")
_FIND: Final = statement("key_find")
_LIST: Final = statement("key_list")
_DELETE: Final = statement("key_delete")

Place = tuple[datetime, str]


class ApiKey(Wire):
    """An API key, without its secret. `projects`: it sees only these; null: all of the tenant."""

    id: str
    name: str
    role: str
    projects: list[str] | None
    created_by: str
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


class ApiKeys:
    """The table `api_key`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def create(
        self,
        connection: AsyncConnection,
        actor: Actor,
        name: str,
        role: Role,
        projects: Sequence[str] | None,
        expires_at: datetime | None,
    ) -> tuple[ApiKey, str]:
        """A new key and its secret."""
        key_id, secret = new_id("k"), PREFIX + encode64(secrets.token_bytes(32))
        listed = None if projects is None else list(projects)
        values = (key_id, actor.tenant, name, role.value, listed, _hash(secret), actor.subject, expires_at)
        created_at = (await connection.exec_driver_sql(_ADD, values)).scalar_one()
        made = ApiKey(
            id=key_id, name=name, role=role.value, projects=listed, created_by=actor.subject,
            created_at=created_at, expires_at=expires_at,
        )  # fmt: skip
        return made, secret

    async def resolve(self, secret: str) -> Actor:
        """Whose a key is, which is noted as used. Raises CredentialRefused, CredentialExpired."""
        async with self._engine.begin() as connection:
            row = (await connection.exec_driver_sql(_FIND, (_hash(secret),))).one_or_none()
        if row is None:
            raise CredentialRefused("The API key is not valid, or was deleted.")
        expires = None if row.expires_at is None else row.expires_at.timestamp()
        if expires is not None and expires <= time.time():
            raise CredentialExpired("The API key has expired.")
        projects = None if row.projects is None else tuple(row.projects)
        return Actor(
            f"key:{row.id}", row.tenant, Role(row.role), projects, "key", row.id, row.created_at.timestamp(), expires
        )

    async def list(self, tenant: str, after: Place | None, limit: int) -> list[ApiKey]:
        """Keys of a tenant, the newest first."""
        async with self._engine.connect() as connection:
            rows = await connection.exec_driver_sql(_LIST, (tenant, *(after or (None, None)), limit))
            return [ApiKey(**row._mapping) for row in rows]

    async def delete(self, connection: AsyncConnection, tenant: str, key_id: str) -> bool:
        """Whether the tenant had it."""
        return (await connection.exec_driver_sql(_DELETE, (key_id, tenant))).one_or_none() is not None


def _hash(secret: str) -> bytes:
    # 256 random bits need no slow hash.
    return hashlib.sha256(secret.encode()).digest()
