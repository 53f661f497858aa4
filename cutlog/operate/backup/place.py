"""A folder of backups: one folder for each, and a pool of files that they share, named by their SHA-256."""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from cutlog.operate.stack.secrets import write_private_json

FORMAT: Final = 1
MARK: Final = "cutlog-backups.json"
POOL: Final = "objects"
DRAFT: Final = ".draft"
MANIFEST: Final = "backup.json"
OBJECTS: Final = "objects.jsonl"
DATABASE: Final = "database.dump"
SECRETS: Final = "secrets"
RECORDS: Final = "backfill"
_NAME: Final = re.compile(r"\d{8}T\d{6}Z(?:-\d+)?")
_NEW: Final = ".new-"


class NoPlace(Exception):
    """Not a backup folder."""


class PlaceBusy(Exception):
    """Another backup or restore is using the folder."""


class BackupUnknown(Exception):
    """No such backup."""


class BackupDamaged(Exception):
    """The backup is damaged."""


class Item(msgspec.Struct, frozen=True):
    """An object: its key, bytes and SHA-256 in hex. The file in the pool has that name."""

    key: str
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """One backup. `log` is the id of the first event of the log, `position` its last. `files` are all others of its
    folder with their SHA-256; `lacking` are objects that were lost before."""

    format: int
    version: str
    at: datetime
    log: str
    position: int
    objects: int
    bytes: int
    files: dict[str, str]
    lacking: tuple[str, ...] = ()


class Mark(msgspec.Struct, frozen=True, rename="camel"):
    """What makes a folder one of backups. `log`: of which log, once it has an event."""

    format: int
    log: str = ""


class Place:
    """The folder `root`, which belongs to its user alone."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.draft = root / DRAFT

    @classmethod
    @contextmanager
    def made(cls, root: Path) -> Iterator[Place]:
        """To write to: an empty folder becomes one of backups. Removes what a run that was killed left.
        Raises NoPlace, PlaceBusy, OSError."""
        if root.exists() and not root.is_dir():
            raise NoPlace(f"{root} is a file; choose a folder")
        if root.exists() and not (root / MARK).exists() and any(MARK[:-5] not in path.name for path in root.iterdir()):
            raise NoPlace(f"{root} holds other files; choose an empty folder or an existing backup folder")
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)
        with _locked(root, fcntl.LOCK_EX):
            if not (root / MARK).exists():
                write_private_json(root / MARK, Mark(FORMAT))
            place = cls(root)
            place.mark()
            (root / POOL).mkdir(mode=0o700, exist_ok=True)
            shutil.rmtree(place.draft, ignore_errors=True)
            for left in (root / POOL).glob(f"??/{_NEW}*"):
                left.unlink()
            yield place

    @classmethod
    @contextmanager
    def found(cls, root: Path) -> Iterator[Place]:
        """To read from. Raises NoPlace, PlaceBusy, OSError."""
        if not (root / MARK).is_file():
            raise NoPlace(f"{root} has no {MARK}; name the folder that `cutlog backup` wrote to")
        with _locked(root, fcntl.LOCK_SH):
            place = cls(root)
            place.mark()
            yield place

    def mark(self) -> Mark:
        """Raises NoPlace."""
        try:
            mark = msgspec.json.decode((self.root / MARK).read_bytes(), type=Mark)
        except msgspec.DecodeError as error:
            raise NoPlace(f"{self.root / MARK} cannot be read: {error}") from None
        if mark.format > FORMAT:
            raise NoPlace(f"{self.root} was written by a newer cutlog, in format {mark.format}")
        return mark

    def belongs_to(self, log: str) -> None:
        """Notes of which log the backups are. Raises NoPlace for another one."""
        known = self.mark().log
        if known and log and known != log:
            raise NoPlace(f"{self.root} holds backups of another stack; choose a folder for each stack")
        if log and not known:
            write_private_json(self.root / MARK, Mark(FORMAT, log))

    def names(self) -> list[str]:
        """All backups, the oldest first."""
        found = (path for path in self.root.iterdir() if _NAME.fullmatch(path.name) and (path / MANIFEST).is_file())
        return sorted((path.name for path in found), key=lambda name: (name.partition("-")[0], len(name), name))

    def pool(self, sha256: str) -> Path:
        """Where the file of that digest is, or would be."""
        return self.root / POOL / sha256[:2] / sha256

    @contextmanager
    def new_file(self, sha256: str) -> Iterator[Path]:
        """A draft of a file in the pool, which gets its name when the block ends well."""
        target = self.pool(sha256)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        draft = target.with_name(f"{_NEW}{os.urandom(8).hex()}")
        try:
            yield draft
            draft.rename(target)
            sync_folder(target.parent)
        finally:
            draft.unlink(missing_ok=True)

    def publish(self, manifest: Manifest, items: list[Item]) -> str:
        """Gives the draft its name, with its list of objects, everything on disk. The name is its time."""
        lines = b"".join(msgspec.json.encode(item) + b"\n" for item in items)
        write_synced(self.draft / OBJECTS, lines)
        files = {path.relative_to(self.draft).as_posix(): digest(path) for path in _plain(self.draft)}
        write_private_json(self.draft / MANIFEST, msgspec.structs.replace(manifest, files=files))
        for folder in (*(path for path in self.draft.rglob("*") if path.is_dir()), self.draft):
            sync_folder(folder)
        name, again = f"{manifest.at.astimezone(UTC):%Y%m%dT%H%M%SZ}", 1
        while (self.root / name).exists():
            again += 1
            name = f"{name.partition('-')[0]}-{again}"
        self.draft.rename(self.root / name)
        sync_folder(self.root)
        return name

    def manifest(self, name: str) -> Manifest:
        """Raises BackupDamaged."""
        try:
            manifest = msgspec.json.decode((self.root / name / MANIFEST).read_bytes(), type=Manifest)
        except (OSError, msgspec.DecodeError) as error:
            raise BackupDamaged(f"{self.root / name / MANIFEST} cannot be read: {error}") from None
        if manifest.format > FORMAT:
            raise NoPlace(f"the backup {name} was written by a newer cutlog, in format {manifest.format}")
        return manifest

    def check(self, name: str) -> tuple[Manifest, list[Item]]:
        """The backup and its objects, when all its own files are as they were written. Raises BackupDamaged."""
        manifest, folder = self.manifest(name), self.root / name
        for relative, sha256 in manifest.files.items():
            path = folder / relative
            if not path.is_file() or digest(path) != sha256:
                raise BackupDamaged(f"{path} {'differs from what was written' if path.is_file() else 'is missing'}")
        return manifest, self.items(name)

    def items(self, name: str) -> list[Item]:
        """The objects of a backup."""
        with (self.root / name / OBJECTS).open("rb") as lines:
            return [msgspec.json.decode(line, type=Item) for line in lines]

    def forget(self, keep: int) -> list[str]:
        """Removes the oldest backups but for `keep`, then files that none of the others needs; which went."""
        names = self.names()
        gone = names[: max(0, len(names) - keep)]
        for name in gone:
            (self.root / name / MANIFEST).unlink()  # from here on it is none
            shutil.rmtree(self.root / name)
        if gone:
            needed = {item.sha256 for name in self.names() for item in self.items(name)}
            for path in (self.root / POOL).glob("??/*"):
                if path.name not in needed:
                    path.unlink()
        return gone


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_synced(path: Path, content: bytes) -> None:
    """A private file, on disk when this returns."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Its names are on disk when this returns."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _plain(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@contextmanager
def _locked(root: Path, how: int) -> Iterator[None]:
    """The kernel ends it with the process."""
    try:
        descriptor = os.open(root / MARK.replace(".json", ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        if how == fcntl.LOCK_EX:
            raise
        descriptor = os.open(root / MARK, os.O_RDONLY | os.O_CLOEXEC)  # a disk that can only be read
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise PlaceBusy(f"Wait until it has finished: {root}") from None
    try:
        yield
    finally:
        os.close(descriptor)
