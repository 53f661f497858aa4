"""Archive, restore, delete: given what happened, when the collector asks, then this happens, or that refusal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cutlog.contract.commands import (
    ArchiveExport,
    CollectExport,
    DeleteExport,
    DeleteProxy,
    RecordPlan,
    RecordPolicy,
    RestoreExport,
)
from cutlog.contract.events import (
    ExportArchived,
    ExportDeleted,
    ExportPinned,
    ExportRendered,
    ExportRequested,
    ExportRestored,
    ExportUnpinned,
    PlanCalculated,
    PolicyChanged,
    ProjectCreated,
    ProjectDeleted,
    ProjectEvent,
    ProxyDeleted,
    VersionCommitted,
)
from cutlog.contract.timeline import Canvas
from services.ops.decide import run
from services.ops.decide.commands import RetryExport, SetPin
from services.ops.decide.project import decide
from services.ops.decide.project_state import ProjectState, evolve, initial_state
from services.ops.decide.refusals import (
    ChangedSinceError,
    HeldError,
    NotArchivedError,
    NotReadyError,
    NotRetryableError,
    PinnedError,
    PlanExistsError,
    RefusedError,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TRACK = {"op": "track.add", "track": "v", "kind": "video"}
READY: tuple[ProjectEvent, ...] = (
    ProjectCreated(name="Film", canvas=Canvas()),
    VersionCommitted(version=1, ops=(TRACK,), duration=10, digest="d"),
    VersionCommitted(version=2, ops=(), duration=10, digest="d"),
    ExportRequested(export_id="x", version=1, profile="mp4"),
    ExportRendered(export_id="x", version=1, profile="mp4", key="k", size=1, sha256="s", frames=10),
)
GONE = (*READY, ProjectDeleted())
ARCHIVED = ExportArchived(export_id="x", key="archive/x_v1_final.mp4")
DELETED = ExportDeleted(export_id="x")
PIN, HOLD = ExportPinned(version=1), ExportPinned(version=1, profile="mp4", mode="hold")


def archive(*, gone: bool = False, erase: bool = False) -> ArchiveExport:
    return ArchiveExport(
        project_id="p", export_id="x", key="archive/x_v1_final.mp4", at=NOW, project_deleted=gone, erase=erase
    )


def delete(*, gone: bool = False, erase: bool = False) -> DeleteExport:
    return DeleteExport(project_id="p", export_id="x", at=NOW, project_deleted=gone, erase=erase)


def folding(version: int = 1) -> DeleteProxy:
    return DeleteProxy(project_id="p", version=version, key="k", folded="state", at=NOW)


RESTORE = RestoreExport(project_id="p", export_id="x", key="k")


def given(*events: ProjectEvent) -> ProjectState | None:
    state = initial_state()
    for event in events:
        state = evolve(state, event, "default")
    return state


THEN: list[tuple[str, tuple[ProjectEvent, ...], CollectExport, tuple[ProjectEvent, ...]]] = [
    ("archive", READY, archive(), (ARCHIVED,)),
    ("restore", (*READY, ARCHIVED), RESTORE, (ExportRestored(export_id="x", key="k"),)),
    ("delete", (*READY, ARCHIVED), delete(), (DELETED,)),
    ("a pin that has ended", (*READY, ExportPinned(version=1, expires_at=NOW)), archive(), (ARCHIVED,)),
    ("a pin of another profile", (*READY, ExportPinned(version=1, profile="gif")), archive(), (ARCHIVED,)),
    ("in a deleted project", GONE, archive(gone=True), (ARCHIVED,)),
    ("an erasure heeds no plain pin", (*READY, PIN, ProjectDeleted()), archive(gone=True, erase=True), (ARCHIVED,)),
    ("a proxy goes", READY, DeleteProxy(project_id="p", version=1, key="k"), (ProxyDeleted(version=1, key="k"),)),
    ("a pinned proxy goes by a plan", (*READY, PIN), DeleteProxy(project_id="p", version=1, key="k"),
     (ProxyDeleted(version=1, key="k"),)),
    ("a proxy is folded", READY, folding(), (ProxyDeleted(version=1, key="k", folded="state"),)),
    ("one whose pin has ended", (*READY, ExportPinned(version=1, expires_at=NOW)), folding(),
     (ProxyDeleted(version=1, key="k", folded="state"),)),
]  # fmt: skip


@pytest.mark.parametrize(("given_", "when", "then"), [row[1:] for row in THEN], ids=[row[0] for row in THEN])
def test_then(given_: tuple[ProjectEvent, ...], when: CollectExport, then: tuple[ProjectEvent, ...]) -> None:
    state = given(*given_)
    assert decide(state, when) == then
    for event in then:
        state = evolve(state, event, "default")


REFUSED: list[tuple[str, tuple[ProjectEvent, ...], CollectExport, type[RefusedError]]] = [
    ("queued", READY[:4], archive(), NotReadyError),
    ("archived already", (*READY, ARCHIVED), archive(), NotReadyError),
    ("pinned", (*READY, PIN), archive(), PinnedError),
    ("held", (*READY, HOLD), archive(), PinnedError),
    ("pinned since it was archived", (*READY, ARCHIVED, PIN), delete(), PinnedError),
    (
        "pinned until later",
        (*READY, ExportPinned(version=1, expires_at=NOW + timedelta(seconds=1))),
        archive(),
        PinnedError,
    ),
    ("an erasure heeds a hold", (*READY, HOLD, ProjectDeleted()), archive(gone=True, erase=True), PinnedError),
    ("an erasure in a project that is there heeds pins", (*READY, PIN), archive(erase=True), PinnedError),
    ("deleted since", GONE, archive(), ChangedSinceError),
    ("restored since", READY, archive(gone=True), ChangedSinceError),
    ("not archived yet", READY, delete(), NotArchivedError),
    ("deleted twice", (*READY, ARCHIVED, DELETED), delete(), NotArchivedError),
    ("nothing to restore", READY, RESTORE, NotArchivedError),
    ("the newest proxy", READY, DeleteProxy(project_id="p", version=2, key="k"), ChangedSinceError),
    ("folding the newest proxy", READY, folding(2), ChangedSinceError),
    ("folding in a deleted project", GONE, folding(), ChangedSinceError),
    ("folding what is pinned", (*READY, PIN), folding(), PinnedError),
    ("folding what is held in one profile", (*READY, HOLD), folding(), PinnedError),
    ("folding what is pinned in one profile", (*READY, ExportPinned(version=1, profile="gif")), folding(), PinnedError),
]


@pytest.mark.parametrize(("given_", "when", "refusal"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(given_: tuple[ProjectEvent, ...], when: CollectExport, refusal: type[RefusedError]) -> None:
    with pytest.raises(refusal):
        decide(given(*given_), when)


@pytest.mark.parametrize("before", [(ARCHIVED,), (ARCHIVED, DELETED)])
def test_an_archived_or_deleted_export_is_rendered_again_under_its_own_id(before: tuple[ProjectEvent, ...]) -> None:
    asked = ExportRequested(export_id="x", version=1, profile="mp4")
    assert decide(given(*READY, *before), RetryExport("x")) == (asked,)


def test_a_deleted_export_is_not_rendered_again_once_another_took_its_place() -> None:
    state = given(*READY, ARCHIVED, DELETED, ExportRequested(export_id="y", version=1, profile="mp4"))
    with pytest.raises(NotRetryableError):
        decide(state, RetryExport("x"))


def test_only_an_admin_lifts_or_changes_a_hold() -> None:
    state = given(*READY, HOLD)
    lift = SetPin(1, NOW, False, "mp4")
    with pytest.raises(HeldError):
        decide(state, lift)
    with pytest.raises(HeldError):
        decide(state, SetPin(1, NOW, True, "mp4", expires_at=NOW + timedelta(days=1)))
    assert decide(state, SetPin(1, NOW, True, "mp4", mode="hold")) == ()
    lifted = SetPin(1, NOW, False, "mp4", by_admin=True)
    assert decide(state, lifted) == (ExportUnpinned(version=1, profile="mp4"),)


def test_a_policy_follows_an_older_one_only_and_a_run_has_one_plan() -> None:
    second = PolicyChanged(level="tenant", version=2, policy={})
    assert run.decide(None, RecordPolicy(policy_id="policy_t", event=second)) == (second,)
    with pytest.raises(ChangedSinceError):
        run.decide(second, RecordPolicy(policy_id="policy_t", event=second))
    plan = PlanCalculated(plan_id="pl", plan_hash="h", position=1, candidates=0, bytes=0)
    with pytest.raises(PlanExistsError):
        run.decide(plan, RecordPlan(run_id="r", event=plan))
    assert run.evolve(run.initial_state(), plan) == plan
    assert run.evolve(run.evolve(None, PolicyChanged(level="tenant", version=1, policy={})), second) == second
    for before, event in ((plan, plan), (plan, second)):
        with pytest.raises(AssertionError):
            run.evolve(before, event)
