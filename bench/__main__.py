"""Runs the benchmarks, keeps what they found in bench/results, and writes docs/BENCHMARKS.md from it."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from bench import (
    append,
    backbone,
    burst,
    edits,
    flat,
    gc,
    history,
    interchange,
    join,
    log,
    media,
    render,
    start,
    streams,
    suite,
)
from bench.page import DRAWINGS, page
from bench.shape import SKIPPED, Bench, Row

BENCHES: Final[dict[str, Bench]] = {
    "log": log.BENCH,
    "append": append.BENCH,
    "burst": burst.BENCH,
    "history": history.BENCH,
    "edits": edits.BENCH,
    "interchange": interchange.BENCH,
    "render": render.BENCH,
    "flat": flat.BENCH,
    "join": join.BENCH,
    "backbone": backbone.BENCH,
    "start": start.BENCH,
    "suite": suite.BENCH,
    "streams": streams.BENCH,
    "gc": gc.BENCH,
    "media": media.BENCH,
}
PAGE_ONLY: Final = "page"
ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "bench" / "results"
DOCS: Final = ROOT / "docs"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=[*BENCHES, PAGE_ONLY], help="run this one; page: none, write the page again")
    parser.add_argument("--seconds", type=float, default=5.0, help="for each measurement")
    options = parser.parse_args(arguments)
    chosen = list(BENCHES) if options.only is None else [options.only] if options.only != PAGE_ONLY else []
    for name in chosen:
        bench = BENCHES[name]
        print(bench.title, file=sys.stderr)
        on, rows = machine(), []
        for row in bench.run(options.seconds):
            rows.append(row)
            print("  " + line(row), flush=True)
        keep({name: {"at": datetime.now(UTC).isoformat(timespec="seconds"), "machine": on, "rows": rows}})
    publish(BENCHES, newest())


def line(row: Row) -> str:
    """A row as it is printed while others are still measured."""
    if SKIPPED in row:
        return f"skipped: {row[SKIPPED]}"
    return ", ".join(f"{key} {value}" for key, value in row.items() if not isinstance(value, list))


def machine() -> dict[str, Any]:
    """What it is measured on, and how busy that is with other things before it starts."""
    return {
        "system": f"{platform.system()} {platform.machine()}", "cores": os.cpu_count(),
        "python": platform.python_version(), "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip


def keep(found: Mapping[str, Any], folder: Path = RESULTS) -> None:
    """Adds to the results of the day."""
    folder.mkdir(exist_ok=True)
    file = folder / f"{datetime.now(UTC):%Y-%m-%d}.json"
    before = msgspec.json.decode(file.read_bytes()) if file.exists() else {}
    file.write_bytes(msgspec.json.format(msgspec.json.encode({**before, **found}), indent=2) + b"\n")


def newest(folder: Path = RESULTS) -> dict[str, Any]:
    """The newest results of each benchmark."""
    found: dict[str, Any] = {}
    for file in sorted(folder.glob("*.json")):
        found |= msgspec.json.decode(file.read_bytes())
    return found


def publish(benches: Mapping[str, Bench], results: Mapping[str, Any], docs: Path = DOCS) -> None:
    """Writes the page and its drawings; drawings that are not shown any more go."""
    text, drawings = page(benches, results)
    folder = docs / DRAWINGS
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.svg"):
        if old.name not in drawings:
            old.unlink()
    for name, drawing in drawings.items():
        (folder / name).write_text(drawing, encoding="utf-8")
    (docs / "BENCHMARKS.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
