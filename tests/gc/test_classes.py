"""The rules on what is no export, and on exports beside their time to live: who says what, from which moment on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from cutlog.contract.answers.collection import Policy, Scope, Verdict
from services.gc.rules.classes import (
    Bare,
    Segment,
    judge_folding,
    judge_leftover,
    judge_preview,
    judge_proxies,
    judge_segment,
    judge_video,
    judge_video_deletion,
)
from services.gc.rules.plan import candidate, object_candidate, proxy_candidate, video_candidate
from services.gc.rules.policy import Ready, judge, judge_deletion, judge_ready
from services.gc.rules.roots import Export, Media, Pin, Project, Proxy, newest_first

NOW = datetime(2031, 5, 1, 12, tzinfo=UTC)
USUAL = Policy()
INSTANT = timedelta(microseconds=1)


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def rules(verdict: Verdict) -> list[str]:
    """The rules that keep; of a candidate, those that let it go, after a minus."""
    sign = "" if verdict.verdict == "kept" else "-"
    return [sign + reason.rule for reason in verdict.reasons]


def export(version: int = 1, age: float = 40, status: Any = "ready", **changes: Any) -> Export:
    return Export(f"x{version}", version, "mp4", read(status), f"k{version}", version, ago(age), **changes)


def read(word: str) -> Any:
    """As a row has it: equal to the word in the code, and not the same object."""
    return "".join([*word])


def proxy(version: int, age: float) -> Proxy:
    return Proxy(version, f"k{version}", version, ago(age))


def media(**changes: Any) -> Media:
    given: dict[str, Any] = {
        "media_id": "m", "name": "n", "key": "k", "home": "h", "size": 50, "derived": 7, "generation": 1,
        "ref_count": 0, "status": "ready", "uploaded_at": ago(50), "touched_at": ago(40),
    }  # fmt: skip
    return Media(**given | changes)


@pytest.mark.parametrize(
    ("judged", "ends"),
    [
        (lambda at: judge_segment(Segment("k", 5, ago(14), films=0), Policy(segment_ttl_days=14), at), NOW),
        (lambda at: judge_preview(Bare("k", 5, ago(7)), Policy(preview_ttl_days=7), at), NOW),
        (lambda at: judge_leftover(Bare("k", 5, NOW), at), NOW + timedelta(hours=24)),
        (lambda at: judge_video(media(), Policy(ttl_days=40), at), NOW),
        (lambda at: judge_video(media(left_at=ago(9)), Policy(ttl_days=9), at), NOW),
        (
            lambda at: judge_video_deletion(
                media(status="archived", archived_at=ago(7)), Policy(archive_grace_days=7), at
            ),
            NOW,
        ),
        (
            lambda at: judge_deletion(
                Project("p"), export(status="archived", archived_at=ago(7)), Policy(archive_grace_days=7), at
            ),
            NOW,
        ),
        (
            lambda at: judge_deletion(Project("p"), export(age=7, status="archived"), Policy(archive_grace_days=7), at),
            NOW,
        ),
        (lambda at: judge_segment(Segment("k", 5, ago(2), 0), Policy(segment_ttl_days=0, min_age_hours=48), at), NOW),
        (lambda at: judge_preview(Bare("k", 5, ago(2)), Policy(preview_ttl_days=0, min_age_hours=48), at), NOW),
        (lambda at: judge_video(media(uploaded_at=ago(2)), Policy(ttl_days=0, min_age_hours=48), at), NOW),
    ],
)  # fmt: skip
def test_each_class_is_kept_until_the_moment_its_time_is_over(
    judged: Callable[[datetime], Verdict], ends: datetime
) -> None:
    assert judged(ends - INSTANT).verdict == "kept"
    assert judged(ends).verdict == judged(ends + INSTANT).verdict == "candidate"


def test_a_policy_without_a_minimum_age_says_nothing_of_it() -> None:
    none, some = Policy(), Policy(min_age_hours=1)
    assert rules(judge_segment(Segment("k", 5, ago(99), 0), none, NOW)) == ["-ttl"]
    assert rules(judge_segment(Segment("k", 5, ago(99), 0), some, NOW)) == ["-min-age", "-ttl"]
    assert rules(judge_preview(Bare("k", 5, ago(99)), none, NOW)) == ["-ttl"]
    assert rules(judge_preview(Bare("k", 5, ago(99)), some, NOW)) == ["-min-age", "-ttl"]
    assert rules(judge_video(media(), none, NOW)) == ["-ttl"]
    assert rules(judge_video(media(), some, NOW)) == ["-min-age", "-ttl"]


def test_a_segment_of_a_kept_render_stays() -> None:
    verdict = judge_segment(Segment("k", 5, ago(99), films=2), Policy(), NOW)
    assert rules(verdict) == ["referenced"] and verdict.reasons[0].detail.startswith("2 ")


def test_the_newest_proxy_of_a_project_stays_until_the_project_is_deleted() -> None:
    project = Project("p", proxies=(proxy(3, 50), proxy(7, 60), proxy(5, 1)))
    found = {each.version: rules(verdict) for each, verdict in judge_proxies(project, Policy(), NOW)}
    assert found == {3: ["-ttl"], 7: ["latest"], 5: ["ttl"]}
    deleted = Project("p", proxies=project.proxies, deleted_at=ago(8))
    verdicts = [verdict for _, verdict in judge_proxies(deleted, Policy(min_age_hours=1), NOW)]
    assert [rules(verdict) for verdict in verdicts] == [["-min-age", "-ttl"], ["-min-age", "-ttl"], ["ttl"]]
    assert [verdict.reasons[-1].detail.partition(" 2031")[0] for verdict in verdicts] == [
        "the project was deleted", "the project was deleted", "rendered",
    ]  # fmt: skip
    assert not list(judge_proxies(Project("p"), Policy(), NOW))


def test_a_proxy_is_folded_after_its_time_unless_it_is_the_newest_or_pinned() -> None:
    pins = (Pin(2), Pin(3, expires_at=NOW), Pin(4, expires_at=NOW + INSTANT))
    project = Project("p", proxies=tuple(proxy(version, 1) for version in range(1, 6)), pins=pins)

    def judged(at: datetime = NOW, of: Project = project) -> list[list[str]]:
        return [rules(judge_folding(of, each, timedelta(days=1), at)) for each in of.proxies]

    assert judged() == [["-min-age"], ["pinned"], ["-min-age"], ["pinned"], ["latest"]]
    assert judged(NOW - INSTANT)[0] == ["min-age"]
    deleted = Project("p", proxies=project.proxies, deleted_at=NOW)
    assert judged(of=deleted)[0] == ["not-ready"]


def test_a_project_of_its_own_numbers_has_them_for_proxies_too() -> None:
    scope = Scope(project_id="p", proxy_ttl_days=0)
    project = Project("p", proxies=(proxy(1, 1), proxy(2, 1)))
    kept = [rules(verdict) for _, verdict in judge_proxies(project, Policy(scope=(scope,)), NOW)]
    assert kept == [["-ttl"], ["latest"]]
    other = Project("q", proxies=project.proxies)
    assert next(rules(verdict) for _, verdict in judge_proxies(other, Policy(scope=(scope,)), NOW)) == ["ttl"]


def test_a_video_in_use_or_away_is_kept_and_says_so() -> None:
    verdict = judge_video(media(users=("a", "b", "c")), Policy(), NOW)
    assert rules(verdict) == ["in-use"] and verdict.reasons[0].detail == "3 projects use it: a, b, c"
    verdict = judge_video(media(users=("a", "b", "c", "d")), Policy(), NOW)
    assert verdict.reasons[0].detail == "4 projects use it: a, b, c, …"
    assert rules(judge_video(media(status="archived"), Policy(), NOW)) == ["not-ready"]
    released = judge_video(media(touched_at=ago(3)), Policy(), NOW).reasons[0].detail
    left = judge_video(media(left_at=ago(3)), Policy(), NOW).reasons[0].detail
    assert released.startswith("uploaded or released 2031-04-28 12:00:00 UTC; ttlDays 30 end")
    assert left.startswith("the last project that used it was deleted 2031-04-28")


def test_an_archived_video_that_is_used_again_is_not_deleted() -> None:
    away = media(status="archived", archived_at=ago(99))
    assert rules(judge_video_deletion(away, Policy(), NOW)) == ["-grace"]
    assert rules(judge_video_deletion(media(), Policy(), NOW)) == ["not-ready"]
    used = media(status="archived", archived_at=ago(99), users=("a",))
    assert rules(judge_video_deletion(used, Policy(), NOW)) == ["in-use"]


def judged(project: Project, policy: Policy = USUAL, **given: Any) -> dict[str, list[str]]:
    return {each.export_id: rules(verdict) for each, verdict in judge(project, policy, NOW, **given)}


def test_a_checkpoint_keeps_its_exports_where_the_policy_says_so() -> None:
    project = Project("p", exports=(export(1, 50), export(2, 40)), tagged={1: "rough cut"})
    assert judged(project, Policy(keep_latest=0)) == {"x2": ["latest"], "x1": ["tagged"]}
    assert judged(project, Policy(keep_latest=0, keep_tagged=False))["x1"] == ["-keep-latest", "-ttl"]
    deleted = Project("p", exports=project.exports, tagged=project.tagged, deleted_at=ago(30))
    assert judged(deleted, Policy(keep_latest=0)) == {"x2": ["-ttl"], "x1": ["-ttl"]}


def test_the_minimum_age_counts_from_when_an_export_was_finished() -> None:
    project = Project("p", exports=(export(1, 2), export(2, 1)))
    eager = Policy(ttl_days=0, keep_latest=0, min_age_hours=49)
    assert judged(project, eager)["x1"] == ["min-age"]
    assert judged(project, Policy(ttl_days=0, keep_latest=0, min_age_hours=48))["x1"] == [
        "-keep-latest", "-min-age", "-ttl",
    ]  # fmt: skip


def test_only_a_hold_keeps_what_is_to_be_erased() -> None:
    pins = (
        Pin(1, mode="hold", owner="lee", reason="audit"),
        Pin(2, mode=read("normal")),
        Pin(3, expires_at=ago(1), mode="hold"),
    )
    deleted = Project("p", exports=tuple(export(n, 1) for n in (1, 2, 3)), pins=pins, deleted_at=NOW)
    for erase in ({"p"}, {"*"}):
        found = judged(deleted, erase=frozenset(erase))
        assert found == {"x3": ["-erasure"], "x2": ["-erasure"], "x1": ["held"]}
    assert judged(deleted, erase=frozenset({"q"}))["x2"] == ["pinned", "ttl"]
    living = Project("p", exports=deleted.exports, pins=pins)
    assert judged(living, erase=frozenset({"*"}))["x2"] == ["pinned", "keep-latest", "ttl"]


@pytest.mark.parametrize(
    ("pin", "detail"),
    [
        (Pin(1, mode="hold", owner="lee", reason="audit"), "until it is unpinned by lee: audit"),
        (Pin(1, expires_at=NOW + timedelta(hours=1)), "until 2031-05-01 13:00:00 UTC"),
    ],
)
def test_a_pin_that_keeps_says_until_when_by_whom_and_why(pin: Pin, detail: str) -> None:
    (_, verdict), *_ = judge(Project("p", exports=(export(),), pins=(pin,)), Policy(), NOW)
    assert verdict.reasons[0].detail == detail


def test_a_deletion_is_judged_by_pins_the_grace_and_erasure() -> None:
    away = export(status="archived", archived_at=ago(6))
    pins = (Pin(1), Pin(1, profile="mp4", mode="hold"))
    policy = Policy(archive_grace_days=7)
    assert rules(judge_deletion(Project("p"), export(), policy, NOW)) == ["not-ready"]
    assert rules(judge_deletion(Project("p", pins=pins), away, policy, NOW)) == ["pinned", "held", "grace"]
    deleted = Project("p", pins=pins, deleted_at=NOW)
    assert rules(judge_deletion(deleted, away, policy, NOW, frozenset({"p"}))) == ["held"]
    bare = Project("p", pins=pins[:1], deleted_at=NOW)
    assert rules(judge_deletion(bare, away, policy, NOW, frozenset({"*"}))) == ["-erasure"]
    assert rules(judge_deletion(bare, away, policy, NOW, frozenset({"q"}))) == ["pinned", "grace"]
    assert rules(judge_deletion(Project("p"), away, policy, NOW, frozenset({"*"}))) == ["grace"]


def test_the_scope_of_a_project_replaces_what_it_gives_and_nothing_else() -> None:
    mine = Scope(project_id="p", keep_latest=0, keep_tagged=False)
    project = Project("p", exports=(export(1, 50), export(2, 40)), tagged={1: "m"})
    policy = Policy(ttl_days=45, scope=(Scope(project_id="o", ttl_days=0), mine))
    assert judged(project, policy) == {"x2": ["latest", "ttl"], "x1": ["-keep-latest", "-ttl"]}


def test_of_exports_finished_at_once_the_one_of_the_later_version_is_newer() -> None:
    exports = [export(1), export(3), export(2), export(4, status="queued")]
    unknown = Export("x9", 9, "mp4", "ready")
    assert [each.export_id for each in newest_first([unknown, *exports])] == ["x3", "x2", "x1", "x9"]


def test_a_line_of_a_plan_says_what_the_object_is_and_what_it_frees() -> None:
    project = Project("p", exports=(export(1), export(2, 1)), proxies=(proxy(3, 9), proxy(4, 9)))
    found, verdict = list(judge(project, Policy(keep_latest=0), NOW))[1]
    line = candidate("p", found, verdict)
    assert (line.id, line.class_, line.export_id, line.project_id, line.version) == ("x1", "export", "x1", "p", 1)
    assert (line.profile, line.key, line.size, line.finished_at) == ("mp4", "k1", 1, ago(40))
    assert line.reasons == verdict.reasons

    line = proxy_candidate("p", project.proxies[0], verdict)
    assert (line.id, line.class_, line.version, line.size) == ("proxy:p:3", "proxy", 3, 3)
    line = video_candidate(media(), verdict)
    assert (line.id, line.class_, line.size, line.finished_at) == ("m", "video", 57, ago(50))
    line = object_candidate("segment", Segment("k", 5, ago(99), 0), verdict)
    assert (line.id, line.class_, line.key, line.size, line.finished_at) == ("k", "segment", "k", 5, ago(99))


@pytest.mark.parametrize("lost", [{"key": None}, {"finished_at": None}])
def test_only_a_candidate_with_a_file_becomes_a_line(lost: dict[str, Any]) -> None:
    kept, gone = Verdict(verdict="kept", reasons=()), Verdict(verdict="candidate", reasons=())
    with pytest.raises(AssertionError):
        candidate("p", export(), kept)
    with pytest.raises(AssertionError):
        candidate("p", msgspec.structs.replace(export(), **lost), gone)


def test_an_export_says_from_when_on_its_time_to_live_counts() -> None:
    project = Project("p", exports=(export(1, 50), export(2, 1)))
    details = [verdict.reasons[-1].detail for _, verdict in judge(project, Policy(keep_latest=0), NOW)]
    assert all(detail.startswith("finished 2031") for detail in details)
    deleted = Project("p", exports=project.exports, deleted_at=ago(9))
    details = [verdict.reasons[-1].detail for _, verdict in judge(deleted, USUAL, NOW)]
    assert [detail.partition(" 2031")[0] for detail in details] == ["finished", "the project was deleted"]


def test_without_a_word_of_erasure_an_export_is_judged_by_the_rules() -> None:
    ready = Ready(Export("x1", 1, "mp4", "ready", "k", finished_at=ago(40)), newer=1, highest=2)
    verdict = judge_ready(ready, Policy(keep_latest=0), NOW)
    assert rules(verdict) == ["-keep-latest", "-ttl"]
    assert candidate("p", ready.export, verdict).size == 0, "nobody said how large it is"


@pytest.mark.parametrize(
    ("name", "most"),
    [
        ("ttlDays", 36_500), ("proxyTtlDays", 36_500), ("keepLatest", 10_000), ("minAgeHours", 876_000),
        ("maxDeleteFraction", 1),
    ],
)  # fmt: skip
def test_a_policy_takes_numbers_from_zero_to_a_century(name: str, most: int) -> None:
    for end in (0, most):
        assert msgspec.to_builtins(msgspec.convert({name: end}, Policy))[name] == end
    wrong: tuple[float, ...] = (-1, -0.5, most + 0.5, most + 1)
    for number in wrong:
        with pytest.raises(msgspec.ValidationError, match=name):
            msgspec.convert({name: number}, Policy)


def test_the_numbers_of_a_policy_that_nobody_set() -> None:
    assert Policy() == Policy(
        ttl_days=30, keep_latest=3, proxy_ttl_days=7, segment_ttl_days=14, preview_ttl_days=7, archive_grace_days=7,
        max_delete_fraction=0.2, schedule="0 3 * * 0", scope=(), keep_tagged=True, min_age_hours=0,
    )  # fmt: skip
