"""The bench, and the table that `make corpus` prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cutlog.blobs import LocalBlobs
from tests.corpus.bench import Bench
from tests.render.studio import Studio
from tests.support.encoders import bundled


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    ffmpeg = bundled()
    return Bench(ffmpeg, Studio(ffmpeg, LocalBlobs(tmp_path / "objects", "secret")))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """One line for each file: what was looked at, and what was not as its record says."""
    rows = []
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            told = dict(report.user_properties)
            if report.when == "call" and "corpus" in told:
                rows.append((told["corpus"], told.get("looked", ""), "ok" if outcome == "passed" else "NOT AS TOLD"))
    if len(rows) > 1:
        terminalreporter.section("corpus")
        wide = max(len(name) for name, _, _ in rows)
        for name, looked, outcome in sorted(rows):
            terminalreporter.write_line(f"{name:{wide}}  {outcome:12} {looked}")
