"""What the documents say is there: every test that an invariant or a law names, every file that a page links to."""

from __future__ import annotations

import ast
import os
import re
from pathlib import Path

import pytest

from tests.laws.modules import ROOT, modules_of_tests, nodes

NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)|<img[^>]* src=\"(?!https?:)([^\"]+)\"")
SKIPPED = {".venv", ".demo", ".data", "node_modules", ".git"}


def documents() -> list[Path]:
    found: list[Path] = []
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED]
        found += [Path(folder, name) for name in files if name.endswith(".md")]
    return sorted(found)


def functions(path: Path) -> set[str]:
    tree = modules_of_tests()[path]
    return {node.name for node in nodes(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize("page", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_test_that_a_document_names_exists(page: Path) -> None:
    for file, name in NAMED.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / file).is_file(), f"{file} is named in {page.name} and not there"
        assert not name or name in functions(ROOT / file), f"{file}::{name} is named in {page.name} and not there"


@pytest.mark.parametrize("page", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_file_that_a_document_links_to_exists(page: Path) -> None:
    for link, image in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / (link or image)).exists(), f"{page.name} links to {link or image}, which is not there"


FRAGMENT = re.compile(r"\]\((?!https?:)([^)#\s]*)#([^)\s]+)\)")


def headings(page: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a page."""
    found = re.findall(r"^#{1,6} (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    texts = [re.sub(r"\[([^\]]*)\]\([^)]*\)|[`*]", r"\1", each).lower() for each in found]
    return {re.sub(r"[^\w\- ]", "", text).replace(" ", "-") for text in texts}


@pytest.mark.parametrize("page", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_heading_that_a_document_links_to_exists(page: Path) -> None:
    for link, fragment in FRAGMENT.findall(page.read_text(encoding="utf-8")):
        target = page.parent / link if link else page
        if target.suffix == ".md":
            assert fragment in headings(target), f"{page.name} links to {link}#{fragment}, which is not there"


def test_every_invariant_of_the_collector_names_its_tests() -> None:
    text = (ROOT / "services" / "gc" / "INVARIANTS.md").read_text(encoding="utf-8")
    sentences = re.split(r"^\d+\. ", text, flags=re.MULTILINE)[1:]
    assert len(sentences) > 10
    for sentence in sentences:
        assert re.search(r"\b(must|should)\b", sentence), sentence
        assert NAMED.search(sentence), sentence


def test_the_policy_for_vulnerabilities_stands_where_github_shows_it_and_names_a_private_way() -> None:
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for said in ("Report a vulnerability", "What happens then", "Supported versions", "`make sbom`"):
        assert said in text
    assert "@" not in text, "an address would have to exist"
