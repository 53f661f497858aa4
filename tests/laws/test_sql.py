"""SQL of services stands in files, so that whoever looks for a statement finds it by its name."""

from __future__ import annotations

import ast
import re
from typing import Final

from tests.laws.modules import ROOT, modules, nodes

STATEMENT: Final = re.compile(
    r"\s*(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|WITH \w+ AS|TRUNCATE \w+|LOCK TABLE|TABLE \w+"
    r"|(CREATE|ALTER|DROP) (TABLE|INDEX|FUNCTION)|GRANT \w+)\b"
)
BUILDERS: Final = {
    *(f"sqlalchemy.{name}" for name in ("delete", "insert", "select", "table", "text", "union", "union_all", "update")),
    *(f"sqlalchemy.{name}" for name in ("MetaData", "Table", "func", "literal_column")),
    "sqlalchemy.dialects.postgresql.insert",
}
BUILT: Final = {
    "services.media.compat.reads": "the client chooses by what to search and to sort",
    "services.media.records.visible": "what an actor sees is a condition of several queries",
    "services.media.records.videos": "which columns change depends on the video; several changes share some",
    "services.media.records.learnt": "as above",
    "services.media.records.settling": "as above",
    "services.media.renditions.worker": "as above",
    "services.media.renditions.tidying": "as above",
    "services.media.renditions.examining": "which videos is a condition of a query and of a change",
    "services.media.proof": "as above",
    "services.media.tables": "the tables that they are built over",
}
"""Modules of services that build statements, and what of a statement depends on the request or is shared."""


def services() -> list[str]:
    return [name for name in modules() if name.startswith("services.") and ".migrations" not in name]


def test_no_service_has_sql_in_its_code() -> None:
    found = [
        f"{name}:{node.lineno}: {node.value.strip()[:60]}"
        for name in services()
        for node in nodes(modules()[name].tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and STATEMENT.match(node.value)
    ]
    assert found == []


def test_only_statements_whose_clauses_vary_are_built() -> None:
    building = {name for name in services() if BUILDERS & set(modules()[name].imports)}
    assert building == set(BUILT)


def test_every_file_of_sql_is_used_by_its_name() -> None:
    named = {
        node.value
        for module in modules().values()
        for node in nodes(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    unused = [
        str(path.relative_to(ROOT))
        for folder in ("cutlog/db", "services")
        for path in sorted((ROOT / folder).rglob("*.sql"))
        if path.stem not in named
    ]
    assert unused == []


def test_migrations_of_a_service_follow_one_another() -> None:
    """Two of one number would both be the newest, and neither would run."""
    for folder in sorted((ROOT / "services").glob("*/migrations/versions")):
        found = sorted(path.name[:4] for path in folder.glob("[0-9]*.py"))
        assert found == [f"{number:04}" for number in range(1, len(found) + 1)], folder
        for path in folder.glob("[0-9]*.py"):
            before = None if path.name[:4] == "0001" else f"{int(path.name[:4]) - 1:04}"
            said = dict(re.findall(r'^(revision|down_revision) = (?:"(\d+)"|None)', path.read_text(), re.M))
            assert said == {"revision": path.name[:4], "down_revision": before or ""}, path
