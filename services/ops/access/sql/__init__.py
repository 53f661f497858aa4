"""The statements on access."""

from __future__ import annotations

from typing import Final

from cutlog.db.statements import Statements

statement: Final = Statements(__name__).plain
