"""pytest for trials: it prints nothing, needs no server, and stops at the first failure."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import hypothesis
import pytest

SERVERS: Final = frozenset({"pg", "nats", "s3", "stack", "alone", "disk_of"})
"""Fixtures of tests that are too expensive to run for each mutant."""


class Selection:
    """A plugin: no test that needs a server, and no search for the smallest failure, which is for people."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self) -> None:
        phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)
        hypothesis.settings.register_profile("mutants", phases=phases)
        hypothesis.settings.load_profile("mutants")

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = [item for item in items if SERVERS.isdisjoint(getattr(item, "fixturenames", ()))]


def run_pytest(tests: Sequence[str], plugin: Selection, scratch: Path) -> int:
    """Runs them in this process, which prints nothing from then on; the exit status of pytest."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.dont_write_bytecode = True
    os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(scratch / "hypothesis")
    options = ["-q", "-x", "-n", "0", "-p", "no:cacheprovider", f"--basetemp={scratch / 'tests'}"]
    return int(pytest.main([*options, *tests], [plugin]))
