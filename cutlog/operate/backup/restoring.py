"""A stack from a backup: into a new DATA, or into an empty database and a store of a deployment of another kind."""

from __future__ import annotations

import errno
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec

from cutlog.blobs import LocalBlobs
from cutlog.db.connecting import Connection, connect
from cutlog.db.roles import close_cluster, create_database, prepare
from cutlog.db.sql import statement
from cutlog.hosting.service import installed
from cutlog.operate.backup.copying import Restoring, Tell
from cutlog.operate.backup.place import (
    DATABASE,
    RECORDS,
    SECRETS,
    BackupDamaged,
    BackupUnknown,
    Item,
    Manifest,
    Place,
    sync_folder,
    write_synced,
)
from cutlog.operate.backup.source import Source
from cutlog.operate.stack import lock, probes
from cutlog.operate.stack.child import Child
from cutlog.operate.stack.dump import load
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.leftovers import end_leftovers
from cutlog.operate.stack.ports import free_ports
from cutlog.operate.stack.postgres import DATABASE as NAME
from cutlog.operate.stack.postgres import Postgres
from cutlog.operate.stack.secrets import Secrets, write_private_json

UNDER_WAY: Final = "restoring.json"


class NotEmpty(Exception):
    """Cannot restore there."""


class Restored(msgspec.Struct, frozen=True, rename="camel"):
    """What was restored, up to which event, and how many of its objects had to be copied."""

    name: str
    position: int
    objects: int
    bytes: int
    copied_objects: int
    copied_bytes: int
    lacking: tuple[str, ...]


class UnderWay(msgspec.Struct, frozen=True):
    """Which backup a folder is being made of; `log` and `position` tell it from others of that name."""

    name: str
    log: str
    position: int


async def restore(place: Place, name: str | None, data: Path, tell: Tell = lambda key, size: None) -> Restored:
    """Makes the folder of a stack; the newest backup, unless one is named. It gets its name `data` when it is whole;
    until then it is a hidden folder beside, with which the next attempt goes on.

    Raises NotEmpty, BackupUnknown, BackupDamaged, NoPlace, AlreadyRunning, LeftoverStays, PostgresUnavailable,
    ChildFailed, DatabaseFailed, OSError.
    """
    _refuse(data)
    name, manifest, items = _chosen(place, name)
    work = data.with_name(f".{data.name}.restoring")
    if not _is_ours(work):
        raise NotEmpty(f"{work} is in the way and was not made by a restore; remove it")
    wanted, layout = UnderWay(name, manifest.log, manifest.position), Layout(work)
    layout.make()
    with lock.hold(layout.run, f"a restore to {data}"):
        if _under_way(work) != wanted:
            _clear(layout)
            write_private_json(work / UNDER_WAY, wanted)
        end_leftovers(layout.pids, layout.postgres / "data")
        objects = Restoring(place, LocalBlobs(layout.objects, ""), tell=tell)
        await objects.all(items)
        _private(place.root / name / SECRETS, layout.secrets)
        _private(place.root / name / RECORDS, work / RECORDS)
        shutil.rmtree(layout.postgres, ignore_errors=True)  # a database is there as a whole or not at all
        async with _cluster(layout) as owner:
            await load(owner, place.root / name / DATABASE)
            await _proven(owner, manifest)
        for left in (layout.pids, layout.logs):
            shutil.rmtree(left)
        (work / UNDER_WAY).unlink()
        sync_folder(work)
        try:
            work.rename(data)  # an empty folder makes room
        except OSError as error:
            write_private_json(work / UNDER_WAY, wanted)
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                raise NotEmpty(f"{data} is no longer empty") from None
            raise
        sync_folder(data.parent)
    return _restored(name, manifest, objects)


async def restore_into(place: Place, name: str | None, target: Source, tell: Tell = lambda key, size: None) -> Restored:
    """Fills an empty database, whose roles exist, and a store that holds nothing else. Begun again, it goes on.

    Raises NotEmpty, BackupUnknown, BackupDamaged, DatabaseFailed, OSError.
    """
    name, manifest, items = _chosen(place, name)
    services = installed()
    connection = await connect(target.owner.replace("postgresql+asyncpg://", "postgresql://", 1))
    try:
        await _empty(connection, services)
        mine = {item.key for item in items}
        async for head in target.blobs.list():
            if head.key not in mine:
                raise NotEmpty(f"The store holds {head.key}, which is not part of this backup; choose an empty prefix")
        objects = Restoring(place, target.blobs, tell=tell)
        await objects.all(items)
        await _drop_empty(connection, services)
        await load(target.owner, place.root / name / DATABASE)
        await connection.execute(statement("close_to_public"))
        for service in services:
            grant = "SELECT format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), $1::text)"
            await connection.execute(await connection.fetchval(grant, f"cutlog_{service}"))
    finally:
        await connection.close()
    await _proven(target.owner, manifest)
    return _restored(name, manifest, objects)


def _refuse(data: Path) -> None:
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise NotEmpty(f"{data} is not empty; choose a new folder")
    if data.is_mount():
        raise NotEmpty(f"{data} is a mount point; choose a new folder inside it")
    data.parent.mkdir(parents=True, exist_ok=True)


def _chosen(place: Place, name: str | None) -> tuple[str, Manifest, list[Item]]:
    """The backup, when all that it needs is there. Objects are read as they are copied. Raises BackupUnknown,
    BackupDamaged."""
    names = place.names()
    if not names:
        raise BackupUnknown(f"{place.root} has no finished backup")
    if name is not None and name not in names:
        raise BackupUnknown(f"{name} is not one of {', '.join(names)}")
    chosen = name or names[-1]
    manifest, items = place.check(chosen)
    for item in items:
        path = place.pool(item.sha256)
        if not path.is_file() or path.stat().st_size != item.size:
            raise BackupDamaged(f"{path} (object {item.key}) is missing or has the wrong size")
    return chosen, manifest, items


def _is_ours(work: Path) -> bool:
    """Whether it is nothing, or what an attempt to restore left."""
    layout = Layout(work)
    made = {layout.nats, layout.objects, layout.secrets, layout.logs, layout.caddy, layout.run}
    return not work.exists() or (work / UNDER_WAY).exists() or set(work.iterdir()) <= made


def _clear(layout: Layout) -> None:
    """Removes what is of another backup; the lock stays."""
    for path in layout.data.iterdir():
        if path.is_dir() and path != layout.run:
            shutil.rmtree(path)
    layout.make()


def _under_way(work: Path) -> UnderWay | None:
    try:
        return msgspec.json.decode((work / UNDER_WAY).read_bytes(), type=UnderWay)
    except (OSError, msgspec.DecodeError):
        return None


def _private(source: Path, target: Path) -> None:
    """Copies files, for their owner alone."""
    for path in sorted(source.rglob("*")):
        if path.is_file():
            write_synced(target / path.relative_to(source), path.read_bytes())


@asynccontextmanager
async def _cluster(layout: Layout) -> AsyncIterator[str]:
    """A new PostgreSQL with a database and roles, and nothing in them: the owner's URL."""
    secrets, (port,) = Secrets(layout.secrets), free_ports(1)
    postgres = Postgres.at(layout.postgres, port, secrets.database("owner"))
    await postgres.prepare()
    maintenance = postgres.url("postgres")
    ready = partial(probes.postgres_answers, maintenance)
    child = Child(postgres.program(), ready, logs=layout.logs, pids=layout.pids, tell=lambda sentence: None)
    try:
        await child.start()
        await close_cluster(maintenance)
        await create_database(maintenance, NAME)
        services = installed()
        await prepare(postgres.url(), {service: secrets.database(service) for service in services})
        connection = await connect(postgres.url())
        try:
            await _drop_empty(connection, services)
        finally:
            await connection.close()
        yield postgres.url()
    finally:
        await child.stop()


async def _empty(connection: Connection, services: Sequence[str]) -> None:
    used = await connection.fetchval("SELECT min(schemaname) FROM pg_tables WHERE schemaname = ANY($1)", services)
    if used is not None:
        raise NotEmpty(f"The database already has tables in the schema {used}; choose an empty database")
    roles = {row[0] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
    if missing := [role for service in services if (role := f"cutlog_{service}") not in roles]:
        raise NotEmpty(f"The roles {', '.join(missing)} do not exist; create them first")


async def _drop_empty(connection: Connection, services: Sequence[str]) -> None:
    """The dump brings the schemas."""
    for service in services:
        await connection.execute(f'DROP SCHEMA IF EXISTS "{service}"')


async def _proven(owner: str, manifest: Manifest) -> None:
    """The log ends where the backup says."""
    connection = await connect(owner.replace("postgresql+asyncpg://", "postgresql://", 1))
    try:
        await connection.execute("ANALYZE")
        count = await connection.fetchval("SELECT count(*) FROM ops.event")
    finally:
        await connection.close()
    if count != manifest.position:
        raise BackupDamaged(f"The restored log has {count} events instead of {manifest.position}")


def _restored(name: str, manifest: Manifest, objects: Restoring) -> Restored:
    return Restored(
        name=name, position=manifest.position, objects=manifest.objects, bytes=manifest.bytes,
        copied_objects=objects.copied.objects, copied_bytes=objects.copied.bytes, lacking=manifest.lacking,
    )  # fmt: skip
