"""Trials of mutants inside a function: tests are collected once, and each trial is a fork of that session in which the
function's code is another. It runs the tests that call the function, the fastest first."""

from __future__ import annotations

import ast
import gc
import json
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any, NamedTuple

import pytest

from tests.mutation.mutants import Mutant
from tests.mutation.processes import Trial, statuses
from tests.mutation.selection import Selection

PASSED, FAILED, UNSUITABLE = 0, 1, 2
Start = tuple[str, int]
"""The file of a function and its first line, the first decorator's."""
Functions = defaultdict[tuple[str, int, str], list[FunctionType]]


class Lines(NamedTuple):
    """A function that is in no other, from its first decorator to its end."""

    file: str
    name: str
    first: int
    last: int

    def has(self, start: Start) -> bool:
        return start[0] == self.file and self.first <= start[1] <= self.last


class Ran(NamedTuple):
    """What a test did without any defect: its processor time in seconds, and the functions that it called."""

    seconds: float
    called: frozenset[Start]


def function_of(mutant: Mutant) -> Lines | None:
    """The function whose body has the defect. None of those that run while the module is loaded: what is not in a
    function, and the defaults of arguments."""
    bodies: list[ast.AST] = [ast.parse(mutant.path.read_text())]
    for node in bodies:
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                first, last = inner.body[0], inner.end_lineno or inner.lineno
                if (first.lineno, first.col_offset) <= mutant.span[0] and mutant.span[1][0] <= last:
                    start = min(each.lineno for each in (inner, *inner.decorator_list))
                    return Lines(str(mutant.path.absolute()), inner.name, start, last)
            elif isinstance(inner, ast.ClassDef):
                bodies.append(inner)
    return None


class QuickTrials(Selection):
    """A plugin that runs trials in place of the tests. `statuses` says of each mutant whether the tests PASSED or
    FAILED, or that it is UNSUITABLE for this, as it is in a function that ran while modules were loaded. `seconds` is
    None if the tests fail without a defect."""

    def __init__(self, mutants: Sequence[Mutant], jobs: int, scratch: Path) -> None:
        self._mutants, self._jobs, self._scratch = mutants, jobs, scratch
        self._files = frozenset(str(mutant.path.absolute()) for mutant in mutants)
        self.statuses: list[int] = []
        self.seconds: float | None = None
        self._loading: set[Start] = set()

    def watch(self) -> None:
        """Notes what runs while modules are loaded, from now on until the first test."""
        sys.setprofile(_noting(self._loading, self._files))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        sys.setprofile(None)
        assert not session.testsfailed
        session.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]  # one for all trials
        gc.unfreeze()
        functions: Functions = defaultdict(list)
        for each in gc.get_objects():
            if isinstance(each, FunctionType) and (code := each.__code__).co_filename in self._files:
                functions[code.co_filename, code.co_firstlineno, code.co_name].append(each)
        gc.freeze()
        told = self._scratch / "ran.json"
        if statuses([Trial(lambda: _try_all(session, self._files, told), 600)], 1) != [PASSED]:
            return True
        tests = [Ran(seconds, frozenset(map(tuple, called))) for seconds, called in json.loads(told.read_text())]
        self.seconds = 3 * sum(ran.seconds for ran in tests) + 10
        self.statuses = statuses(
            [self._trial(session, mutant, tests, functions) for mutant in self._mutants], self._jobs
        )
        return True

    def _trial(self, session: pytest.Session, mutant: Mutant, tests: list[Ran], functions: Functions) -> Trial:
        lines = function_of(mutant)
        assert lines is not None
        if any(map(lines.has, self._loading)):
            return Trial(lambda: UNSUITABLE, 1)
        callers = [n for n, ran in enumerate(tests) if any(map(lines.has, ran.called))]
        callers.sort(key=lambda number: tests[number].seconds)

        def run() -> int:
            changed = functions[lines.file, lines.first, lines.name]
            for code in _codes(compile(mutant.code(), lines.file, "exec")):
                if (code.co_firstlineno, code.co_name) == (lines.first, lines.name):
                    try:
                        for function in changed:
                            function.__code__ = code
                    except ValueError:
                        return UNSUITABLE
                    return (
                        _run(session, {session.items[n]: tests[n].seconds for n in callers}) if changed else UNSUITABLE
                    )
            return UNSUITABLE

        return Trial(run, 3 * sum(tests[number].seconds for number in callers) + 3)


def _codes(code: CodeType) -> Iterator[CodeType]:
    for each in code.co_consts:
        if isinstance(each, CodeType):
            yield each
            yield from _codes(each)


def _run(session: pytest.Session, tests: dict[pytest.Item, float]) -> int:
    """Runs tests with the processor time that each takes without a defect. One that takes far more never ends."""
    items = list(tests)
    for item, following in zip_longest(items, items[1:]):
        # Nothing handles the signal: the process ends.
        signal.setitimer(signal.ITIMER_PROF, 1 + 5 * tests[item])
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return FAILED
    return PASSED


def _try_all(session: pytest.Session, files: frozenset[str], told: Path) -> int:
    """Runs all tests without a defect and writes what each did."""
    rows: list[tuple[float, list[Start]]] = []
    for item, following in zip_longest(session.items, session.items[1:]):
        called, begun = set[Start](), time.process_time()
        sys.setprofile(_noting(called, files))
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        sys.setprofile(None)
        rows.append((time.process_time() - begun, sorted(called)))
    told.write_text(json.dumps(rows))
    return FAILED if session.testsfailed else PASSED


def _noting(called: set[Start], files: frozenset[str]) -> Callable[[FrameType, str, Any], None]:
    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and frame.f_code.co_filename in files:
            called.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))

    return note
