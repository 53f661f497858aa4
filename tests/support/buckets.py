"""A bucket of S3 on this machine, and a way to it that fails when told to."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cutlog.stack.ports import free_ports
from tests.support.waiting import eventually_sync

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",  # pragma: allowlist secret
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}


@dataclass(frozen=True)
class S3:
    """A server of S3."""

    endpoint: str

    def bucket(self) -> str:
        """The name of a new bucket."""
        name = f"b-{uuid.uuid4().hex[:12]}"
        made = urllib.request.Request(f"{self.endpoint}/{name}", method="PUT")
        with urllib.request.urlopen(made, timeout=180) as answer:
            assert answer.status == 200
        return name

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """What a process needs to know to use it."""
        return CREDENTIALS | {"AWS_ENDPOINT": endpoint or self.endpoint}


@contextmanager
def s3_server() -> Iterator[S3]:
    """moto's server as a child process."""
    port = free_ports(1)[0]
    command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        endpoint = f"http://127.0.0.1:{port}"

        def answers() -> bool:
            assert process.poll() is None, "moto's server ended"
            try:
                urllib.request.urlopen(endpoint + "/moto-api/data.json", timeout=2).close()
            except OSError:
                return False
            return True

        eventually_sync(answers)
        yield S3(endpoint)
    finally:
        process.kill()
        process.wait()
