"""Trials of any mutant: each is a fork of a process that has loaded the libraries and none of our modules, so that
whatever depends on the mutated module, if only while it is loaded, has the defect."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
import tempfile
import warnings
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from tests.mutation.mutants import Mutant
from tests.mutation.processes import Trial
from tests.mutation.selection import Selection, run_pytest

OURS: Final = ("cutlog", "services", "tests", "docs", "bench")


class _Instead(importlib.machinery.SourceFileLoader):
    """Loads a module from text that is not that of its file."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._text, self.path, "exec")


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, path: Path, text: str) -> None:
        self._name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        self._path, self._text = path, text

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        loader = _Instead(fullname, str(self._path.absolute()), self._text)
        return importlib.util.spec_from_file_location(fullname, self._path.absolute(), loader=loader)


def libraries() -> list[str]:
    """Those of the loaded modules that are not ours."""
    return [name for name in sys.modules if name.partition(".")[0] not in OURS]


def load(names: Iterable[str]) -> None:
    for name in names:
        with suppress(Exception), warnings.catch_warnings(action="ignore"):
            importlib.import_module(name)


def trial(mutant: Mutant, tests: Sequence[str], scratch: Path, seconds: float) -> Trial:
    """Runs all the tests."""

    def run() -> int:
        sys.meta_path.insert(0, _Finder(mutant.path, mutant.code()))
        with tempfile.TemporaryDirectory(dir=scratch) as own:
            return run_pytest(tests, Selection(), Path(own))

    return Trial(run, seconds)
