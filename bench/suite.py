"""S2: the processor time of `make test`, beside a loop that does nothing in the system's Python."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.shape import Bench, Row, Target, skipped
from tests.support.costs import read

LOOP: Final = """
import time

def loop():
    for i in range(10_000_000):
        pass

began = time.process_time()
loop()
print(time.process_time() - began)
"""
SYSTEM: Final = Path("/usr/bin/python3")
TIMES: Final = 5


def run(_seconds: float) -> Iterator[Row]:
    """A row for each folder of tests, and one for all of them with the loop."""
    loops = [loop() for _ in range(TIMES)]
    with tempfile.TemporaryDirectory() as folder:
        ended = subprocess.run(["make", "test"], env=os.environ | {"CUTLOG_TEST_COSTS": folder}, stdout=sys.stderr)
        costs = read(Path(folder))
    if ended.returncode:
        yield skipped("make test failed")
        return
    loops += [loop() for _ in range(TIMES)]
    seconds: Counter[str] = Counter()
    for cost in costs:
        seconds["/".join(Path(cost.file).parts[:2]) or "starts, shared fixtures and ends"] += cost.seconds  # type: ignore[assignment]
    for part, took in seconds.most_common():
        yield {"part": part, "processor_s": round(took, 1)}
    alone, all_ = sorted(loops)[len(loops) // 2], sum(seconds.values())
    yield {
        "loop_s": round(alone, 4),
        "tests_s": round(all_, 1),
        "ratio": round(all_ / alone),
        "command": ["make", "test"],
        "peer_command": [str(SYSTEM), "-c", "for i in range(10_000_000): pass (in a function)"],
    }


def loop() -> float:
    """Seconds of processor time that it takes."""
    python = str(SYSTEM) if SYSTEM.exists() else sys.executable
    return float(subprocess.run([python, "-c", LOOP], capture_output=True, text=True, check=True).stdout)


BENCH: Final = Bench(
    "The tests",
    run,
    targets=(
        Target(
            "S2", "processor time of make test, times that of the loop", "ten million empty rounds of a loop",
            at_most=1200,
        ),
    ),
)  # fmt: skip
