"""The same thing has the same name in every service: errors, the table that answers them, the adding of routes."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
from typing import Final

import pytest

import services
from cutlog.contract.effects import EFFECTS
from cutlog.web.problems import Problem
from services.gc.errors import GcError
from services.media.errors import MediaError
from services.ops.errors import OpsError
from services.render.errors import RenderError
from tests.laws.modules import ROOT, modules, nodes

BASES: Final = {"ops": OpsError, "media": MediaError, "render": RenderError, "gc": GcError}
#: Their modules are parts of programs that run confined, with no other module of ours beside them.
CONFINED: Final = ("services.ops.captions", "services.ops.interchange.convert", "services.ops.interchange.readers",
                   "services.ops.interchange.schema")  # fmt: skip


def errors(service: str) -> list[type[BaseException]]:
    found = []
    for info in pkgutil.walk_packages(services.__path__, "services."):
        if info.name.startswith(f"services.{service}.") and not info.name.endswith(("convert", "read_captions")):
            if ".migrations" in info.name:
                continue
            for value in vars(importlib.import_module(info.name)).values():
                if inspect.isclass(value) and issubclass(value, BaseException) and value.__module__ == info.name:
                    found.append(value)
    return found


@pytest.mark.parametrize("service", list(BASES))
def test_errors_of_a_service_have_one_base_a_name_and_a_sentence(service: str) -> None:
    found = errors(service)
    assert found
    for error in found:
        assert error.__name__.endswith("Error"), error
        assert error.__doc__, error
        assert issubclass(error, BASES[service]) or error.__module__.startswith(CONFINED), error
        assert not issubclass(error, Problem), f"{error}: how it is answered is said in api/problems.py"


def test_how_errors_are_answered_is_said_in_one_table_of_each_service() -> None:
    mapping = {
        name for name, module in modules().items() if "api.problem" in module.calls and name.startswith("services")
    }
    assert mapping == {f"services.{service}.api.problems" for service in BASES}


def test_routes_are_added_by_functions_of_one_name() -> None:
    adding = {"routes", "map_problems", "federate"}
    for path in sorted(ROOT.glob("services/**/*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.args.args:
                first = node.args.args[0].annotation
                if isinstance(first, ast.Name) and first.id == "Api" and not node.name.startswith("_"):
                    assert node.name in adding, f"{path}: {node.name}"


def test_what_kinds_of_effects_do_is_said_in_tables() -> None:
    """A name in a comparison is a trait that a new kind lacks without anybody noticing. What other programs call theirs
    is another matter."""
    compared = [
        f"{name}:{constant.lineno}: {constant.value}"
        for name, module in modules().items()
        if not name.startswith(("services.ops.interchange", "services.ops.legacy"))
        for node in nodes(module.tree)
        for part in _compared(node)
        for constant in ast.walk(part)
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str) and constant.value in EFFECTS
    ]
    assert compared == []


def _compared(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.Compare(left=left, comparators=others):
            return [left, *others]
        case ast.match_case(pattern=pattern):
            return [pattern]
        case _:
            return []
