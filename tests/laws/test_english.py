"""Phrases that a reader stumbles over, in what people read: pages, messages, help and the API's descriptions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.laws.modules import ROOT, nodes, parsed

PAGES = [
    ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
] + sorted([*ROOT.glob("docs/**/*.md"), *ROOT.glob("services/**/*.md")])  # fmt: skip
BETTER = {
    r"\banew\b": "again",
    r"\bgo(es)? on (with|where|after|from)\b": "continues, resumes",
    r"\bgone on with\b": "continued",
    r"\b(hears?|heard) of\b": "is notified, learns",
    r"\bleave it away\b": "omit it",
    r"\b(is|are) away\b": "is unavailable",
    r"\bmay go (soon|by|when|on)\b|\bwhat may go\b|\bwould go;": "can be deleted",
    r"\blets? (it |them )?go\b": "allows to delete",
    r"\bin silence\b": "silently",
    r"\bmend(s|ed|ing)?\b": "repair",
    r"\brotten\b|\btorn (file|segment|line)s?\b": "corrupt, truncated",
    r"\bof before\b": "earlier",
    r"\basked for it\b": "requested it",
    r"\bnobody (keeps|needs|wants)\b": "nothing refers to it, it is not needed",
    r"\bbeyond any sense\b": "out of range",
    r"\bon our side\b": "internal",
    r"\btaken for dead\b": "considered dead",
    r"\bdoes not take the\b": "can't write",
    r"\bnot go together\b": "conflicts",
    r"\bovertaken by\b": "superseded",
    r"\bnot there any more\b": "no longer exists",
    r"\bdid not come\b|\bcame in time\b": "did not arrive",
}


def strings(path: Path) -> Iterator[tuple[int, str]]:
    """Every text in the code that is not a comment on it: what is logged, answered, printed and documented."""
    tree = parsed(path)
    comments = {id(node.value) for node in nodes(tree) if isinstance(node, ast.Expr)}
    for node in nodes(tree):
        if isinstance(node, ast.Constant) and " " in str(node.value) and id(node) not in comments:
            yield node.lineno, str(node.value)


def handlers(path: Path) -> Iterator[tuple[int, str]]:
    """Descriptions of operations and commands: docstrings of what a decorator registers."""
    for node in nodes(parsed(path)):
        decorators = " ".join(map(ast.unparse, getattr(node, "decorator_list", ())))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and re.search(r"\bapi\.|command", decorators):
            yield node.lineno, ast.get_docstring(node) or ""


def stumbles(text: str) -> list[str]:
    return [
        f"{found[0]!r} (better: {better})" for phrase, better in BETTER.items() for found in re.finditer(phrase, text)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_no_page_has_a_phrase_that_readers_stumble_over(page: Path) -> None:
    lines = page.read_text(encoding="utf-8").splitlines()
    assert [f"{number}: {each}" for number, line in enumerate(lines, 1) for each in stumbles(line)] == []


def test_no_message_or_description_has_one() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {each}"
        for path in sorted([*ROOT.glob("cutlog/**/*.py"), *ROOT.glob("services/**/*.py")])
        if "migrations" not in path.parts
        for line, text in [*strings(path), *handlers(path)]
        for each in stumbles(text)
    ]
    assert found == []
