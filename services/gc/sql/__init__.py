"""Statements of this service."""

from __future__ import annotations

from typing import Final

from cutlog.db.statements import Statements

_statements: Final = Statements(__name__)
statement: Final = _statements.named
plain: Final = _statements.plain
