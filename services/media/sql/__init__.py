"""Statements of this service."""

from __future__ import annotations

from typing import Final

from cutlog.db.statements import Statements

statement: Final = Statements(__name__).named
