"""Settings as `cutlog up` would give them, on the real parts of one test."""

from __future__ import annotations

from pathlib import Path

from cutlog.auth.roles import Role
from cutlog.auth.tokens import introduce, mint
from cutlog.hosting.settings import Settings
from cutlog.operate.stack.secrets import Secrets
from tests.support.database import Database
from tests.support.messaging import NatsServer
from tests.support.ports import free_ports


class SettingsFactory:
    """`settings_for("ops")` and its like: one data folder, one object store, agreed ports for all services."""

    def __init__(self, folder: Path, database: Database, nats: NatsServer) -> None:
        self._folder, self._database, self._nats = folder, database, nats
        self._secrets = Secrets(folder / "secrets")
        services = database.cluster.services
        self._secrets.hand_out(folder / "keys", services)
        self._ports = dict(zip(services, free_ports(len(services)), strict=True))

    @property
    def peers(self) -> dict[str, str]:
        """Where each service listens, once it is started."""
        return {name: f"http://127.0.0.1:{port}" for name, port in self._ports.items()}

    def token(self, role: str, *, tenant: str = "default", subject: str = "tester") -> str:
        """A bearer token that all services of this test accept."""
        if role == "service":
            return introduce(self._secrets.ring("operator"), "operator", 3600)
        return mint(self._secrets.signing, subject, Role[role], tenant, 3600)

    @property
    def owner_url(self) -> str:
        """The database as its owner reaches it."""
        return self._database.owner_url

    def seed(self, user: str) -> str:
        """nkey seed of a user of NATS, such as `operator`."""
        return self._nats.seed(user)

    def __call__(self, service: str) -> Settings:
        return Settings(
            data=self._folder / "data",
            listen=f"127.0.0.1:{self._ports[service]}",
            database_url=self._database.url(service),
            nats_url=self._nats.url,
            nats_seed=self._nats.seed(service),  # type: ignore[arg-type]
            credentials=self._folder / "keys" / service,
            file_secret=self._secrets.files,  # type: ignore[arg-type]
            objects_url=(self._folder / "data" / "objects").as_uri(),
            public_url=self.peers.get("ops", "http://127.0.0.1:8080"),
            peers=self.peers,
        )
