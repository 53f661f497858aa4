"""Small defects, one at a time: a seeded sample of places in the code, and one mutant of each."""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names

Position = tuple[int, int]
Span = tuple[Position, Position]


class Mutant(NamedTuple):
    """A module with one operator of cosmic-ray applied to one of its places."""

    path: Path
    operator: str
    occurrence: int
    span: Span

    def code(self) -> str:
        """The module's text with the defect."""
        mutated = mutate_code(self.path.read_text(), get_operator(self.operator)(), self.occurrence)
        assert isinstance(mutated, str), "the operator found this place before"
        return mutated

    def change(self) -> tuple[str, str]:
        """The first line that the defect changes, before and after."""
        old, new = self.path.read_text().splitlines(), self.code().splitlines()
        for was, now in zip(old, new, strict=False):
            if was != now:
                return was.strip(), now.strip()
        return "", ""

    def __str__(self) -> str:
        was, now = self.change()
        return f"{self.path}:{self.span[0][0]} {self.operator.removeprefix('core/')}\n  - {was}\n  + {now}"


def sample(paths: Iterable[Path], count: int, seed: int) -> list[Mutant]:
    """One mutant at each of so many places, all of them equally likely. Those that do not compile are none. An edit
    elsewhere in the code leaves the sample as it is, except for what it takes away or adds."""
    places = [place for path in paths for place in _places(path, seed)]
    found: list[Mutant] = []
    for lot, mutants in sorted(places):
        mutant = min(mutants, key=lambda each: _digest(lot, each.operator, each.occurrence - mutants[0].occurrence))
        if _compiles(mutant):
            found.append(mutant)
            if len(found) == count:
                break
    return found


def _places(path: Path, seed: int) -> Iterator[tuple[str, list[Mutant]]]:
    """The places of a module, each with its lot, which depends on its line's text and not on the lines around it."""
    lines, places, alike = path.read_text().splitlines(), dict[Span, list[Mutant]](), Counter[str]()
    for mutant in _mutants(path):
        places.setdefault(mutant.span, []).append(mutant)
    for span in sorted(places):
        (line, start), (last, end) = span
        where = f"{path} {start} {last - line} {end} {lines[line - 1]}"
        yield _digest(seed, where, alike[where]), places[span]
        alike[where] += 1


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _mutants(path: Path) -> Iterator[Mutant]:
    text = path.read_text()
    unwanted = list(_unwanted(ast.parse(text)))
    nodes = list(ast_nodes(get_ast(text)))
    for name in sorted(operator_names()):
        kind: Any = get_operator(name)
        # The second fails for exceptions with a dot in their name.
        if kind.arguments() or name == "core/ExceptionReplacer":
            continue
        operator = kind()
        places = [place for node in nodes for place in operator.mutation_positions(node)]
        for occurrence, (start, end) in enumerate(places):
            if not any(first <= start and end <= last for first, last in unwanted):
                yield Mutant(path, name, occurrence, (start, end))


def _unwanted(tree: ast.Module) -> Iterator[Span]:
    """Where a defect is none: annotations, which nothing evaluates, unions of types, and the texts of messages."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(value=ast.BinOp(op=ast.BitOr()) as union) if node in tree.body:
                yield _span(union)
            case ast.FunctionDef(args=args, returns=returns):
                given = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
                yield from (_span(each.annotation) for each in given if each and each.annotation)
                if returns is not None:
                    yield _span(returns)
            case ast.AnnAssign(annotation=annotation):
                yield _span(annotation)
            case ast.JoinedStr():
                yield _span(node)
            case ast.Raise(exc=ast.Call() as call):
                yield _span(call)
            case _:
                pass


def _span(node: ast.expr) -> Span:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def _compiles(mutant: Mutant) -> bool:
    try:
        with warnings.catch_warnings(action="ignore"):
            compile(mutant.code(), str(mutant.path), "exec")
    except SyntaxError:
        return False
    return True
