"""Names that operators see: those of log events and of metrics."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from cutlog.web.renamed import BEFORE
from tests.laws.modules import ROOT, dotted, modules, nodes

LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}
METRICS = {"Counter", "Gauge", "Histogram", "CounterMetricFamily", "GaugeMetricFamily"}
EVENT = re.compile(r"[a-z]+(\.[a-z]+(_[a-z]+)*)+")


def calls() -> Iterator[tuple[Path, ast.Call]]:
    for module in modules().values():
        for node in nodes(module.tree):
            if isinstance(node, ast.Call):
                yield module.path.relative_to(ROOT), node


def test_log_events_are_dotted_names() -> None:
    found = [
        (path, call.lineno, call.args[0])
        for path, call in calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in LEVELS
        and dotted(call.func.value).split(".")[-1].strip("_") in ("log", "logger")
        and call.args
    ]
    assert len(found) > 50
    for path, line, name in found:
        shown = name.value if isinstance(name, ast.Constant) else ast.unparse(name)
        assert EVENT.fullmatch(str(shown)), f"{path}:{line}: {shown!r} is not a dotted name such as `relay.lagging`"


def texts() -> set[str]:
    """Every string in the code that names a metric."""
    return {
        node.value
        for module in modules().values()
        if module.path.name != "renamed.py"
        for node in nodes(module.tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"cutlog_[a-z_]+", node.value)
    }


def test_metrics_begin_with_cutlog_and_each_is_in_the_table_for_operators() -> None:
    table = set(re.findall(r"`(cutlog_\w+)`", (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8")))
    plain = {name.removesuffix("_total") for name in table}
    for path, call in calls():
        if dotted(call.func) in METRICS and call.args and isinstance(call.args[0], ast.Constant):
            name = str(call.args[0].value)
            assert name.startswith("cutlog_"), f"{path}:{call.lineno}: {name}"
            assert name.removesuffix("_total") in plain, (
                f"{path}:{call.lineno}: docs/OPERATIONS.md does not list {name}"
            )
    assert set(BEFORE) <= {name.removesuffix("_total") for name in texts()}, "a renamed metric exists by its new name"
    assert plain <= {name.removesuffix("_total") for name in texts()}, "and so does each that the table lists"
