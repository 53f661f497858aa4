"""The modules of the product as syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def nodes(tree: ast.AST) -> tuple[ast.AST, ...]:
    """All nodes of a tree: every law looks at them, and they are walked once."""
    return tuple(ast.walk(tree))


def dotted(node: ast.expr) -> str:
    """A dotted name as it is written; what else stands before a dot is left out."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{dotted(value)}.{name}"
        case _:
            return ""


@cache
def parsed(path: Path) -> ast.Module:
    """The tree of a file, which several laws look at."""
    return ast.parse(path.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Module:
    """One file of `cutlog` or `services`."""

    name: str
    path: Path

    @cached_property
    def lines(self) -> list[str]:
        return self.path.read_text().splitlines()

    @cached_property
    def tree(self) -> ast.Module:
        return parsed(self.path)

    @cached_property
    def package(self) -> str:
        return self.name if self.path.name == "__init__.py" else self.name.rpartition(".")[0]

    @cached_property
    def imports(self) -> list[str]:
        """Dotted names it imports, wherever; `from a import b` gives `a.b`."""
        return list(self._imports())

    @cached_property
    def calls(self) -> list[str]:
        """What it calls, as far as that is written as a dotted name: `datetime.now`, `open`."""
        return [dotted(node.func) for node in nodes(self.tree) if isinstance(node, ast.Call)]

    def _imports(self) -> Iterator[str]:
        for node in nodes(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = ".".join(self.package.split(".")[: 1 - node.level or None]) if node.level else ""
                origin = ".".join(part for part in (base, node.module or "") if part)
                yield from (f"{origin}.{alias.name}" for alias in node.names)


@cache
def modules() -> dict[str, Module]:
    """All modules of the product by dotted name."""
    found = {}
    for package in ("cutlog", "services"):
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = Module(name, path)
    return found


def module_of(imported: str) -> Module | None:
    """The module of the product that an imported name comes from: itself, or the one that defines it."""
    known = modules()
    return known.get(imported) or known.get(imported.rpartition(".")[0])


@cache
def modules_of_tests() -> dict[Path, ast.Module]:
    """All modules of the tests and what they use, as syntax trees."""
    return {path: parsed(path) for path in sorted((ROOT / "tests").rglob("*.py"))}
