"""Tests wait as long as it takes: a machine that others keep busy fails none of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.laws.modules import ROOT, dotted, modules_of_tests, nodes
from tests.support.waiting import PATIENCE

BY_NAME = {"timeout", "total"}
BY_PLACE = {"wait_for": 1, "timeout": 0, "wait": 0, "communicate": 1, "next_msg": 0, "settimeout": 0}
"""Where calls take a limit in seconds: as an argument of these names, or at that place of calls of these."""
MINUTES, SHORT = 60, 2
HANDLES = ("raises", "suppress")


def limits_of_its_own(tree: ast.Module) -> Iterator[int]:
    """Lines with a limit that is a number, unless its end is awaited: a short one that is caught or asked again."""
    awaited = {
        id(node)
        for outer in nodes(tree)
        if isinstance(outer, ast.For | ast.AsyncFor | ast.While | ast.Try)
        or (isinstance(outer, ast.With | ast.AsyncWith) and _handles(outer))
        for node in ast.walk(outer)
    }
    for node in nodes(tree):
        if not isinstance(node, ast.Call):
            continue
        place = BY_PLACE.get(dotted(node.func).rpartition(".")[2])
        given = [each.value for each in node.keywords if each.arg in BY_NAME]
        given += node.args[place : place + 1] if place is not None else []
        for each in given:
            seconds = each.value if isinstance(each, ast.Constant) else None
            if isinstance(seconds, int | float) and seconds and (seconds > SHORT or id(node) not in awaited):
                yield node.lineno


def _handles(node: ast.With | ast.AsyncWith) -> bool:
    return any(word in ast.unparse(item.context_expr) for item in node.items for word in HANDLES)


def test_what_is_waited_for_has_the_patience_of_all_tests() -> None:
    assert PATIENCE > MINUTES
    assert [
        f"{path.relative_to(ROOT)}:{line}"
        for path, tree in modules_of_tests().items()
        for line in limits_of_its_own(tree)
    ] == [], "PATIENCE of tests/support/waiting.py is for what only a hang makes take long"


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("await eventually(ready)", True),
        ("await eventually(ready, timeout=PATIENCE)", True),
        ("await eventually(ready, timeout=20)", False),
        ("await asyncio.wait_for(ready(), 5)", False),
        ("async with asyncio.timeout(180): ...", False),
        ("subprocess.run(command, timeout=120)", False),
        ("process.wait(10)", False),
        ("aiohttp.ClientTimeout(total=20)", False),
        ("aiohttp.ClientTimeout(total=None)", True),
        ("bus.request('x', timeout=1)", False),
        ("with pytest.raises(TimeoutError): bus.request('x', timeout=1)", True),
        ("with pytest.raises(TimeoutError): bus.request('x', timeout=20)", False),
        ("while True: asyncio.wait([asked], timeout=0.05)", True),
    ],
)
def test_the_law_sees_limits_of_a_tests_own(text: str, good: bool) -> None:
    if text.startswith(("await", "async")):
        text = f"async def test() -> None:\n    {text}"
    assert (list(limits_of_its_own(ast.parse(text))) == []) == good
