"""What was read of a legacy store, as rows of an SQLite file: sorted, joined and counted there, not in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

import msgspec

from cutlog.operate.backfill.oddities import Oddity

T = TypeVar("T")
FORM: Final = 4
"""Counts the forms of the tables, and of the rows in them."""
SCHEMA: Final = (files("cutlog.operate.backfill") / "index.sql").read_text(encoding="utf-8")


class Index:
    """An index that is being filled or read; a context manager that closes it."""

    def __init__(self, path: Path) -> None:
        new = not path.exists()
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        # What is in it can be read again from the source: nothing of it has to outlive the machine.
        self._db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384;")
        if new:
            self._db.executescript(SCHEMA)
            self._db.execute(f"PRAGMA user_version = {FORM}")

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def current(self) -> bool:
        """Whether it has the form of today; one that an earlier release began has not."""
        return self.number("PRAGMA user_version") == FORM

    def close(self) -> None:
        """Ends the work with it."""
        self._db.close()

    def begin(self) -> None:
        """From here to `commit` rows cost no write of their own."""
        self._db.execute("BEGIN")

    def commit(self) -> None:
        """Ends what `begin` began."""
        self._db.execute("COMMIT")

    def tell(self, oddity: Oddity) -> None:
        """Notes a line of the report, once."""
        self.do("INSERT OR IGNORE INTO oddity VALUES (?, ?, ?, ?)", oddity.file, oddity.id, oddity.what, oddity.done)

    def oddities(self) -> Iterator[Oddity]:
        """The lines of the report, by file and id."""
        for row in self.all("SELECT file, id, what, done FROM oddity ORDER BY file, id, what"):
            yield Oddity(*row)

    def do(self, sql: str, *arguments: Any) -> int:
        """Runs a statement; how many rows it changed."""
        return self._db.execute(sql, arguments).rowcount

    def one(self, sql: str, *arguments: Any) -> sqlite3.Row | None:
        """The first row of a query."""
        row: sqlite3.Row | None = self._db.execute(sql, arguments).fetchone()
        return row

    def all(self, sql: str, *arguments: Any) -> Iterator[sqlite3.Row]:
        """The rows of a query, read as they are asked for. Other statements may run meanwhile."""
        cursor = self._db.cursor()
        yield from cursor.execute(sql, arguments)

    def number(self, sql: str, *arguments: Any) -> int:
        """The number that a query answers; 0 for none."""
        row = self.one(sql, *arguments)
        return 0 if row is None or row[0] is None else int(row[0])


def pack(row: msgspec.Struct) -> bytes:
    """A typed row as it is kept."""
    return msgspec.msgpack.encode(row)


def unpack(blob: bytes, kind: type[T]) -> T:
    """A typed row as it was kept."""
    return msgspec.msgpack.decode(blob, type=kind)
