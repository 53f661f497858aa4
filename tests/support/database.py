"""One PostgreSQL per test process, and fresh databases copied from a migrated template."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from cutlog.db.migrate import migrate
from cutlog.db.roles import close_cluster, create_database, prepare
from cutlog.hosting.service import installed, migration_packages
from cutlog.operate.stack.ports import free_ports
from cutlog.operate.stack.postgres import Postgres, service_url
from cutlog.operate.stack.secrets import Secrets
from tests.support.running import complete, start, stop

TEMPLATE = "cutlog_template"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL whose database TEMPLATE is migrated for all installed services."""

    postgres: Postgres
    secrets: Secrets
    services: tuple[str, ...]


@dataclass(frozen=True)
class Database:
    """A database of one test's own."""

    cluster: Cluster
    name: str

    @property
    def owner_url(self) -> str:
        """postgresql://postgres:…: the superuser, for asyncpg and `cutlog.db`."""
        return self.cluster.postgres.url(self.name)

    def url(self, service: str) -> str:
        """postgresql+asyncpg://cutlog_<service>:…: what the service itself gets."""
        return service_url(self.cluster.postgres.port, service, self.cluster.secrets.database(service), self.name)

    def dsn(self, service: str) -> str:
        """The same for a plain asyncpg connection."""
        return self.url(service).replace("postgresql+asyncpg:", "postgresql:", 1)


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """Starts PostgreSQL in `folder` without syncing to disk, makes the template, stops it at the end."""
    secrets = Secrets(folder / "secrets")
    postgres = Postgres.at(folder / "postgres", free_ports(1)[0], secrets.database("owner"))
    complete(postgres.prepare())
    # Passwords are random and the machine's own: to derive a key from each a thousand times protects nothing here, and
    # takes both ends a fifth of the time to connect.
    swift = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB", "scram_iterations": "1"}
    program = postgres.program(swift)
    log = folder / "postgres.log"
    process = start(program, log)
    try:
        complete(_answers(postgres, process, log))
        yield filled(postgres, secrets, tuple(installed()))
    finally:
        stop(program, process)


def filled(postgres: Postgres, secrets: Secrets, services: tuple[str, ...]) -> Cluster:
    """A PostgreSQL that answers, with the template."""
    complete(_make_template(postgres, secrets, services))
    return Cluster(postgres, secrets, services)


@contextmanager
def database(cluster: Cluster) -> Iterator[Database]:
    """A fresh copy of the template, dropped at the end with whoever is still connected."""
    made = Database(cluster, f"t{next(_numbers)}")
    complete(_copy(made))
    try:
        yield made
    finally:
        complete(_drop(made))


async def _answers(postgres: Postgres, process: subprocess.Popen[bytes], log: Path) -> None:
    while True:
        assert process.poll() is None, f"PostgreSQL ended: {log.read_text()}"
        try:
            await (await asyncpg.connect(postgres.url("postgres"))).close()
        except (OSError, asyncpg.CannotConnectNowError):
            await asyncio.sleep(0.02)
        else:
            return


async def _make_template(postgres: Postgres, secrets: Secrets, services: tuple[str, ...]) -> None:
    await close_cluster(postgres.url("postgres"))
    await _set_password(postgres)
    await create_database(postgres.url("postgres"), TEMPLATE)
    await prepare(postgres.url(TEMPLATE), {name: secrets.database(name) for name in services})
    await migrate(postgres.url(TEMPLATE), migration_packages(services))


async def _set_password(postgres: Postgres) -> None:
    """The owner's again, as those of services are set."""
    connection = await asyncpg.connect(postgres.url("postgres"))
    try:
        statement = await connection.fetchval(
            "SELECT format('ALTER ROLE postgres PASSWORD %L', $1::text)", postgres.password
        )
        await connection.execute(statement)
    finally:
        await connection.close()


async def _copy(database: Database) -> None:
    """As files: unsynced, that is faster than through the WAL. What is granted on a database itself is not copied."""
    connection = await asyncpg.connect(database.cluster.postgres.url("postgres"))
    try:
        await connection.execute(f"CREATE DATABASE {database.name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
        await connection.execute(f"REVOKE ALL ON DATABASE {database.name} FROM PUBLIC")
        roles = ", ".join(f"cutlog_{service}" for service in database.cluster.services)
        await connection.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {database.name} TO {roles}")
    finally:
        await connection.close()


async def _drop(database: Database) -> None:
    connection = await asyncpg.connect(database.cluster.postgres.url("postgres"))
    try:
        statement = await connection.fetchval("SELECT format('DROP DATABASE %I WITH (FORCE)', $1::text)", database.name)
        await connection.execute(statement)
    finally:
        await connection.close()
