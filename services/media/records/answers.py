"""First answers under an Idempotency-Key, kept in the transaction that did the work."""

from __future__ import annotations

import hashlib

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.media.tables import answer


class KeyReusedError(Exception):
    """The Idempotency-Key was used for another request."""


class Retry(msgspec.Struct, frozen=True):
    """A request that may come again. `fingerprint` tells whether it is the same one."""

    tenant: str
    key: str
    fingerprint: str

    @staticmethod
    def of(tenant: str, key: str | None, *parts: str) -> Retry | None:
        """Of the parts that make a request what it is; None without a key."""
        if key is None:
            return None
        return Retry(tenant, key, hashlib.sha256("\0".join(parts).encode()).hexdigest())


async def recall(connection: AsyncConnection, retry: Retry) -> tuple[int, bytes] | None:
    """Status and body of the first answer, if there was one. Raises KeyReusedError."""
    query = select(answer.c.fingerprint, answer.c.status, answer.c.body)
    row = (
        await connection.execute(query.where(answer.c.tenant == retry.tenant, answer.c.key == retry.key))
    ).one_or_none()
    if row is None:
        return None
    if row.fingerprint != retry.fingerprint:
        raise KeyReusedError(str(KeyReusedError.__doc__))
    return row.status, row.body


async def forget(connection: AsyncConnection, retry: Retry) -> None:
    """Takes back an answer that turned out wrong before anybody was given it."""
    await connection.execute(delete(answer).where(answer.c.tenant == retry.tenant, answer.c.key == retry.key))


async def keep(connection: AsyncConnection, retry: Retry, status: int, body: bytes) -> None:
    """Keeps a first answer. Raises IntegrityError (constraint answer_key) when another request was faster."""
    await connection.execute(
        insert(answer).values(
            tenant=retry.tenant, key=retry.key, fingerprint=retry.fingerprint, status=status, body=body
        )
    )
