"""Runs and their records in DATA/backfill: what was brought from where, so that it can go on, or be taken back."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from cutlog.contract.ids import new_id
from cutlog.operate.backfill.index import Index
from cutlog.operate.stack.secrets import write_private_json

FOLDER: Final = "backfill"
REHEARSAL: Final = "dry-"
Status = Literal["moving", "moved", "failed", "undone"]


class RunUnknown(Exception):
    """The run does not exist."""


class AnotherRun(Exception):
    """Another backfill or rollback is running on this stack."""


class Run(msgspec.Struct, frozen=True, rename="camel"):
    """One backfill. `source` is the store's folder, `source_id` what events call it. A run that is `moving` and not at
    work was interrupted: the next backfill of the same folder goes on with it."""

    id: str
    source: str
    source_id: str
    tenant: str
    status: Status
    started_at: datetime
    finished_at: datetime | None = None


def source_id(root: Path) -> str:
    """The name of a store in events: the same for the same folder."""
    return f"legacy-{hashlib.sha256(str(root).encode()).hexdigest()[:16]}"


class Runs:
    """The records of one stack."""

    def __init__(self, data: Path) -> None:
        self.folder = data / FOLDER
        self.folder.mkdir(mode=0o700, exist_ok=True)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else moves or takes back meanwhile. Raises AnotherRun."""
        descriptor = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            raise AnotherRun("wait until it has ended") from None
        try:
            yield
        finally:
            os.close(descriptor)

    def begin(self, root: Path, tenant: str) -> tuple[Run, bool]:
        """The run for a folder: the one that was interrupted (True), or a new one."""
        for run in self.all():
            if run.source == str(root) and run.tenant == tenant and run.status == "moving":
                return run, True
        run = Run(new_id("b"), str(root), source_id(root), tenant, "moving", datetime.now(UTC))
        self.path(run).mkdir(mode=0o700)
        return self.save(run), False

    def save(self, run: Run) -> Run:
        """Keeps the record as it is now."""
        write_private_json(self.path(run) / "run.json", run)
        return run

    def end(self, run: Run, status: Status) -> Run:
        """Notes how a run ended."""
        return self.save(msgspec.structs.replace(run, status=status, finished_at=datetime.now(UTC)))

    def get(self, run_id: str) -> Run:
        """The record of a run. Raises RunUnknown."""
        found = next((run for run in self.all() if run.id == run_id), None)
        if found is None:
            known = ", ".join(f"{run.id} ({run.status})" for run in self.all()) or "no runs"
            raise RunUnknown(f"No run is named {run_id}. This stack has {known}.")
        return found

    def all(self) -> list[Run]:
        """Every run, in the order in which they began."""
        found = [
            msgspec.json.decode(path.read_bytes(), type=Run)
            for path in self.folder.glob("*/run.json")
            if path.is_file()
        ]
        return sorted(found, key=lambda run: (run.started_at, run.id))

    def path(self, run: Run) -> Path:
        """The folder of a run."""
        return self.folder / run.id

    def rehearsal(self, run: Run) -> Path:
        """A folder for a dry run."""
        folder = self.folder / f"{REHEARSAL}{run.id}"
        folder.mkdir(mode=0o700)
        return folder

    def rehearsals(self) -> list[Path]:
        """The folders of dry runs: of one that is at work, and of those that were killed."""
        return list(self.folder.glob(f"{REHEARSAL}*"))

    def index(self, run: Run) -> Index:
        """What the run read, and how far it is."""
        return Index(self.path(run) / "index.sqlite")

    def read_again(self, run: Run) -> None:
        """Forgets an index that was not finished."""
        for path in self.path(run).glob("index.sqlite*"):
            path.unlink()


def discard(folder: Path) -> None:
    """Removes the folder of a dry run."""
    shutil.rmtree(folder, ignore_errors=True)
