"""Runs tests with one module in another form. Each run is a fork of a process that has loaded the libraries."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

OURS: Final = ("cutlog", "services", "tests", "docs", "bench")
MEMORY: Final = 6 << 30
"""Bytes of address space; a defect may ask for all there is."""


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


def preload(tests: Sequence[str]) -> float:
    """Loads the libraries that the tests load, and none of ours. The processor time that the tests take, in seconds.
    Raises SystemExit if they fail as things are."""
    with tempfile.TemporaryFile("w+") as told:
        pid = os.fork()
        if pid == 0:
            status = _pytest(tests)
            told.write("\n".join(name for name in sys.modules if name.partition(".")[0] not in OURS))
            told.flush()
            os._exit(status)
        _, status, usage = os.wait4(pid, 0)
        if status:
            raise SystemExit(f"the tests fail without a defect: pytest -n 0 {' '.join(tests)}")
        told.seek(0)
        for name in told.read().split("\n"):
            with suppress(Exception), warnings.catch_warnings(action="ignore"):
                importlib.import_module(name)
    return usage.ru_utime + usage.ru_stime


def passes(tests: Sequence[str], path: Path, text: str, seconds: float) -> int:
    """Starts the tests with `path` as `text`, for so much processor time at most; its process id."""
    pid = os.fork()
    if pid:
        return pid
    os.setsid()
    limit = int(seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)
    sys.meta_path.insert(0, _Finder(path, text))
    os._exit(_pytest(["-x", *tests]))


def _pytest(arguments: Sequence[str]) -> int:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.dont_write_bytecode = True
    with tempfile.TemporaryDirectory(prefix="cutlog-mutant-") as folder:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = folder
        import pytest

        return int(pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", f"--basetemp={folder}/tmp", *arguments]))


def ended(pids: Sequence[int], patience: float) -> dict[int, bool]:
    """Waits until one of the processes has ended; whether each that did passed. One that is silent is ended."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        found = {pid: status == 0 for pid, status in (os.waitpid(pid, os.WNOHANG) for pid in pids) if pid}
        if found:
            for pid in found:
                _end_what_it_started(pid)
            return found
        time.sleep(0.02)
    _end_what_it_started(pids[0])
    os.waitpid(pids[0], 0)
    return {pids[0]: False}


def _end_what_it_started(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
