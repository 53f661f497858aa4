"""The legacy store on disk. Everything is opened for reading only."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cutlog.operate.backfill.oddities import Oddity, Tell

FILES: Final = ("projects", "videos", "editOperations", "exportVersions")
CHUNK: Final = 1 << 20
TRIES: Final = 5


class NoLegacyStore(Exception):
    """The folder is not a legacy store."""


@dataclass(frozen=True)
class Seen:
    """What a file was when it was copied: enough to notice that it has changed since."""

    device: int
    inode: int
    size: int
    modified: int

    @classmethod
    def of(cls, status: os.stat_result) -> Seen:
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)


class Source:
    """A folder with `data/*.json` and `uploads/`."""

    def __init__(self, root: Path) -> None:
        """Raises NoLegacyStore."""
        self.root = root.expanduser().resolve()
        self.data, self.uploads = self.root / "data", self.root / "uploads"
        if not any((self.data / f"{name}.json").is_file() for name in FILES):
            raise NoLegacyStore(f"{self.root} has none of {', '.join(f'data/{name}.json' for name in FILES)}")

    def copy(self, name: str, folder: Path, tell: Tell) -> tuple[Path, Seen | None]:
        """A copy of one JSON file as it was at one moment, to be read at leisure while the store goes on."""
        origin, target = self.data / f"{name}.json", folder / f"{name}.json"
        file = f"data/{name}.json"
        seen = None
        for _ in range(TRIES):
            try:
                seen = _copied(origin, target)
            except FileNotFoundError:
                tell(Oddity(file, "", "the file is not there", "read as an empty list"))
                target.write_bytes(b"[]")
                return target, None
            if seen == Seen.of(origin.stat()):
                return target, seen
        tell(Oddity(file, "", "it keeps changing", "read while it was changing; run again to import the rest"))
        return target, seen

    def changed(self, name: str, seen: Seen | None) -> bool:
        """Whether the file is another than it was when it was copied."""
        try:
            return Seen.of((self.data / f"{name}.json").stat()) != seen
        except FileNotFoundError:
            return seen is not None

    def find(self, written: str | None, *folders: str, name: str | None = None) -> Path | None:
        """The file that a path in the store means: relative, absolute or from Windows, from this machine or another.

        Only files below `uploads` count, and none through a link that leads out of it.
        """
        for words in _ways(written, folders, name):
            found = self._inside(words)
            if found is not None:
                return found
        return None

    def files(self) -> Iterator[tuple[str, int]]:
        """Every file below `uploads`: its path from there, and its bytes."""
        for parent, folders, names in os.walk(self.uploads):
            folders.sort()
            for each in sorted(names):
                path = Path(parent) / each
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):
                    yield path.relative_to(self.uploads).as_posix(), status.st_size

    def _inside(self, words: list[str]) -> Path | None:
        if not words or ".." in words or any("\0" in word for word in words):
            return None
        try:
            path = self.uploads.joinpath(*words).resolve()
            inside = path.is_relative_to(self.uploads.resolve()) and path.is_file()
        except (OSError, ValueError):
            return None
        return path if inside else None


def _copied(origin: Path, target: Path) -> Seen:
    descriptor = os.open(origin, os.O_RDONLY | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file, target.open("wb") as copy:
        seen = Seen.of(os.fstat(descriptor))
        while chunk := file.read(CHUNK):
            copy.write(chunk)
    return seen


def _ways(written: str | None, folders: tuple[str, ...], name: str | None) -> Iterator[list[str]]:
    """Paths below `uploads` that may be meant, the likeliest first, as words."""
    if written:
        words = [word for word in re.split(r"[\\/]+", written) if word not in ("", ".")]
        if words and re.fullmatch(r"[A-Za-z]:", words[0]):
            words = words[1:]
        if "uploads" in words:
            last = len(words) - words[::-1].index("uploads")
            yield words[last:]
        yield words
        for folder in folders:
            yield [folder, *words[-1:]]
    if name:
        for folder in folders:
            yield [folder, name]
        yield [name]
