"""A whole plan as a file, a thousand candidates at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import Any, Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract.answers.collection import Candidate
from services.gc.report import plans

_PAGE: Final = 1000
_COLUMNS: Final = (
    "class", "id", "projectId", "version", "profile", "key", "size", "finishedAt", "reasons",
)  # fmt: skip
_CANONICAL: Final = msgspec.json.Encoder(order="sorted")


async def json_of(engine: AsyncEngine, plan: Any) -> AsyncIterator[bytes]:
    """The document that the plan's hash is of, byte for byte."""
    yield b'{"at":' + _CANONICAL.encode(plan.at) + b',"candidates":['
    first = True
    async for page in _pages(engine, plan.plan_id):
        lines = b",".join(_CANONICAL.encode(line) for line in page)
        yield lines if first else b"," + lines
        first = False
    end = b'],"policy":' + _CANONICAL.encode(plan.policy) + b',"position":' + _CANONICAL.encode(plan.position)
    yield end + b',"tenant":' + _CANONICAL.encode(plan.tenant) + b"}"


async def csv_of(engine: AsyncEngine, plan: Any) -> AsyncIterator[bytes]:
    """A line of names, then one for each candidate."""
    yield _line(_COLUMNS)
    async for page in _pages(engine, plan.plan_id):
        yield b"".join(_line(_cells(line)) for line in page)


def _cells(line: Candidate) -> tuple[object, ...]:
    reasons = "; ".join(f"{reason.rule}: {reason.detail}" for reason in line.reasons)
    return (
        line.class_, line.id, line.project_id, line.version, line.profile, line.key, line.size,
        line.finished_at.isoformat(), reasons,
    )  # fmt: skip


def _line(cells: tuple[object, ...]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(["" if cell is None else _harmless(cell) for cell in cells])
    return text.getvalue().encode()


def _harmless(cell: object) -> object:
    """A spreadsheet takes text that begins so for a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell


async def _pages(engine: AsyncEngine, plan_id: str) -> AsyncIterator[list[Candidate]]:
    after = 0
    while True:
        async with engine.connect() as connection:
            page = await plans.candidates(connection, plan_id, after, _PAGE)
        if not page:
            return
        yield page
        after += len(page)
