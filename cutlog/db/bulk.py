"""Many rows in one statement: an array for each column, so that the text of a statement does not grow with them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Column, ColumnElement, Select, any_, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY


def unnested(columns: Iterable[Column[Any]], rows: Collection[object]) -> Select[Any]:
    """The rows, each of which has an attribute of the name of each column, for INSERT … SELECT."""
    return select(*[func.unnest(_array(column, [getattr(row, column.key) for row in rows])) for column in columns])


def among(column: Column[Any], values: Iterable[object]) -> ColumnElement[bool]:
    """Whether the column has one of the values."""
    return column == any_(_array(column, list(values)))


def _array(column: Column[Any], values: list[Any]) -> ColumnElement[Any]:
    kind = ARRAY(column.type)
    return cast(bindparam(None, values, type_=kind), kind)
