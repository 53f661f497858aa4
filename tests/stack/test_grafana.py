"""The dashboard and the alert rules against the metrics that a running stack really has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from cutlog.operate.stack.ports import ports_beside
from cutlog.operate.stack.services import installed_services, process_names
from tests.support.stacks import CHECKOUT, RunningStack

FOLDER = CHECKOUT / "deploy" / "grafana"
NAMED = re.compile(r"([a-z][a-z0-9_]*)\{([^}]*)\}")
LABEL = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)")
SUFFIXES = ("_bucket", "_sum", "_count")


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
    return found


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return list(group["rules"])


def expressions() -> Iterator[tuple[str, str]]:
    for panel in dashboard()["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for rule in rules():
        yield rule["alert"], rule["expr"]


@pytest.fixture(scope="module")
def exposed(stack: RunningStack) -> dict[str, str]:
    """Name → kind of all metrics of all services."""
    found: dict[str, str] = {}
    for address in stack.state.listen.values():
        status, text = stack.get("/metrics", base=f"http://{address}")
        assert status == 200
        found |= dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    return found


def test_every_metric_that_a_dashboard_or_a_rule_names_exists(exposed: dict[str, str]) -> None:
    for where, expression in expressions():
        names = NAMED.findall(expression)
        assert names, f"{where} names no metric with braces: {expression}"
        for name, _ in names:
            family = next((name.removesuffix(s) for s in SUFFIXES if name.endswith(s)), name)
            assert name in exposed or exposed.get(family) == "histogram", f"{where} names {name}, which nobody has"


def test_what_the_operator_is_promised_is_there(exposed: dict[str, str]) -> None:
    promised = {
        "cutlog_log_append_events": "histogram", "cutlog_log_append_duration_seconds": "histogram",
        "cutlog_relay_lag_events": "gauge", "cutlog_relay_stream_rebuilds_total": "counter",
        "cutlog_projection_lag_events": "gauge", "cutlog_projection_events_redelivered_total": "counter",
        "cutlog_dead_letters": "gauge", "cutlog_render_queue_jobs": "gauge",
        "cutlog_render_phase_duration_seconds": "histogram", "cutlog_render_segments_total": "counter",
        "cutlog_gc_storage_bytes": "gauge",
    }  # fmt: skip
    assert {name: exposed.get(name) for name in promised} == promised
    shown = {name for _, expression in expressions() for name, _ in NAMED.findall(expression)}
    assert {name for name in promised if not any(each.startswith(name) for each in shown)} == set(), "on the dashboard"


def test_former_names_are_exposed_for_one_more_release(exposed: dict[str, str]) -> None:
    former = {
        "log_append_seconds": "histogram", "relay_leads": "gauge", "relay_streams_rebuilt": "gauge",
        "relay_foreign_messages": "gauge", "projection_redelivered_total": "counter", "dlq_messages": "gauge",
        "render_segments_total": "counter", "gc_storage_bytes": "gauge", "media_rotten_objects": "gauge",
    }  # fmt: skip
    assert {name: exposed.get(name) for name in former} == former


def test_every_rule_says_what_to_do(exposed: dict[str, str]) -> None:
    assert len({rule["alert"] for rule in rules()}) == len(rules()) > 5
    for rule in rules():
        assert rule["annotations"]["summary"] and rule["annotations"]["action"]
        assert rule["labels"]["severity"] in ("page", "ticket")


def test_braces_are_balanced_and_labels_are_known(stack: RunningStack) -> None:
    labels: dict[str, set[str]] = {}
    for address in stack.state.listen.values():
        _, text = stack.get("/metrics", base=f"http://{address}")
        for name, found in re.findall(r"^([a-z]\w*)\{([^}]*)\}", text, re.MULTILINE):
            labels.setdefault(name, set()).update(LABEL.findall(found))
    for where, expression in expressions():
        assert expression.count("{") == expression.count("}") and expression.count("(") == expression.count(")"), where
        for name, matchers in NAMED.findall(expression):
            asked = set(LABEL.findall(matchers))
            assert name not in labels or asked <= labels[name], f"{where}: {name} has no {asked - labels[name]}"


def test_the_pages_are_what_they_say(tmp_path: Path) -> None:
    ids = [panel["id"] for panel in dashboard()["panels"]]
    assert len(set(ids)) == len(ids)
    assert yaml.safe_load((FOLDER / "prometheus.yaml").read_text())["rule_files"] == ["alerts.yaml"]


def test_prometheus_looks_at_every_process_of_a_stack_on_the_default_port() -> None:
    (job,) = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())["scrape_configs"]
    (targets,) = (each["targets"] for each in job["static_configs"])
    names = process_names(installed_services({"ops": 2}))
    assert targets == [f"127.0.0.1:{port}" for port in ports_beside(8080, len(names))]
