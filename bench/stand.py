"""PostgreSQL with its defaults for durability, NATS, and ops as a process of its own: what `cutlog up` would run."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import asyncpg

from cutlog.auth.roles import Role
from cutlog.auth.tokens import mint
from cutlog.db.migrate import migrate
from cutlog.db.roles import close_cluster, create_database, prepare
from cutlog.hosting.service import migration_packages
from cutlog.operate.stack.account import Accounts
from cutlog.operate.stack.environment import service_environment
from cutlog.operate.stack.layout import Layout
from cutlog.operate.stack.nats import Nats
from cutlog.operate.stack.ports import free_ports
from cutlog.operate.stack.postgres import DATABASE, Postgres, service_url
from cutlog.operate.stack.secrets import Secrets
from cutlog.process.program import Program


@dataclass(frozen=True)
class Stand:
    """What is running. `command` started each process of ops; `urls` are theirs, `url` is that of the first."""

    folder: Path
    postgres: Postgres
    secrets: Secrets
    urls: list[str]
    command: list[str]
    ops: list[subprocess.Popen[bytes]]
    nats: Nats

    @property
    def url(self) -> str:
        return self.urls[0]

    def stop_ops(self) -> None:
        """For what is measured without it."""
        for process in self.ops:
            process.terminate()
            process.wait()

    def token(self, subject: str) -> str:
        """An editor's bearer token; rates are limited by subject."""
        return mint(self.secrets.signing, subject, Role.editor, "default", 86_400)


@contextmanager
def standing(folder: Path, services: tuple[str, ...] = ("ops",), *, processes: int = 1) -> Iterator[Stand]:
    """Starts all in `folder`, waits until so many `processes` of ops are ready, and stops all at the end. `services`
    have their schemas."""
    with ExitStack() as parts:
        folder.chmod(0o755)
        layout = Layout(folder)
        secrets = Secrets(layout.secrets)
        secrets.hand_out(layout.keys, services, Accounts.here().services)
        ports = free_ports(2 + processes)
        postgres = Postgres.at(folder / "postgres", ports[0], secrets.database("owner"))
        asyncio.run(postgres.prepare())
        parts.enter_context(_running(postgres.program({"max_connections": "300"}), folder / "postgres.log"))
        asyncio.run(_made(postgres, secrets, services))
        nats = Nats(folder / "nats", ports[1])
        nats.prepare()
        parts.enter_context(_running(nats.program(secrets), folder / "nats.log"))
        listen = [f"127.0.0.1:{port}" for port in ports[2:]]
        urls = [f"http://{address}" for address in listen]
        started = []
        for number, address in enumerate(listen, 1):
            environment = os.environ | service_environment(
                "ops", layout=layout, secrets=secrets, nats=nats, listen=address, peers={"ops": listen[0]},
                public_url=urls[0], database_url=service_url(postgres.port, "ops", secrets.database("ops")),
            ) | {"CUTLOG_RENDERS": '{"*": {"queued": 1000000, "per_minute": 1000000}}'}  # fmt: skip
            program = Program(
                name="ops", argv=[sys.executable, "-m", "cutlog", "serve", "ops"], env=environment,
                stop=signal.SIGTERM, grace=25.0,
            )  # fmt: skip
            started.append(parts.enter_context(_running(program, folder / f"ops-{number}.log")))
        for number, (url, process) in enumerate(zip(urls, started, strict=True), 1):
            asyncio.run(_ready(url, process, folder / f"ops-{number}.log"))
        yield Stand(folder, postgres, secrets, urls, ["cutlog", "serve", "ops"], started, nats)


@contextmanager
def _running(program: Program, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that ends with this block, and with this process, however that ends."""
    with log.open("wb") as sink:
        process = subprocess.Popen(
            program.command(), env=program.environment(), stdin=subprocess.DEVNULL, stdout=sink, stderr=sink
        )
    try:
        yield process
    finally:
        process.send_signal(program.stop)
        process.wait(program.grace)


async def _made(postgres: Postgres, secrets: Secrets, services: tuple[str, ...]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            await (await asyncpg.connect(postgres.url("postgres"))).close()
            break
        except (OSError, asyncpg.CannotConnectNowError):
            assert time.monotonic() < deadline, "PostgreSQL does not start"
            await asyncio.sleep(0.05)
    await close_cluster(postgres.url("postgres"))
    await create_database(postgres.url("postgres"), DATABASE)
    await prepare(postgres.url(), {name: secrets.database(name) for name in services})
    await migrate(postgres.url(), migration_packages(services))


async def _ready(url: str, ops: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    async with aiohttp.ClientSession() as session:
        while True:
            assert ops.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            try:
                async with session.get(f"{url}/readyz") as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.1)
