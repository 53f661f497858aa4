"""The rules on one project, as tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutlog.contract.answers.collection import Policy, Verdict
from services.gc.rules.policy import judge
from services.gc.rules.roots import Export, Pin, Project

NOW = datetime(2031, 5, 1, 12, tzinfo=UTC)


def days_ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def export(version: int, age: float, status: Any = "ready", name: str | None = None) -> Export:
    done = status in ("ready", "archived")
    return Export(
        export_id=name or f"x{version}",
        version=version,
        profile="mp4",
        status=status,
        key=f"export/p/v{version}_final.mp4" if done else None,
        size=1000,
        finished_at=days_ago(age) if done else None,
    )


def verdicts(project: Project, policy: Policy, at: datetime = NOW) -> dict[str, Verdict]:
    return {export.export_id: verdict for export, verdict in judge(project, policy, at)}


def candidates(project: Project, policy: Policy, at: datetime = NOW) -> set[str]:
    return {name for name, verdict in verdicts(project, policy, at).items() if verdict.verdict == "candidate"}


def rules(verdict: Verdict) -> list[str]:
    return [reason.rule for reason in verdict.reasons]


EAGER = Policy(ttl_days=30, keep_latest=0)
OLD = Project("p", exports=tuple(export(version, age=100 - version) for version in range(1, 6)))


def test_exports_beyond_the_newest_few_go_when_their_time_is_up() -> None:
    assert candidates(OLD, Policy(ttl_days=30, keep_latest=2)) == {"x1", "x2", "x3"}


def test_a_young_export_stays_however_many_are_newer() -> None:
    young = Project("p", exports=tuple(export(version, age=10 - version) for version in range(1, 6)))
    assert candidates(young, EAGER) == set()


def test_the_time_to_live_ends_on_the_moment() -> None:
    project = Project("p", exports=(export(1, age=30), export(2, age=1)))
    assert candidates(project, EAGER, NOW - timedelta(microseconds=1)) == set()
    assert candidates(project, EAGER, NOW) == {"x1"}


def test_newest_means_finished_last_not_the_highest_version() -> None:
    project = Project("p", exports=(export(1, age=40), export(2, age=60), export(3, age=50)))
    assert candidates(project, Policy(ttl_days=30, keep_latest=1)) == {"x2"}


def test_the_latest_export_stays_even_when_the_policy_keeps_none() -> None:
    assert candidates(OLD, Policy(ttl_days=0, keep_latest=0)) == {"x1", "x2", "x3", "x4"}
    assert rules(verdicts(OLD, Policy(ttl_days=0, keep_latest=0))["x5"]) == ["latest"]


def test_the_export_of_the_highest_version_stays_when_an_older_version_was_exported_after_it() -> None:
    project = Project("p", exports=(export(1, age=40), export(2, age=90), export(3, age=80)))
    assert candidates(project, EAGER) == {"x2"}


@pytest.mark.parametrize("status", ["queued", "failed", "cancelled", "archived", "deleted"])
def test_what_is_not_ready_is_kept_and_does_not_count_as_newer(status: str) -> None:
    project = Project("p", exports=(*OLD.exports, export(9, age=0, status=status)))
    found = verdicts(project, Policy(ttl_days=30, keep_latest=1))
    assert rules(found["x9"]) == ["not-ready"] and found["x9"].verdict == "kept"
    assert found["x5"].verdict == "kept" and found["x4"].verdict == "candidate"


def test_a_pin_of_the_version_keeps_all_its_exports() -> None:
    project = Project("p", exports=(*OLD.exports, export(1, age=99, name="again")), pins=(Pin(version=1),))
    assert candidates(project, EAGER) == {"x2", "x3", "x4"}
    assert rules(verdicts(project, EAGER)["again"]) == ["pinned"]


def test_a_pin_of_a_profile_keeps_the_exports_of_that_profile() -> None:
    pin = Pin(version=2, profile="mp4", reason="sign-off")
    verdict = verdicts(Project("p", exports=OLD.exports, pins=(pin,)), EAGER)["x2"]
    assert verdict.verdict == "kept" and "sign-off" in verdict.reasons[0].detail


def test_a_pin_keeps_until_the_moment_it_expires() -> None:
    project = Project("p", exports=OLD.exports, pins=(Pin(version=2, expires_at=NOW),))
    assert "x2" not in candidates(project, EAGER, NOW - timedelta(microseconds=1))
    assert "x2" in candidates(project, EAGER, NOW)


def test_in_a_deleted_project_only_pins_and_the_time_since_the_deletion_keep() -> None:
    pins = (Pin(version=2),)
    deleted = Project("p", exports=OLD.exports, pins=pins, deleted_at=days_ago(29))
    policy = Policy(ttl_days=30, keep_latest=3)
    assert candidates(deleted, policy) == set()
    assert candidates(deleted, policy, NOW + timedelta(days=1)) == {"x1", "x3", "x4", "x5"}


def test_every_reason_that_keeps_is_named_and_says_its_numbers() -> None:
    project = Project("p", exports=(export(1, age=2),), pins=(Pin(version=1, expires_at=NOW + timedelta(days=9)),))
    kept = verdicts(project, Policy(ttl_days=30, keep_latest=3))["x1"]
    assert rules(kept) == ["pinned", "latest", "keep-latest", "ttl"]
    assert "until 2031-05-10 12:00:00 UTC" in kept.reasons[0].detail
    assert "ttlDays 30" in kept.reasons[3].detail and "2031-05-29 12:00:00 UTC" in kept.reasons[3].detail


exports = st.builds(
    export,
    version=st.integers(1, 6),
    age=st.floats(0, 90),
    status=st.sampled_from(["ready", "ready", "ready", "queued", "archived", "deleted"]),
)
projects = st.builds(
    Project,
    project_id=st.just("p"),
    exports=st.lists(exports, max_size=12).map(
        lambda found: tuple(export(e.version, 0, e.status, f"x{n}") if not e.finished_at else
                            Export(f"x{n}", e.version, "mp4", e.status, e.key, e.size, e.finished_at)
                            for n, e in enumerate(found))
    ),
    pins=st.lists(st.builds(Pin, version=st.integers(1, 6), profile=st.sampled_from([None, "mp4"])), max_size=3).map(
        tuple
    ),
)  # fmt: skip
policies = st.builds(Policy, ttl_days=st.integers(0, 80), keep_latest=st.integers(0, 5))


@given(projects, policies)
def test_every_export_gets_one_verdict_with_a_reason_and_only_ready_unpinned_ones_may_go(
    project: Project, policy: Policy
) -> None:
    judged = list(judge(project, policy, NOW))
    assert sorted(e.export_id for e, _ in judged) == sorted(e.export_id for e in project.exports)
    for found, verdict in judged:
        assert verdict.reasons
        if verdict.verdict == "candidate":
            assert found.status == "ready" and found.key
            assert not any(pin.version == found.version for pin in project.pins)


@given(projects, policies, st.integers(0, 40), st.integers(0, 5))
def test_a_more_generous_policy_never_lets_more_go(project: Project, policy: Policy, days: int, more: int) -> None:
    generous = Policy(ttl_days=policy.ttl_days + days, keep_latest=policy.keep_latest + more)
    assert candidates(project, generous) <= candidates(project, policy)


@given(projects, policies, st.randoms())
def test_the_order_in_which_exports_are_known_does_not_matter(project: Project, policy: Policy, random: Any) -> None:
    shuffled = list(project.exports)
    random.shuffle(shuffled)
    other = Project("p", exports=tuple(shuffled), pins=project.pins)
    assert verdicts(other, policy) == verdicts(project, policy)
