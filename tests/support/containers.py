"""PostgreSQL and NATS from containers, in place of the embedded ones: `make test-containers`.

The images are `postgres:18` and `nats:2`, or what CUTLOG_TEST_POSTGRES_IMAGE and CUTLOG_TEST_NATS_IMAGE name.
"""

from __future__ import annotations

import asyncio
import functools
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import asyncpg

from cutlog.hosting.service import installed
from cutlog.operate.stack.deployment import deployment_file
from cutlog.operate.stack.postgres import Postgres
from cutlog.operate.stack.secrets import Secrets
from tests.support.database import Cluster, filled
from tests.support.messaging import NatsServer
from tests.support.ports import free_ports
from tests.support.running import complete
from tests.support.waiting import PATIENCE, eventually_sync

WANTED = os.environ.get("CUTLOG_TEST_CONTAINERS") == "1"
POSTGRES = os.environ.get("CUTLOG_TEST_POSTGRES_IMAGE", "postgres:18")
NATS = os.environ.get("CUTLOG_TEST_NATS_IMAGE", "nats:2")


@functools.cache
def absent() -> str | None:
    """Why no container can be started here, if none can."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    for command in (["docker", "info"], ["docker", "image", "inspect", POSTGRES], ["docker", "image", "inspect", NATS]):
        result = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
        if result.returncode:
            pull = subprocess.run(
                ["docker", "pull", "-q", command[-1]], capture_output=True, text=True, timeout=PATIENCE
            )
            if command[1] == "info" or pull.returncode:
                return f"{' '.join(command)}: {result.stderr.strip()[:200]}"
    return None


@contextmanager
def container_cluster(folder: Path) -> Iterator[Cluster]:
    """PostgreSQL in a container, with the template database."""
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.container import DockerContainer

    testcontainers_config.ryuk_disabled = True  # an image of its own; what is started here is stopped here

    secrets = Secrets(folder / "secrets")
    password = secrets.database("owner")
    options = ["fsync=off", "full_page_writes=off", "max_connections=200"]
    container = (
        DockerContainer(POSTGRES)
        .with_env("POSTGRES_PASSWORD", password)
        .with_exposed_ports(5432)
        .with_command(["postgres", *(word for option in options for word in ("-c", option))])
    )
    with container:
        postgres = Postgres(folder / "postgres", int(container.get_exposed_port(5432)), password, None)
        complete(asyncio.wait_for(_answers(postgres), PATIENCE))
        with filled(postgres, secrets, tuple(installed())) as made:
            yield made


async def _answers(postgres: Postgres) -> None:
    """The image starts a server of its own first, to prepare the cluster; that one listens nowhere."""
    while True:
        try:
            await (await asyncpg.connect(postgres.url("postgres"))).close()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await asyncio.sleep(0.1)
        else:
            return


class ContainerNats(NatsServer):
    """nats-server in a container on the host's network, which a test may kill, wipe and start again like the real one.
    `routes` are the cluster ports of all members, its own first."""

    def __init__(self, folder: Path, *, name: str = "cutlog", routes: Sequence[int] = ()) -> None:
        super().__init__(folder)
        self.name, self._routes = name, tuple(routes)
        self._id: str | None = None

    def start(self) -> None:
        self.begin()
        eventually_sync(self.healthy)

    def begin(self) -> None:
        """Starts it without waiting."""
        self._nats.prepare()
        self._nats.folder.chmod(0o777)
        program = self._nats.program(self._secrets)
        configuration = deployment_file("nats.conf")
        environment = [word for key, value in program.env.items() for word in ("-e", f"{key}={value}")]
        mounts = ["-v", f"{configuration}:/cutlog.conf:ro", "-v", f"{self._nats.folder}:{self._nats.folder}"]
        command = ["-c", "/cutlog.conf", "--name", self.name]
        if self._routes:
            peers = ",".join(f"nats-route://127.0.0.1:{port}" for port in self._routes[1:])
            own = f"nats://127.0.0.1:{self._routes[0]}"
            command += ["--cluster_name", "cutlog", "--cluster", own, "--routes", peers]
        self._id = _docker("run", "-d", "--network", "host", *environment, *mounts, NATS, *command)

    def kill(self) -> None:
        if self._id is not None:
            _docker("kill", "-s", "KILL", self._id)
            self._remove()

    def stop(self) -> None:
        if self._id is not None:
            _docker("stop", "-t", "10", self._id)
            self._remove()

    def _remove(self) -> None:
        assert self._id is not None
        self.log.write_text(_docker("logs", self._id))
        _docker("rm", "-f", self._id)
        self._id = None

    def running(self) -> bool:
        if self._id is None:
            return False
        self.log.write_text(_docker("logs", self._id))
        return _docker("inspect", "-f", "{{.State.Running}}", self._id) == "true"


@contextmanager
def container_nats(folder: Path) -> Iterator[NatsServer]:
    """A started server; stopped at the end."""
    server = ContainerNats(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def nats_cluster(folder: Path, members: int = 3) -> Iterator[list[ContainerNats]]:
    """Servers that know each other and share users."""
    ports = free_ports(members)
    (folder / "secrets").mkdir(exist_ok=True)
    servers = []
    for number in range(members):
        own = folder / f"n{number}"
        own.mkdir()
        (own / "secrets").symlink_to(folder / "secrets")
        routes = [ports[number], *(port for port in ports if port != ports[number])]
        servers.append(ContainerNats(own, name=f"n{number}", routes=routes))
    with ExitStack() as stack:
        for server in servers:
            stack.callback(server.stop)
            server.begin()
        for server in servers:
            eventually_sync(server.healthy)
        yield servers


def _docker(*arguments: str) -> str:
    result = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=PATIENCE)
    assert result.returncode == 0, result.stderr
    return (result.stdout + result.stderr).strip()
