"""One PostgreSQL per test process, and fresh databases copied from a migrated template."""

from __future__ import annotations

import asyncio
import itertools
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from cutlog.db.migrate import migrate
from cutlog.db.roles import close_cluster, create_database, prepare
from cutlog.hosting.service import installed, migration_packages
from cutlog.operate.stack.postgres import Postgres, service_url
from cutlog.operate.stack.secrets import Secrets
from tests.support.ports import free_ports
from tests.support.running import complete, start, stop

TEMPLATE = "cutlog_template"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL whose database TEMPLATE is migrated for all installed services."""

    postgres: Postgres
    secrets: Secrets
    services: tuple[str, ...]
    desk: Desk


class Desk:
    """A connection of the owner's, on a loop of its own: to connect costs more than to make a database."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._loop = asyncio.new_event_loop()
        self._connection: asyncpg.Connection | None = None
        threading.Thread(target=self._loop.run_forever, daemon=True).start()

    def run(self, *statements: str) -> None:
        """One after the other, each by itself."""
        asyncio.run_coroutine_threadsafe(self._run(statements), self._loop).result()

    def close(self) -> None:
        """Hangs up."""
        if self._connection is not None:
            self._connection.terminate()
        self._loop.call_soon_threadsafe(self._loop.stop)

    async def _run(self, statements: Sequence[str]) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url)
        for statement in statements:
            await self._connection.execute(statement)


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
        with filled(postgres, secrets, tuple(installed())) as made:
            yield made
    finally:
        stop(program, process)


@contextmanager
def filled(postgres: Postgres, secrets: Secrets, services: tuple[str, ...]) -> Iterator[Cluster]:
    """A PostgreSQL that answers, with the template."""
    complete(_make_template(postgres, secrets, services))
    desk = Desk(postgres.url("postgres"))
    try:
        yield Cluster(postgres, secrets, services, desk)
    finally:
        desk.close()


@contextmanager
def database(cluster: Cluster) -> Iterator[Database]:
    """A fresh copy of the template, dropped at the end with whoever is still connected.

    As files: unsynced, that is faster than through the WAL. What is granted on a database itself is not copied."""
    made = Database(cluster, f"t{next(_numbers)}")
    roles = ", ".join(f"cutlog_{service}" for service in cluster.services)
    cluster.desk.run(
        f"CREATE DATABASE {made.name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY",
        f"REVOKE ALL ON DATABASE {made.name} FROM PUBLIC",
        f"GRANT CONNECT, TEMPORARY ON DATABASE {made.name} TO {roles}",
    )
    try:
        yield made
    finally:
        cluster.desk.run(f"DROP DATABASE {made.name} WITH (FORCE)")


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
