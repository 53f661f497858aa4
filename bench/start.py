"""S1: how long `cutlog up` takes until it serves, and what its own processes hold while nothing happens."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.shape import Bench, Row, Target
from cutlog.operate.stack.state import read_state

THEIRS: Final = ("gateway", "nats", "postgres")
IDLE: Final = 5.0


def run(seconds: float) -> Iterator[Row]:
    """A first start, which makes everything, and a second one."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        data = Path(folder) / "data"
        for start in ("first", "second"):
            began = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-m", "cutlog", "up", "--data", str(data), "--port", "0"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            assert process.stdout is not None
            while not process.stdout.readline().startswith("ready "):
                assert process.poll() is None, "cutlog up ended"
            ready = time.perf_counter() - began
            time.sleep(max(seconds, IDLE))
            pids = read_state(data).pids
            own = {"up": process.pid} | {name: pid for name, pid in pids.items() if name not in THEIRS}
            row: Row = {"start": start, "ready_s": round(ready, 2)}
            row |= {f"{name}_mib": round(proportional(pid) / 1024) for name, pid in own.items()}
            row["idle_mib"] = sum(value for key, value in row.items() if key.endswith("_mib"))
            process.terminate()
            process.wait(60)
            yield row | {"command": ["cutlog", "up"]}


def proportional(pid: int) -> int:
    """KiB that a process holds, pages that it shares counted by how many share them."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    raise LookupError(f"process {pid} says nothing of its memory")


BENCH: Final = Bench(
    "Starting, and resting",
    run,
    targets=(
        Target("S1", "cutlog up to ready, in seconds", column="ready_s", at_most=4),
        Target("S1", "idle memory of our own processes, in MiB", column="idle_mib", at_most=350),
    ),
)
