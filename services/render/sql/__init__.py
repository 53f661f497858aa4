"""Statements of this service, one file each."""

from __future__ import annotations

from importlib.resources import files

from sqlalchemy import TextClause, text


def statement(name: str) -> TextClause:
    """The statement in `<name>.sql`; parameters are `:named`."""
    return text(files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8"))
