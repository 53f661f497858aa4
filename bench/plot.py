"""Small line charts as SVG, written by hand: axes, ticks, lines with dots, and a legend."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from bench.shape import Plot, Row

WIDTH: Final = 640
HEIGHT: Final = 320
LEFT, RIGHT, TOP, BOTTOM = 76, 16, 62, 44
COLORS: Final = ("#1b6ca8", "#c8553d", "#3a7d44", "#7b4b94", "#b07d12", "#444444")

Scale = Callable[[float], float]


def draw(plot: Plot, rows: Sequence[Row]) -> str | None:
    """The chart of those rows that have its columns; None where fewer than two have."""
    lines = {name: points for name in plot.y if len(points := _points(plot, name, rows)) > 1}
    if not lines:
        return None
    xs = [x for points in lines.values() for x, _ in points]
    ys = [y for points in lines.values() for _, y in points]
    across, x_ticks = _scale(xs, plot.log_x, LEFT, WIDTH - RIGHT, at=sorted(set(xs)))
    up, y_ticks = _scale(ys, plot.log_y, HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" '
        f'font-family="sans-serif" font-size="12" fill="#222"><title>{escape(plot.title)}</title>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
        f'<text x="{LEFT}" y="22" font-size="14" font-weight="bold">{escape(plot.title)}</text>',
    ]
    for tick in y_ticks:
        y = up(tick)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{shown(tick)}</text>')
    for tick in x_ticks:
        x = across(tick)
        parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>')
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{shown(tick)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle">{escape(words(plot.x))}</text>')
    legend = float(LEFT)
    for (name, points), color in zip(lines.items(), COLORS, strict=False):
        path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{across(x):.1f}" cy="{up(y):.1f}" r="3.5" fill="{color}"/>' for x, y in points]
        parts.append(f'<circle cx="{legend + 4:.1f}" cy="42" r="4" fill="{color}"/>')
        parts.append(f'<text x="{legend + 14:.1f}" y="46">{escape(words(name))}</text>')
        legend += 34 + 7 * len(name)
    return "\n".join([*parts, "</svg>", ""])


def words(column: str) -> str:
    """A column's name as a reader sees it."""
    return column.replace("_", " ")


def shown(number: float) -> str:
    """A tick: whole numbers with separators, small ones with the digits they have."""
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.3g}"


def _points(plot: Plot, name: str, rows: Sequence[Row]) -> list[tuple[float, float]]:
    points = sorted((float(row[plot.x]), float(row[name])) for row in rows if plot.x in row and name in row)
    return [(x, y) for x, y in points if (x > 0 or not plot.log_x) and (y > 0 or not plot.log_y)]


def _scale(
    values: Sequence[float], log: bool, start: float, stop: float, at: Sequence[float] = ()
) -> tuple[Scale, Sequence[float]]:
    """From values to places between `start` and `stop`, and where ticks belong: `at`, or else at round numbers."""
    ticks = at if 0 < len(at) <= 8 else _decades(values) if log else _steps(values)
    low, high = min(*values, *ticks), max(*values, *ticks)
    turn: Scale = math.log10 if log else float
    reach = turn(high) - turn(low) or 1.0
    return (lambda value: start + (turn(value) - turn(low)) / reach * (stop - start)), ticks


def _decades(values: Sequence[float]) -> list[float]:
    """1, 2 and 5 times each power of ten around the values; powers alone where that would be many."""
    low, high = math.log10(min(values)), math.log10(max(values))
    factors = (1, 2, 5) if high - low < 2 else (1,)
    every = [factor * 10.0**power for power in range(math.floor(low), math.ceil(high) + 1) for factor in factors]
    below = max((tick for tick in every if math.log10(tick) <= low), default=every[0])
    above = min((tick for tick in every if math.log10(tick) >= high), default=every[-1])
    return [tick for tick in every if below <= tick <= above]


def _steps(values: Sequence[float]) -> list[float]:
    """About five round steps from zero."""
    top = max(*values, 1e-9)
    size = 10.0 ** math.floor(math.log10(top / 5))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor * 5 >= top)
    return [step * number for number in range(math.ceil(top / step) + 1)]
