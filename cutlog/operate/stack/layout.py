"""Where everything of one stack lies under DATA."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Layout:
    """Folders of one DATA. Only who owns them may read them; root's DATA can be walked through, for its parts run as
    other users there."""

    data: Path

    @property
    def postgres(self) -> Path:
        return self.data / "postgres"

    @property
    def nats(self) -> Path:
        return self.data / "nats"

    @property
    def objects(self) -> Path:
        return self.data / "objects"

    @property
    def secrets(self) -> Path:
        return self.data / "secrets"

    @property
    def keys(self) -> Path:
        """What each service holds of `secrets`, in a folder of its name; written at every start."""
        return self.data / "keys"

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    @property
    def caddy(self) -> Path:
        return self.data / "caddy"

    @property
    def run(self) -> Path:
        """What is true only while the stack runs: lock, pids, stack.json."""
        return self.data / "run"

    @property
    def pids(self) -> Path:
        return self.run / "pids"

    @property
    def state(self) -> Path:
        return self.run / "stack.json"

    def make(self) -> None:
        """Makes the folders, and narrows the modes of those that are there. Raises OSError."""
        root = os.geteuid() == 0
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(0o711 if root else 0o700)
        for folder in (self.nats, self.objects, self.secrets, self.logs, self.caddy, self.run, self.pids):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)
        if root:  # where decoders read
            self.objects.chmod(0o750)
