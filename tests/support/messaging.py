"""A NATS server of one test's own, with the users and permissions of the real one."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cutlog.operate.stack.nats import MONITOR, Nats
from cutlog.operate.stack.probes import nats_ready
from cutlog.operate.stack.secrets import Secrets
from tests.support.ports import free_ports
from tests.support.running import complete, start_plainly, stop
from tests.support.waiting import eventually_sync


class NatsServer:
    """A real nats-server that a test may kill, wipe and start again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._secrets = Secrets(folder / "secrets")
        self._nats = Nats(folder / "nats", free_ports(1)[0])
        self._program = self._nats.program(self._secrets)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """nats://127.0.0.1:port"""
        return self._nats.url

    @property
    def port(self) -> int:
        """Of clients."""
        return self._nats.port

    def listening(self) -> set[int]:
        """The TCP ports on which its process listens."""
        assert self._process is not None
        own = {str(file.readlink()) for file in Path(f"/proc/{self._process.pid}/fd").iterdir()}
        lines = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text().splitlines()]
        return {
            int(words[1].rpartition(":")[2], 16)
            for words in lines
            if words[3] == "0A" and f"socket:[{words[9]}]" in own
        }

    @property
    def log(self) -> Path:
        """What the server printed."""
        return self.folder / "nats.log"

    def seed(self, user: str) -> str:
        """nkey seed of `operator` (who may do all) or of a service."""
        return self._secrets.nats(user).seed

    def seed_file(self, user: str) -> Path:
        """The file that holds it, for the `nats` CLI's --nkey."""
        return self._secrets.nats_seed_file(user)

    def start(self) -> None:
        """Starts it and waits until JetStream is there."""
        self._nats.prepare()
        self._process = start_plainly(self._program, self.log)
        eventually_sync(self.healthy)

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """A clean end."""
        if self._process is not None:
            stop(self._program, self._process)
            self._process = None

    def restart(self) -> None:
        """Ends it where it runs, starts it again with what is on disk."""
        self.stop()
        self.start()

    def wipe(self) -> None:
        """Deletes all that JetStream has on disk, whether the server runs or not."""
        shutil.rmtree(self._nats.folder, ignore_errors=True)

    def lose_index(self) -> int:
        """Deletes what JetStream keeps beside the messages of its streams, while it does not run; how many files."""
        assert not self.running()
        found = [path for path in self._nats.folder.rglob("*") if path.name in ("index.db", "tombstone.db")]
        for path in found:
            path.unlink()
        return len(found)

    def pause(self) -> None:
        """Stops it where it is, as a disk does that does not answer."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Lets it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def healthy(self) -> bool:
        """Whether JetStream answers. Raises RuntimeError when the server has ended."""
        if not self.running():
            raise RuntimeError(f"nats-server ended: {self.log.read_text() if self.log.exists() else ''}")
        return complete(nats_ready("127.0.0.1", self._nats.port, self._secrets.nats(MONITOR)))


@contextmanager
def nats_server(folder: Path) -> Iterator[NatsServer]:
    """A started server; stopped at the end."""
    server = NatsServer(folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()
