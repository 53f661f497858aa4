"""docs/BENCHMARKS.md and its drawings, from the newest results of each benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from bench.plot import draw, words
from bench.shape import SKIPPED, Bench, Row, Target

INTRODUCTION: Final = """# Benchmarks

Each figure was measured beside its peer in one run on one machine: the ratio is what counts, and absolute numbers only
say how busy and how fast that machine was. `make bench` runs all, `make bench ONLY=log SECONDS=8` runs one,
`make bench ONLY=page` writes this page again from the newest results of each in `bench/results`.
"""
DRAWINGS: Final = "benchmarks"
"""The folder of the drawings, beside the page."""

Result = Mapping[str, Any]


def page(benches: Mapping[str, Bench], results: Mapping[str, Result]) -> tuple[str, dict[str, str]]:
    """The page, and its drawings by file name."""
    parts = [INTRODUCTION, *_summary(benches, results)]
    drawings: dict[str, str] = {}
    for name, bench in benches.items():
        if name not in results:
            continue
        result, rows = results[name], list(results[name]["rows"])
        on = result["machine"]
        parts.append(f"## {bench.title}\n")
        parts.append(f"{result['at']}, {on['system']}, {on['cores']} cores, Python {on['python']}, load {on['load']}\n")
        parts += [_sentence(target, rows) for target in bench.targets]
        parts += _tables(rows)
        for number, plot in enumerate(bench.plots, 1):
            drawing = draw(plot, rows)
            if drawing is not None:
                file = f"{name}-{number}.svg"
                drawings[file] = drawing
                parts.append(f"![{plot.title}]({DRAWINGS}/{file})\n")
        parts += _below(rows)
    return "\n".join(parts).rstrip() + "\n", drawings


def _summary(benches: Mapping[str, Bench], results: Mapping[str, Result]) -> Iterator[str]:
    """A table of all targets and what is measured of them."""
    yield "| | work | peer | must be | measured | |"
    yield "|---|---|---|---:|---:|---|"
    for name, bench in benches.items():
        rows = list(results[name]["rows"]) if name in results else []
        for target in bench.targets:
            value = target.measured(rows)
            verdict = target.verdict(rows)
            yield (
                f"| {target.id} | {target.work} | {target.peer or '—'} | {_bound(target)} "
                f"| {'—' if value is None else _cell(value)} | {'**missed**' if verdict == 'missed' else verdict} |"
            )
    yield ""


def _sentence(target: Target, rows: list[Row]) -> str:
    value = target.measured(rows)
    found = "" if value is None else f": {_cell(value)}"
    return f"{target.id}, {words(target.column)} {_bound(target)}{found}, {target.verdict(rows)}.\n"


def _bound(target: Target) -> str:
    return f"≥ {_cell(target.at_least)}" if target.at_least is not None else f"≤ {_cell(target.at_most)}"


def _tables(rows: list[Row]) -> Iterator[str]:
    """A table for each run of rows with the same columns."""
    measured = [row for row in rows if SKIPPED not in row]
    for columns, group in groupby(measured, key=_columns):
        yield "| " + " | ".join(words(column) for column in columns) + " |"
        same = list(group)
        yield "|" + "".join("---|" if isinstance(same[0][column], str) else "---:|" for column in columns)
        for row in same:
            yield "| " + " | ".join(_cell(row[column]) for column in columns) + " |"
        yield ""


def _below(rows: list[Row]) -> Iterator[str]:
    """What was skipped and why, and the newest of each command line."""
    for row in rows:
        if SKIPPED in row:
            what = ", ".join(f"{words(key)} {_cell(row[key])}" for key in _columns(row) if key != SKIPPED)
            yield f"Not measured{f' ({what})' if what else ''}: {row[SKIPPED]}.\n"
    commands: dict[str, list[str]] = {}
    for row in rows:
        commands |= {key: value for key, value in row.items() if isinstance(value, list)}
    for key, command in commands.items():
        yield f"{words(key)}: `{' '.join(command)}`\n"


def _columns(row: Row) -> tuple[str, ...]:
    return tuple(key for key, value in row.items() if not isinstance(value, list))


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
