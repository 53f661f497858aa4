"""A whole stack as a user starts it: `cutlog up` as a child process of the test."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from cutlog.auth.roles import Role
from cutlog.auth.tokens import mint
from cutlog.operate.stack.secrets import Secrets
from cutlog.operate.stack.state import StackState, read_state
from cutlog.process.program import Account, Program
from tests.support.running import start
from tests.support.waiting import PATIENCE, eventually_sync

CHECKOUT = Path(__file__).resolve().parents[2]
REAL = ("-m", "cutlog", "up", "--port", "0", "--data")
SMALL = ("-m", "tests.support.small_stack")


class RunningStack:
    """`cutlog up` on `data`. It dies with the test process; so do its children, by its own means."""

    def __init__(
        self,
        data: Path,
        arguments: Sequence[str] = REAL,
        *,
        env: Mapping[str, str] | None = None,
        account: Account | None = None,
        logs: Path | None = None,
    ) -> None:
        self.data = data
        self._output = (logs or data.parent) / f"{data.name}.up.log"
        self._program = Program(
            name="up",
            argv=[sys.executable, *arguments, str(data)],
            env=dict(env or {}),
            cwd=CHECKOUT,
            account=account,
            death=signal.SIGTERM,
            inherit=tuple(os.environ),
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> str:
        """What it printed, stdout and stderr together."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    @property
    def pid(self) -> int:
        """The supervisor's process."""
        assert self._process is not None
        return self._process.pid

    @property
    def state(self) -> StackState:
        """stack.json as it is now."""
        return read_state(self.data)

    @property
    def pids(self) -> dict[str, int]:
        """Part (`postgres`, `nats`, `gateway`, `ops`, …) → its process now."""
        return self.state.pids

    @property
    def url(self) -> str:
        """The gateway."""
        return self.state.url

    @property
    def secrets(self) -> Secrets:
        """All secrets of the stack."""
        return Secrets(self.data / "secrets")

    def token(self, role: str, *, tenant: str = "default", subject: str = "tester") -> str:
        """A bearer token for it."""
        return mint(self.secrets.signing, subject, Role[role], tenant, 3600)

    def begin(self) -> None:
        """Starts it without waiting."""
        self._process = start(self._program, self._output)

    def start(self) -> None:
        """Starts it and waits until it says that it is ready."""
        seen = len(self.output)
        self.begin()
        assert self._process is not None
        process = self._process

        def ready() -> bool:
            if process.poll() is not None:
                raise RuntimeError(f"cutlog up ended with {process.returncode}: {self.output[seen:]}")
            return "\nready http://" in "\n" + self.output[seen:] and (self.data / "run" / "stack.json").exists()

        eventually_sync(ready)

    def signal(self, number: signal.Signals) -> int:
        """Sends a signal and waits for the end; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        return self.wait()

    def wait(self) -> int:
        """Waits for its end; returns the exit code."""
        assert self._process is not None
        return self._process.wait(PATIENCE)

    def stop(self) -> None:
        """A clean end, from any state."""
        if self._process is not None and self._process.poll() is None:
            self.signal(signal.SIGTERM)

    def get(self, path: str, *, base: str | None = None) -> tuple[int, str]:
        """Status and body of a plain GET through the gateway, or at another `base`; status 0: no answer."""
        try:
            with urllib.request.urlopen((base or self.url) + path, timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except (urllib.error.URLError, ConnectionError):
            return 0, ""

    def environment_of(self, service: str) -> dict[str, str]:
        """The environment that a small service says it has."""
        status, body = self.get("/env", base=f"http://{self.state.listen[service]}")
        assert status == 200
        answer = json.loads(body)
        assert isinstance(answer, dict)
        return answer
