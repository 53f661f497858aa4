"""Runs the benchmarks, keeps what they found in bench/results, and writes docs/BENCHMARKS.md from it."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from bench import history, log

Run = Callable[[float], Iterator[dict[str, Any]]]

BENCHES: Final[dict[str, tuple[str, Run]]] = {
    "log": ("Versions acknowledged per second over HTTP, against pgbench on the same server", log.run),
    "history": ("What a version costs to decide, a project in memory, and folding", history.run),
}
ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "bench" / "results"
PAGE: Final = ROOT / "docs" / "BENCHMARKS.md"

INTRODUCTION: Final = """# Benchmarks

Each figure was measured beside its peer in one run on one machine: the ratio is what counts, and absolute numbers only
say how busy and how fast that machine was. `make bench` runs all, `make bench ONLY=log SECONDS=8` runs one. This page
is generated from the newest results of each in `bench/results`.
"""


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=BENCHES, help="run this one")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each measurement")
    options = parser.parse_args(arguments)
    found = {}
    for name in [options.only] if options.only else BENCHES:
        title, run = BENCHES[name]
        print(title, file=sys.stderr)
        rows = []
        for row in run(options.seconds):
            rows.append(row)
            print("  " + ", ".join(f"{key} {value}" for key, value in row.items() if not isinstance(value, list)))
        found[name] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "rows": rows}
    keep(found)
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")


def machine() -> dict[str, Any]:
    """What it was measured on, and how busy that was with other things."""
    return {
        "system": f"{platform.system()} {platform.machine()}", "cores": os.cpu_count(),
        "python": platform.python_version(), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def keep(found: dict[str, Any]) -> None:
    """Adds to the results of the day."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{datetime.now(UTC):%Y-%m-%d}.json"
    before = msgspec.json.decode(file.read_bytes()) if file.exists() else {}
    file.write_bytes(msgspec.json.format(msgspec.json.encode(before | found), indent=2) + b"\n")


def page() -> str:
    """The newest results of each benchmark as tables."""
    newest: dict[str, Any] = {}
    for file in sorted(RESULTS.glob("*.json")):
        newest |= msgspec.json.decode(file.read_bytes())
    parts = [INTRODUCTION]
    for name, result in newest.items():
        rows, on = result["rows"], result["machine"]
        parts.append(f"## {BENCHES[name][0]}\n")
        parts.append(f"{result['at']}, {on['system']}, {on['cores']} cores, Python {on['python']}, load {on['load']}\n")
        columns = [key for key, value in rows[0].items() if not isinstance(value, list)]
        parts.append("| " + " | ".join(column.replace("_", " ") for column in columns) + " |")
        parts.append("|" + "---:|" * len(columns))
        parts += ["| " + " | ".join(f"{row[column]:,}" for column in columns) + " |" for row in rows]
        parts.append("")
        for key, value in rows[-1].items():
            if isinstance(value, list):
                parts.append(f"{key.replace('_', ' ')}: `{' '.join(value)}`\n")
    return "\n".join(parts).rstrip() + "\n"


if __name__ == "__main__":
    main(sys.argv[1:])
