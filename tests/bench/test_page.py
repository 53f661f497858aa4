"""The page of the benchmarks says what was measured, and what was not reached."""

from __future__ import annotations

import shutil
import subprocess
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.__main__ import BENCHES, keep, newest, publish
from bench.page import page
from bench.plot import draw
from bench.shape import Bench, Plot, Row, Target, skipped

CHECKOUT = Path(__file__).resolve().parents[2]
MACHINE = {"system": "Linux x86_64", "cores": 2, "python": "3.11.7", "load": 0.5}
SVG = "{http://www.w3.org/2000/svg}"


def measures(_: float) -> Iterator[Row]:
    yield {"clients": 1, "rate": 50, "ratio": 0.1, "command": ["work", "--hard"]}
    yield {"clients": 64, "rate": 5_000, "ratio": 1.2, "command": ["work", "--harder"]}
    yield {"op": "clip.add", "µs": 20.5}
    yield skipped("melt is not installed", clients=256)


TARGET = Target("T1", "work", "a peer", at_least=1.5, where={"clients": 64})
LATENCY = Target("T2", "wait", column="µs", at_most=30)
BENCH = Bench("Work against its peer", measures, (TARGET, LATENCY), (Plot("Rate", "clients", ("rate", "ratio")),))


def results() -> dict[str, Any]:
    return {"work": {"at": "2026-01-01T00:00:00+00:00", "machine": MACHINE, "rows": list(measures(1))}}


def test_a_target_that_was_missed_is_said_to_be_missed() -> None:
    text, _ = page({"work": BENCH}, results())
    assert "| T1 | work | a peer | ≥ 1.5 | 1.2 | **missed** |" in text
    assert "| T2 | wait | — | ≤ 30 | 20.5 | met |" in text


@pytest.mark.parametrize(("value", "verdict"), [(1.49, "missed"), (1.5, "met"), (2.0, "met")])
def test_the_worst_row_that_a_target_speaks_of_counts(value: float, verdict: str) -> None:
    rows: list[Row] = [{"clients": 64, "ratio": 9.0}, {"clients": 64, "ratio": value}, {"clients": 1, "ratio": 0.1}]
    assert TARGET.verdict(rows) == verdict
    assert TARGET.measured(rows) == value


def test_what_was_never_measured_is_neither_met_nor_missed() -> None:
    text, drawings = page({"work": BENCH}, {})
    assert "| T1 | work | a peer | ≥ 1.5 | — | not measured |" in text
    assert drawings == {}
    assert TARGET.verdict([skipped("there is no peer", clients=64)]) == "not measured"


def test_a_target_has_one_bound() -> None:
    with pytest.raises(ValueError, match="either"):
        Target("T", "work", at_least=1, at_most=2)


def test_rows_with_other_columns_are_a_table_of_their_own_and_skipped_ones_a_sentence() -> None:
    text, _ = page({"work": BENCH}, results())
    assert "| 64 | 5,000 | 1.2 |" in text
    assert "| op | µs |\n|---|---:|\n| clip.add | 20.5 |" in text
    assert "Not measured (clients 256): melt is not installed.\n" in text
    assert "command: `work --harder`" in text
    assert "--hard`" not in text


def test_a_plot_has_a_line_for_each_column_and_a_dot_for_each_row() -> None:
    drawing = draw(BENCH.plots[0], list(measures(1)))
    assert drawing is not None
    tree = ET.fromstring(drawing)
    assert [len((line.get("points") or "").split()) for line in tree.iter(f"{SVG}polyline")] == [2, 2]
    low, high = ((tree.findall(f"{SVG}polyline")[0].get("points") or "").split()[n].split(",") for n in (0, 1))
    assert float(low[0]) < float(high[0])
    assert float(low[1]) > float(high[1])  # y grows downwards
    assert {"rate", "ratio", "clients", "64"} <= {text.text for text in tree.iter(f"{SVG}text")}


@pytest.mark.parametrize("log", [True, False])
def test_a_plot_stays_on_its_canvas(log: bool) -> None:
    rows: list[Row] = [{"n": n, "cost": n * 3.7} for n in (1, 7, 20, 450, 9_000)]
    drawing = draw(Plot("Cost", "n", ("cost",), log_x=log, log_y=log), rows)
    assert drawing is not None
    tree = ET.fromstring(drawing)
    places = [
        (float(dot.get("cx") or -1), float(dot.get("cy") or -1)) for dot in tree.iter(f"{SVG}circle")
    ]  # fmt: skip
    assert len(places) == 6  # five and one in the legend
    assert all(0 < x < float(tree.get("width") or 0) and 0 < y < float(tree.get("height") or 0) for x, y in places)


def test_nothing_is_drawn_of_a_single_point() -> None:
    assert draw(BENCH.plots[0], [{"clients": 1, "rate": 50}]) is None


def test_results_of_one_day_are_kept_together_and_drawings_nobody_shows_go(tmp_path: Path) -> None:
    keep(results(), tmp_path / "results")
    keep({"other": {"rows": []}}, tmp_path / "results")
    found = newest(tmp_path / "results")
    assert found == results() | {"other": {"rows": []}}
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "old-1.svg").write_text("<svg/>")
    publish({"work": BENCH}, found, tmp_path)
    assert [file.name for file in (tmp_path / "benchmarks").iterdir()] == ["work-1.svg"]
    assert "![Rate](benchmarks/work-1.svg)" in (tmp_path / "BENCHMARKS.md").read_text(encoding="utf-8")


def committed(folder: str) -> list[Path]:
    """The files below `folder` that belong to the project: a run that was not committed publishes nothing."""
    asked = subprocess.run(["git", "-C", CHECKOUT, "ls-files", "-z", folder], capture_output=True, text=True)
    if asked.returncode != 0:
        pytest.skip(f"not a git checkout: {asked.stderr.strip()}")
    return [CHECKOUT / name for name in asked.stdout.split("\0") if name]


def test_the_published_page_is_that_of_the_newest_results(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    for file in committed("bench/results"):
        shutil.copy(file, results)
    publish(BENCHES, newest(results), tmp_path)
    docs = CHECKOUT / "docs"
    assert (docs / "BENCHMARKS.md").read_text(encoding="utf-8") == (tmp_path / "BENCHMARKS.md").read_text(
        encoding="utf-8"
    )
    assert {file.name for file in (docs / "benchmarks").iterdir()} == {
        file.name for file in (tmp_path / "benchmarks").iterdir()
    }
