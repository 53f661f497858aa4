"""The log's statements; `append` is a function that lives in the database."""

from __future__ import annotations

from typing import Final

from cutlog.db.statements import Statements

statement: Final = Statements(__name__).plain
