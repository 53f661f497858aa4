"""Brings each service's schema to the newest migration. Run by the owner of the database, never by a service."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from cutlog.db.connecting import connect, open_engine

if TYPE_CHECKING:
    from sqlalchemy import Connection

LOCK = 0x6375746C6F67
"""Key of the advisory lock that lets one migration run at a time ("cutlog" in ASCII)."""


class MigrationsMissing(LookupError):
    """The package that should hold a service's migrations has no folder `versions`."""


async def migrate(owner_url: str, packages: Mapping[str, str]) -> list[str]:
    """Migrates every schema in `packages` (schema → dotted package of its migrations, such as
    `services.ops.migrations`) and returns the names of those that were behind.

    `owner_url` is `postgresql://owner:password@host:port/database`. Schemas and roles exist already
    (`cutlog.db.roles`). Revisions are named by the number that starts their file's name (`0001_log.py` is "0001"),
    so a schema at its head is recognised without importing Alembic. All schemas move in one transaction.
    """
    late = await behind(owner_url, packages)
    if not late:
        return []
    from sqlalchemy.pool import NullPool

    engine = open_engine(owner_url, {}, poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            for schema in late:
                await connection.run_sync(_upgrade, schema, versions(packages[schema]))
    finally:
        await engine.dispose()
    return late


async def behind(owner_url: str, packages: Mapping[str, str]) -> list[str]:
    """Schemas that are not at their newest migration. Raises MigrationsMissing."""
    folders = {schema: versions(package) for schema, package in packages.items()}
    return [schema for schema, at in (await _current(owner_url, folders)).items() if at != _head(folders[schema])]


def versions(package: str) -> Path:
    """The folder that holds a package's revisions. Raises MigrationsMissing."""
    spec = find_spec(package)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        if (folder := Path(location) / "versions").is_dir():
            return folder
    raise MigrationsMissing(package)


def _head(folder: Path) -> str | None:
    return max((path.name.partition("_")[0] for path in folder.glob("[0-9]*_*.py")), default=None)


async def _current(owner_url: str, schemas: Mapping[str, Path]) -> dict[str, str | None]:
    connection = await connect(owner_url)
    try:
        at: dict[str, str | None] = {}
        for schema in schemas:
            exists = await connection.fetchval("SELECT to_regclass(quote_ident($1) || '.alembic_version')", schema)
            at[schema] = None
            if exists:
                await connection.execute("SELECT set_config('search_path', $1, false)", schema)
                at[schema] = await connection.fetchval("SELECT version_num FROM alembic_version")
        return at
    finally:
        await connection.close()


def _upgrade(connection: Connection, schema: str, folder: Path) -> None:
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.runtime.migration import MigrationContext, RevisionStep
    from alembic.script import ScriptDirectory
    from sqlalchemy import func, select

    scripts = ScriptDirectory(str(folder.parent), version_locations=[str(folder)])

    def steps(revision: str | tuple[str, ...], context: MigrationContext) -> list[RevisionStep]:
        return scripts._upgrade_revs("head", revision)  # type: ignore[arg-type]

    connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    connection.execute(select(func.set_config("search_path", schema, True)))
    with EnvironmentContext(Config(), scripts, fn=steps) as environment:
        environment.configure(connection=connection, version_table_schema=schema, transactional_ddl=True)
        environment.run_migrations()


def _main() -> None:
    """The other side of `cutlog.operate.stack.migrating`. What takes long to load is loaded before there is anything
    to do."""
    for module in ("alembic.runtime.environment", "alembic.script", "sqlalchemy.ext.asyncio"):
        import_module(module)
    owner_url, packages = msgspec.json.decode(sys.stdin.buffer.read(), type=tuple[str, dict[str, str]])
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(migrate(owner_url, packages))))


if __name__ == "__main__":
    _main()
