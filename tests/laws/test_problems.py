"""Problems: each situation has one type, and each type one status and one title."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

from cutlog.web import ProblemType
from services.ops.api.problems import TYPES
from tests.laws.modules import ROOT, dotted, nodes, parsed

SOURCES = sorted([*ROOT.glob("cutlog/**/*.py"), *ROOT.glob("services/**/*.py")])
OLD_FRONTENDS = {"name-missing", "resolution-invalid", "fps-invalid", "settings-invalid"}
"""Their envelope says what is wrong with a project by the slug alone."""


def modules() -> list[Path]:
    return [path for path in SOURCES if re.search(r"= ProblemType\(", path.read_text(encoding="utf-8"))]


def types() -> list[ProblemType]:
    found = []
    for path in modules():
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        found += [each for each in vars(module).values() if isinstance(each, ProblemType)]
    return found


def test_a_type_is_the_same_wherever_it_is_declared_and_no_other_has_its_title() -> None:
    known: dict[str, ProblemType] = {}
    titles: dict[str, str] = {}
    for each in types():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", each.slug)
        assert 400 <= each.status < 600
        assert known.setdefault(each.slug, each) == each, f"{each.slug} is declared in two ways"
        if each.slug not in OLD_FRONTENDS:
            assert titles.setdefault(each.title, each.slug) == each.slug, f"two types are called {each.title!r}"
    assert len(known) > 50


def test_problems_are_raised_by_their_type_and_described_with_an_example() -> None:
    for path in SOURCES:
        for node in nodes(parsed(path)):
            if isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] == "Problem":
                place = f"{path.relative_to(ROOT)}:{node.lineno}"
                assert path.name == "problems.py", f"{place}: raise it by its type, such as NOT_FOUND(…)"
    internal = {"not-imported", "edited-since", "other-bytes", "not-arrived"}
    compat = OLD_FRONTENDS | {"op-refused", "export-invalid", "upload-invalid", "nothing-marked"}
    for each in types():
        assert each.example or each.slug in internal | compat, f"{each.slug} has no example of a detail"


def test_commands_over_nats_and_requests_over_http_are_refused_by_the_same_names() -> None:
    assert {error: error.code for error in TYPES} == {error: of.slug for error, of in TYPES.items()}
