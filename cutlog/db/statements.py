"""SQL in files: each statement of a folder in the file of its name, `<name>.sql`."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import TextClause


class Statements:
    """Those of one folder, given as a dotted package."""

    def __init__(self, package: str) -> None:
        self._folder = files(package)

    def plain(self, name: str) -> str:
        """As the driver takes it: parameters are `$1`, `$2`, …"""
        return self._folder.joinpath(f"{name}.sql").read_text(encoding="utf-8")

    def named(self, name: str) -> TextClause:
        """As SQLAlchemy takes it: parameters are `:named`."""
        from sqlalchemy import text  # not for the supervisor, which makes roles

        return text(self.plain(name))
