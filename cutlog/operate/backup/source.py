"""What is backed up: a database as its owner, a store of objects, and the secrets and records beside them."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.blobs import BlobStore, LocalBlobs
from cutlog.contract.keys import TEMP
from cutlog.db.connecting import open_engine
from cutlog.hosting.proof import Kept, Proof
from cutlog.hosting.service import installed, load
from cutlog.operate.backup.place import RECORDS, SECRETS, Item, write_synced
from cutlog.operate.fsck.objects import wanted
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.postgres import Postgres
from cutlog.operate.stack.secrets import Secrets
from cutlog.operate.stack.state import read_state

LEASES: Final = "lease"
"""A table of every service: who leads ends with the database that says so."""


@dataclass(frozen=True)
class Source:
    """`owner` is the URL of the database's owner. `data` is the folder of a stack of `cutlog up`."""

    owner: str
    blobs: BlobStore
    data: Path | None = None


@dataclass(frozen=True)
class Named:
    """What the database names in one snapshot. `sources` says where an object lies that has not arrived at its key.
    `log` is the id of the first event, `position` that of the last."""

    items: Mapping[str, Item]
    sources: Mapping[str, str]
    log: str
    position: int


def source_of(data: Path) -> Source:
    """That of the stack that runs on a folder. Raises NotRunning."""
    state, layout = read_state(data), Layout(data)
    owner = Postgres.at(layout.postgres, state.postgres_port, Secrets(layout.secrets).database("owner")).url()
    return Source(owner, LocalBlobs(layout.objects, ""), data)


def proofs() -> dict[str, Proof]:
    """Those of all services."""
    return {name: load(name).proof for name in installed()}


def passing(of: Mapping[str, Proof]) -> list[str]:
    """Tables, with their schemas, whose rows mean nothing in another database."""
    return sorted(f"{service}.{table}" for service, proof in of.items() for table in (*proof.passing, LEASES))


def moving_files(of: Mapping[str, Proof]) -> str:
    """The service that moves and removes files."""
    return next(service for service, proof in of.items() if proof.moved is not None)


def reaching(owner: str, schema: str) -> AsyncEngine:
    """The database as its owner, on a schema."""
    return open_engine(
        owner,
        {"application_name": "cutlog backup", "jit": "off", "search_path": schema},
        arguments={"prepared_statement_cache_size": 0, "statement_cache_size": 0},
    )


@asynccontextmanager
async def snapshot(engine: AsyncEngine) -> AsyncIterator[tuple[AsyncConnection, str]]:
    """A connection on which time stands still, and the name of that moment for others."""
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        async with connection.begin() as transaction:
            exported = await connection.exec_driver_sql("SELECT pg_export_snapshot()")
            yield connection, str(exported.scalar_one())
            await transaction.rollback()


async def named(connection: AsyncConnection, of: Mapping[str, Proof]) -> Named:
    """What the rows name on this connection. Parts of unfinished uploads are none of it."""
    found = await wanted(of, connection)
    kept: dict[str, Kept] = {}
    for service, proof in of.items():
        if proof.held is not None:
            await connection.exec_driver_sql(f'SET LOCAL search_path = "{service}"')
            kept |= {each.key: each async for each in proof.held(connection)}
    kept |= found.kept  # of what the log has yet to hear of, the file is newer than what it says
    items = {key: Item(key, each.size, each.sha256) for key, each in kept.items() if key.partition("/")[0] != TEMP}
    log = next(service for service, proof in of.items() if proof.events is not None)
    await connection.exec_driver_sql(f'SET LOCAL search_path = "{log}"')
    first = (await connection.exec_driver_sql("SELECT id FROM event WHERE position = 1")).scalar_one_or_none()
    position = (await connection.exec_driver_sql("SELECT position FROM head")).scalar_one_or_none()
    return Named(items, found.moved, str(first or ""), int(position or 0))


def save_records(data: Path, draft: Path) -> None:
    """The records of runs of backfill, each as it is at one moment; before the database, so that what they say was
    done is in it. Raises OSError."""
    for record in sorted((data / RECORDS).glob("*/run.json")):
        target = draft / RECORDS / record.parent.name
        write_synced(target / record.name, record.read_bytes())
        index = record.with_name("index.sqlite")
        if index.exists():
            write_synced(target / index.name, b"")
            with closing(sqlite3.connect(index)) as here, closing(sqlite3.connect(target / index.name)) as there:
                here.backup(there)


def save_secrets(data: Path, draft: Path) -> None:
    """All secrets, readable by their owner only. Raises OSError."""
    for secret in _secrets(data):
        write_synced(draft / SECRETS / secret.name, secret.read_bytes())


def _secrets(data: Path) -> Sequence[Path]:
    found = (path for path in Layout(data).secrets.iterdir() if path.is_file() and not path.name.startswith("."))
    return sorted(found)
