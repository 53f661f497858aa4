"""Idempotency-Key: the same key and request get the first answer again, another request is refused.

A service keeps its answers in a table `answer` of its own, in the transaction that does the work: tenant, key,
fingerprint, status, body, at; its primary key `answer_key` is of tenant and key. ops keeps there, in place of an answer
about events, what these led to. What has rows of its own to come back to, such as a plan, keeps key and fingerprint
there.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.db.sql import statement

_FORGET: Final = statement("answer_forget")
_KEEP: Final = statement("answer_keep")
_RECALL: Final = statement("answer_recall")


class KeyReusedError(Exception):
    """The Idempotency-Key was used for another request."""

    def __init__(self) -> None:
        super().__init__("Send the first request again to get its answer, or choose a new key for this one.")


class Keyed(msgspec.Struct, frozen=True):
    """A request that may come again under its key. `fingerprint` tells whether it is the same one."""

    tenant: str
    key: str
    fingerprint: str

    @staticmethod
    def of(tenant: str, key: str | None, *parts: str) -> Keyed | None:
        """Of the parts that make a request what it is, where its body is not at hand; None without a key."""
        if key is None:
            return None
        return Keyed(tenant, key, hashlib.sha256("\0".join(parts).encode()).hexdigest())


class Answer(msgspec.Struct, frozen=True):
    """A first answer."""

    status: int
    body: bytes


def same(kept: str, asked: str) -> None:
    """Compares the fingerprints of two requests under one key. Raises KeyReusedError unless they are equal."""
    if kept != asked:
        raise KeyReusedError


async def recall(connection: AsyncConnection, keyed: Keyed) -> Answer | None:
    """The first answer, if there was one. Raises KeyReusedError."""
    row = (await connection.exec_driver_sql(_RECALL, (keyed.tenant, keyed.key))).one_or_none()
    if row is None:
        return None
    same(row.fingerprint, keyed.fingerprint)
    return Answer(row.status, row.body)


async def keep(connection: AsyncConnection, keyed: Keyed, answer: Answer) -> bool:
    """Keeps a first answer. False, and nothing is kept, when another request was faster."""
    row = (keyed.tenant, keyed.key, keyed.fingerprint, answer.status, answer.body)
    return (await connection.exec_driver_sql(_KEEP, row)).rowcount == 1


async def forget(connection: AsyncConnection, keyed: Keyed) -> None:
    """Takes back an answer that turned out wrong before anybody was given it."""
    await connection.exec_driver_sql(_FORGET, (keyed.tenant, keyed.key))
