"""Which tests run where: `make test` keeps one example of each kind, `make test-slow` runs the expensive rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import pytest
from xdist.scheduler import LoadGroupScheduling

OTHERS: Final = ("slow", "long", "corpus", "fuzz")
"""Lanes beside `make test`, by their marks."""


def later(reason: str, *examples: Any) -> list[Any]:
    """Parameters of a test that only `make test-slow` runs, and why; a tuple holds several of one example."""
    mark = pytest.mark.slow(reason=reason)
    return [pytest.param(*(each if isinstance(each, tuple) else (each,)), marks=mark) for each in examples]


def part(tests: Iterable[pytest.Item]) -> None:
    """Of a test that is marked `few(count, reason=…)` the examples after the first `count` go into the slow lane. Those
    that have a lane already stay there."""
    seen: Counter[str] = Counter()
    for test in tests:
        if any(test.get_closest_marker(lane) for lane in OTHERS):
            continue
        for mark in test.iter_markers("few"):
            name = test.nodeid.partition("[")[0]
            seen[name] += 1
            if seen[name] > mark.args[0]:
                test.add_marker(pytest.mark.slow(reason=mark.kwargs["reason"]))


def together(group: str, test: pytest.Item, config: pytest.Config) -> None:
    """Has one worker of xdist run all tests of a group. xdist 3.8 writes the group to an attribute that pytest 9.2 does
    not read any more, and then every worker runs some of them."""
    test.add_marker(pytest.mark.xdist_group(group))
    if config.getoption("loadgroup", False) and hasattr(test, "_id"):
        test._id = type(test._id).parse(f"{test.nodeid}@{group}")


def cheap(config: pytest.Config) -> bool:
    """Whether this run is of `make test`, or of a part of it."""
    return config.option.markexpr in config.getini("addopts")


class ByFile(LoadGroupScheduling):  # type: ignore[misc]
    """Gives a worker all tests of a file at once, if they are of no group: what a module's tests share is made once.
    xdist looks at all that it gave away after each test, which takes seconds where it gives thousands of tests one by
    one. For those that take minutes it is the better way."""

    def _split_scope(self, nodeid: str) -> str:
        scope: str = super()._split_scope(nodeid)
        return nodeid.partition("::")[0] if scope == nodeid else scope
