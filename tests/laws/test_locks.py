"""What the lock files hold: production in one, the tools besides in the other, and nothing that is not needed."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.laws.modules import modules

ROOT = Path(__file__).parents[2]
PRODUCTION, DEVELOPER = (ROOT / name for name in ("requirements.lock", "requirements-dev.lock"))
OPTIONAL = {"opentelemetry"}
"""Imported where they are installed."""


def locked(path: Path) -> dict[str, Requirement]:
    """Name and markers → the requirement. Every one is pinned, with hashes."""
    found = {}
    for entry in re.split(r"\n(?=\S)", path.read_text(encoding="utf-8").strip()):
        requirement, *hashes = re.split(r"\s*\\\n\s+", entry)
        assert hashes and all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", each) for each in hashes), entry
        one = Requirement(requirement)
        assert str(one.specifier).startswith("=="), requirement
        found[f"{canonicalize_name(one.name)} {one.specifier}"] = one
    return found


def names(requirements: dict[str, Requirement]) -> set[str]:
    return {str(canonicalize_name(one.name)) for one in requirements.values()}


def test_production_is_a_part_of_what_developers_install_in_the_same_versions() -> None:
    production, developer = locked(PRODUCTION), locked(DEVELOPER)
    assert production.keys() < developer.keys()


def test_each_lock_has_what_was_asked_for_and_production_has_no_tool() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {str(canonicalize_name(Requirement(each).name)) for each in project["project"]["dependencies"]}
    lines = (ROOT / "requirements.in").read_text(encoding="utf-8").splitlines()
    tools = {str(canonicalize_name(Requirement(line).name)) for line in lines if line and not line.startswith("#")}
    production = names(locked(PRODUCTION))
    assert needed <= production and tools <= names(locked(DEVELOPER))
    assert production.isdisjoint(tools)


def test_no_lock_says_where_it_was_resolved() -> None:
    for path in (PRODUCTION, DEVELOPER):
        assert "://" not in path.read_text(encoding="utf-8")


def test_what_is_imported_at_run_time_is_in_the_lock_of_production() -> None:
    production, brought = names(locked(PRODUCTION)), packages_distributions()
    imported = {name.partition(".")[0]: module.name for module in modules().values() for name in module.imports}
    ours = {"cutlog", "services", *sys.stdlib_module_names, *OPTIONAL}
    assert len(imported) > 50
    for name in imported.keys() - ours:
        from_packages = {str(canonicalize_name(each)) for each in brought[name]}
        assert from_packages & production, f"{name}, which {imported[name]} imports, is not in {PRODUCTION.name}"
