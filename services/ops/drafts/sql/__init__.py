"""The statements on drafts, each in the file of its name."""

from __future__ import annotations

from importlib.resources import files


def statement(name: str) -> str:
    """The text of `<name>.sql`."""
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
