"""How much of a store's edits becomes ours, what does not, and why: with some of the operations themselves."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final

import msgspec

from cutlog.contract.answers.internal import Kept
from cutlog.operate.backfill.index import Index, unpack
from cutlog.operate.backfill.rows import LegacyOperation

SAMPLES: Final = 3
"""Operations of each kind that are shown: of different reasons before several of one."""
LARGEST: Final = 2_000
"""Bytes of an operation that is shown whole."""


class Sample(msgspec.Struct, frozen=True, rename="camel"):
    """An operation that is kept as it was written, and why; the beginning of its JSON where it is very large."""

    project: str
    version: int
    why: str
    op: Any


class Kind(msgspec.Struct, frozen=True, rename="camel"):
    """Operations of one kind that could not be translated; the kind is as the store writes it."""

    kind: str
    operations: int
    samples: tuple[Sample, ...]


class Coverage(msgspec.Struct, frozen=True, rename="camel"):
    """`translated` of `operations` are in the edit language. `kinds` are those that are not, the commonest first;
    `with_them` so many more are kept that stand beside or after one of these. `percent` is rounded down. Projects that
    are passed over are left out."""

    operations: int
    translated: int
    percent: int
    with_them: int
    kinds: tuple[Kind, ...]


def note(index: Index, project: str, kept: Kept) -> None:
    """Notes a version with ops that could not be translated; noting it again changes nothing."""
    row = project, kept.version, kept.why, kept.live, kept.with_them
    index.do("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?)", *row)
    for place, each in enumerate(kept.ops):
        values = project, kept.version, place, each.kind, each.why, msgspec.json.encode(each.op)
        index.do("INSERT OR REPLACE INTO kept_op VALUES (?, ?, ?, ?, ?, ?)", *values)


def covered(index: Index) -> Coverage:
    """The coverage of a run whose projects were all sent."""
    moved = "project IN (SELECT id FROM project WHERE NOT passed)"
    operations = sum(
        len(unpack(row["row"], LegacyOperation).ops)
        for row in index.all(f"SELECT row FROM operation WHERE {moved}")  # noqa: S608
    )
    with_them = index.number(f"SELECT sum(with_them) FROM kept WHERE {moved}")  # noqa: S608
    counts = Counter({
        row["kind"]: row["number"]
        for row in index.all(f"SELECT kind, count(*) AS number FROM kept_op WHERE {moved} GROUP BY kind")  # noqa: S608
    })  # fmt: skip
    translated = operations - with_them - counts.total()
    return Coverage(
        operations=operations,
        translated=translated,
        percent=math.floor(100 * translated / operations) if operations else 100,
        with_them=with_them,
        kinds=tuple(
            Kind(kind, number, tuple(_samples(index, kind, moved)))
            for kind, number in sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        ),
    )


def _samples(index: Index, kind: str, moved: str) -> Iterator[Sample]:
    """Small ones first, of every reason before a second one of any."""
    ranked = (
        "SELECT project, version, why, op FROM (SELECT *, row_number() OVER"  # noqa: S608
        f" (PARTITION BY why ORDER BY length(op) > {LARGEST}, project, version, place) AS number"
        f" FROM kept_op WHERE kind = ? AND {moved}) ORDER BY number, project, version, place LIMIT ?"
    )
    for row in index.all(ranked, kind, SAMPLES):
        given = index.one("SELECT given FROM project WHERE id = ?", row["project"])
        assert given is not None, "only projects have versions"
        whole = len(row["op"]) <= LARGEST
        op = msgspec.json.decode(row["op"]) if whole else f"{row['op'][:LARGEST].decode('utf-8', 'ignore')} …"
        yield Sample(given["given"], row["version"], row["why"], op)


def sentence(coverage: Coverage) -> str:
    """The coverage in words."""
    if not coverage.operations:
        return "there are no operations to translate"
    said = f"{coverage.percent}% of operations translate ({coverage.translated} of {coverage.operations})"
    if coverage.kinds:
        kinds = ", ".join(f"{each.kind or 'without a kind'} {each.operations}" for each in coverage.kinds)
        said += f"; kinds that do not: {kinds}"
    if coverage.with_them:
        said += f"; kept with them, as they stand beside or after one of these: {coverage.with_them}"
    return said
