"""Which mutants the tests do not notice."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.mutation import fresh
from tests.mutation.mutants import Mutant
from tests.mutation.processes import Trial, statuses
from tests.mutation.quick import FAILED, PASSED, UNSUITABLE, QuickTrials, function_of
from tests.mutation.selection import run_pytest

LONGEST: Final = 3600.0
"""Seconds that all trials of a folder take at most."""


def survivors(mutants: Sequence[Mutant], tests: Sequence[str], jobs: int) -> list[Mutant]:
    """Raises SystemExit if the tests fail without a defect."""
    with tempfile.TemporaryDirectory(prefix="cutlog-mutants-") as folder:
        scratch = Path(folder)
        quick = [mutant for mutant in mutants if function_of(mutant)]
        told = scratch / "session.json"
        if statuses([Trial(lambda: _session(quick, tests, jobs, scratch, told), LONGEST, LONGEST)], 1) != [PASSED]:
            raise SystemExit(f"the tests fail without a defect: pytest -n 0 {' '.join(tests)}")
        found, seconds, libraries = json.loads(told.read_text())
        fresh.load(libraries)
        known = dict(zip(quick, found, strict=True))
        left = [mutant for mutant in mutants if known.get(mutant, UNSUITABLE) == UNSUITABLE]
        anew = statuses([fresh.trial(mutant, tests, scratch, seconds) for mutant in left], jobs)
        known |= dict(zip(left, anew, strict=True))
        return [mutant for mutant in mutants if known[mutant] == PASSED]


def _session(mutants: Sequence[Mutant], tests: Sequence[str], jobs: int, scratch: Path, told: Path) -> int:
    plugin = QuickTrials(mutants, jobs, scratch)
    plugin.watch()
    run_pytest(tests, plugin, scratch)
    if len(plugin.statuses) < len(mutants) or plugin.seconds is None:
        return FAILED
    told.write_text(json.dumps((plugin.statuses, plugin.seconds, fresh.libraries())))
    return PASSED
