"""What facts leave of a project, and what decisions hand on beside them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cutlog.contract.commands import Output, ReportExport, ReportProxy
from cutlog.contract.events import (
    ExportArchived,
    ExportCancelled,
    ExportDeleted,
    ExportFailed,
    ExportPinned,
    ExportRendered,
    ExportRequested,
    ExportRestored,
    ExportUnpinned,
    ProjectCreated,
    ProjectDeleted,
    ProjectEvent,
    ProjectForked,
    ProjectImported,
    ProjectImportUndone,
    ProjectRestored,
    ProxyDeleted,
    ProxyFailed,
    ProxyRendered,
    VersionCommitted,
)
from cutlog.contract.imports import ImportedExport, ImportedVersion, Written
from cutlog.contract.ops import ClipAdd, ClipRemove, Op, ProjectConfigure, TrackAdd
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas
from services.ops.decide.commands import (
    CommitOps,
    CreateProject,
    DeleteProject,
    ForkProject,
    RequestExport,
    RestoreProject,
    RetryExport,
    SetPin,
)
from services.ops.decide.project import decide, decide_with_past, exported, pin_of, pin_set, pins_on
from services.ops.decide.project_state import (
    ExportState,
    Import,
    Past,
    Pin,
    ProjectState,
    evolve,
    imported_pins,
    initial_state,
)
from services.ops.decide.refusals import (
    HeldError,
    IdUnavailableError,
    NotFoundError,
    NotRetryableError,
    StaleVersionError,
)
from services.ops.edits.apply import apply_all
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence
from services.ops.edits.size import Budget, OverBudgetError
from services.ops.timeline.resolve import digest
from tests.ops.drawing import MEDIA

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
CREATED = ProjectCreated(name="Film", canvas=Canvas())
TRACK, CLIP = TrackAdd(track="v", kind="video"), ClipAdd(clip="c", track="v", at=0, media="film", start=0, end=10)
SENT = (
    {"op": "track.add", "track": "v", "kind": "video"},
    {"op": "clip.add", "clip": "c", "track": "v", "at": 0, "media": "film", "in": 0, "out": 10},
)  # fmt: skip
MADE = VersionCommitted(version=1, ops=SENT, duration=10, digest="d", media_added=("film",))
REQUESTED = ExportRequested(export_id="x", version=1, profile="mp4")
RENDERED = ExportRendered(export_id="x", version=1, profile="mp4", key="k", size=1, sha256="s", frames=10)
MIXED: dict[str, Any] = {"run": "r", "source": "old", "legacy_id": "l"}


def given(*events: ProjectEvent) -> ProjectState:
    state = initial_state()
    for event in events:
        state = evolve(state, event, "t")
    assert state is not None
    return state


def sha256_of(media: str) -> str:
    return f"sha-{media}"


def commit(*ops: Op, **more: Any) -> CommitOps:
    return CommitOps(ops, SENT, MEDIA, sha256_of, **more)


def test_a_committed_version_is_said_in_full_and_its_timeline_is_handed_on() -> None:
    written = Written(ops=({"type": "cut"},))
    events, past = decide_with_past(given(CREATED), commit(TRACK, CLIP, message="cut", written=written))
    after = apply_all(Sequence("Film", Canvas()), (TRACK, CLIP), MEDIA)
    assert events == (
        VersionCommitted(
            version=1, ops=SENT, duration=10, digest=digest(after, sha256_of), message="cut", media_added=("film",),
            written=written,
        ),
    )  # fmt: skip
    assert past.becomes == after and past.origin is None
    assert decide(given(CREATED), commit(TRACK, CLIP, message="cut", written=written)) == events
    assert evolve(given(CREATED), events[0], "t", past).sequence == after


def test_what_is_decided_where_nothing_may_be_edited_hands_on_nothing() -> None:
    for state in (None, given(CREATED, ProjectDeleted())):
        with pytest.raises(NotFoundError):
            decide_with_past(state, commit(TRACK))
    assert decide_with_past(given(CREATED), DeleteProject()) == ((ProjectDeleted(),), Past())


def test_media_that_a_version_no_longer_uses_are_said_too() -> None:
    (event,) = decide(given(CREATED, MADE), commit(ClipRemove(clip="c")))
    assert isinstance(event, VersionCommitted)
    assert (event.version, event.duration, event.media_added, event.media_removed) == (2, 0, (), ("film",))


def test_an_expected_version_is_the_one_that_there_is() -> None:
    state = given(CREATED, MADE)
    assert decide(state, commit(TrackAdd(track="w", kind="video"), expected_version=1))
    with pytest.raises(StaleVersionError, match="expected version 0; the project is at version 1"):
        decide(state, commit(TrackAdd(track="w", kind="video"), expected_version=0))


def test_a_name_of_more_than_a_line_is_refused_where_it_stands() -> None:
    broken = ProjectConfigure(name="a\nb\tc")
    with pytest.raises(EditError) as refused:
        decide(given(CREATED), commit(TRACK, broken))
    assert refused.value.pointer == "/ops/1/name" and "remove U+000A, U+0009" in refused.value.detail
    with pytest.raises(EditError) as refused:
        decide(None, CreateProject("a\nb", Canvas()))
    assert refused.value.pointer == "/name"
    assert decide(given(CREATED), commit(TRACK, ProjectConfigure(width=640, height=360)))


def test_a_fork_starts_as_the_version_that_it_is_of() -> None:
    origin = apply_all(Sequence("Film", Canvas(fps=Fps(25, 1))), (TRACK, CLIP), MEDIA)
    fork = ForkProject("Copy", "o", 4, origin, sha256_of, Budget(timeline_values=origin.size))
    events, past = decide_with_past(None, fork)
    assert events == (
        ProjectForked(
            name="Copy", canvas=origin.canvas, origin_project_id="o", origin_version=4, duration=10,
            digest=digest(origin, sha256_of), media_added=("film",),
        ),
    )  # fmt: skip
    state = evolve(None, events[0], "t", past)
    assert (state.tenant, state.version, state.sequence.name) == ("t", 0, "Copy")
    assert state.sequence.tracks == origin.tracks
    assert decide(state, RequestExport("x", 0, "mp4")) == (ExportRequested(export_id="x", version=0, profile="mp4"),)
    with pytest.raises(IdUnavailableError):
        decide(state, fork)
    with pytest.raises(OverBudgetError) as refused:
        decide(None, ForkProject("Copy", "o", 4, origin, sha256_of, Budget(timeline_values=origin.size - 1)))
    assert (refused.value.limit, refused.value.used) == (origin.size - 1, origin.size)


def test_a_project_begins_with_what_its_client_said_of_it() -> None:
    (event,) = decide(None, CreateProject("Film", Canvas(), {"shelf": 3}, ("film",)))
    assert event == ProjectCreated(name="Film", canvas=Canvas(), metadata={"shelf": 3}, media_added=("film",))
    assert decide(None, CreateProject("Film", Canvas())) == (CREATED,)


@pytest.mark.parametrize(
    ("events", "status"),
    [
        ((), "queued"), ((RENDERED,), "ready"), ((ExportFailed(export_id="x", reason="r"),), "failed"),
        ((ExportCancelled(export_id="x"),), "cancelled"),
        ((RENDERED, ExportArchived(export_id="x", key="a")), "archived"),
        ((RENDERED, ExportArchived(export_id="x", key="a"), ExportRestored(export_id="x", key="k")), "ready"),
        ((RENDERED, ExportDeleted(export_id="x")), "deleted"), ((RENDERED, REQUESTED), "queued"),
    ],
)  # fmt: skip
def test_an_export_is_as_its_last_event_left_it(events: tuple[ProjectEvent, ...], status: Any) -> None:
    other = ExportRequested(export_id="y", version=1, profile="gif")
    state = given(CREATED, MADE, other, REQUESTED, *events)
    assert dict(state.exports.items()) == {"y": ExportState(1, "gif"), "x": ExportState(1, "mp4", status)}
    assert dict(state.requested.items()) == {"1/gif": "y", "1/mp4": "x"}


def test_a_project_is_deleted_and_restored_and_its_proxies_are_not_its_state() -> None:
    state = given(CREATED, MADE)
    gone = evolve(state, ProjectDeleted(), "t")
    assert gone.deleted and not evolve(gone, ProjectRestored(), "t").deleted
    assert decide(gone, RestoreProject()) == (ProjectRestored(),)
    for event in (
        ProxyRendered(version=1, digest="d", key="k", size=1, sha256="s", frames=10),
        ProxyFailed(version=1, digest="d", reason="r"), ProxyDeleted(version=1, key="k"),
    ):  # fmt: skip
        assert evolve(state, event, "t") == state


@pytest.mark.parametrize(
    "wrong",
    [
        (MADE,), (CREATED, CREATED), (CREATED, MADE, MADE), (ProjectDeleted(),),
        (CREATED, VersionCommitted(version=3, ops=(), duration=0, digest="d")),
    ],
)  # fmt: skip
def test_facts_that_cannot_be_are_not_folded(wrong: tuple[ProjectEvent, ...]) -> None:
    with pytest.raises(AssertionError):
        given(*wrong)


def test_a_fork_without_its_origin_is_not_folded() -> None:
    fork = ProjectForked(name="F", canvas=Canvas(), origin_project_id="o", origin_version=1, duration=1, digest="d")
    with pytest.raises(AssertionError, match="every origin"):
        evolve(None, fork, "t")
    with pytest.raises(AssertionError, match="once"):
        evolve(given(CREATED), fork, "t", Past(origin=Sequence("o", Canvas())))


def test_pins_are_by_version_and_profile_and_hold_until_they_end() -> None:
    hold = ExportPinned(version=1, profile="mp4", reason="audit", expires_at=LATER, mode="hold")
    state = given(CREATED, MADE, hold, ExportPinned(version=1, reason="sold"), ExportPinned(version=0, profile="gif"))
    assert dict(state.pins.items()) == {
        "1/mp4": Pin("audit", LATER, "hold"), "1/*": Pin("sold"), "0/gif": Pin(),
    }  # fmt: skip
    assert list(pins_on(state, 1, "mp4")) == [("mp4", Pin("audit", LATER, "hold")), (None, Pin("sold"))]
    assert list(pins_on(state, 1, "gif")) == [(None, Pin("sold"))]
    assert pin_of(state, 1, "gif", NOW) == (None, Pin("sold"))
    assert pin_set(state, 1, "mp4", NOW) and not pin_set(state, 1, "mp4", LATER) and not pin_set(state, 1, "gif", NOW)
    left = evolve(state, ExportUnpinned(version=1, profile="mp4"), "t")
    assert sorted(name for name, _ in left.pins.items()) == ["0/gif", "1/*"]


def test_a_pin_is_set_only_where_it_changes_something() -> None:
    state = given(CREATED, MADE, ExportPinned(version=1, reason="sold", expires_at=LATER))
    assert decide(state, SetPin(1, NOW, True, None, "sold", LATER)) == ()
    assert decide(state, SetPin(1, NOW, True, None, "sold", None)) == (ExportPinned(version=1, reason="sold"),)
    held = ExportPinned(version=1, reason="sold", expires_at=LATER, mode="hold")
    assert decide(state, SetPin(1, NOW, True, None, "sold", LATER, "hold")) == (held,)
    assert decide(state, SetPin(1, NOW)) == (ExportUnpinned(version=1),), "it toggles"
    assert decide(state, SetPin(1, LATER)) == (ExportPinned(version=1),), "it has ended, and toggles on"
    assert decide(state, SetPin(1, NOW, None, "gif")) == (ExportPinned(version=1, profile="gif"),)
    assert decide(given(CREATED), SetPin(0, NOW)) == (ExportPinned(version=0),), "a version without frames, too"


def test_a_hold_is_lifted_by_an_admin_or_by_time() -> None:
    state = given(CREATED, MADE, ExportPinned(version=1, expires_at=LATER, mode="hold"))
    for lesser in (
        SetPin(1, NOW),
        SetPin(1, NOW, False),
        SetPin(1, NOW, True),
        SetPin(1, NOW, True, None, None, LATER),
    ):
        with pytest.raises(HeldError):
            decide(state, lesser)
    assert decide(state, SetPin(1, NOW, True, None, None, LATER, "hold")) == ()
    assert decide(state, SetPin(1, NOW, by_admin=True)) == (ExportUnpinned(version=1),)
    assert decide(state, SetPin(1, LATER, True)) == (ExportPinned(version=1),)
    pinned = given(CREATED, MADE, ExportPinned(version=1))
    assert decide(pinned, SetPin(1, NOW, False)) == (ExportUnpinned(version=1),)


def test_what_was_pinned_in_another_store_is_unpinned_with_its_version() -> None:
    brought: list[tuple[str, int, Any, bool]] = [
        ("a", 1, "mp4", True), ("b", 1, "gif", True), ("c", 1, "webm", False), ("d", 0, "mp4", True),
    ]  # fmt: skip
    exports = tuple(
        ImportedExport(export_id=name, version=version, profile=profile, status="ready", pinned=pinned)
        for name, version, profile, pinned in brought
    )
    state = given(CREATED, MADE, ProjectImported(**MIXED, exports=exports), ExportPinned(version=1, profile="audio"))
    assert imported_pins(state, 1) == ("mp4", "gif") and imported_pins(state, 0) == ("mp4",)
    unpinned = (ExportUnpinned(version=1, profile="mp4"), ExportUnpinned(version=1, profile="gif"))
    assert decide(state, SetPin(1, NOW)) == decide(state, SetPin(1, NOW, False)) == unpinned
    both = evolve(state, ExportPinned(version=1), "t")
    assert decide(both, SetPin(1, NOW, False)) == (ExportUnpinned(version=1), *unpinned)
    assert decide(state, SetPin(1, NOW, None, "webm")) == (ExportPinned(version=1, profile="webm"),)


def test_an_import_says_where_a_project_is_from_and_up_to_which_version() -> None:
    def brought(version: int, **said: Any) -> VersionCommitted:
        imported = ImportedVersion(run=f"r{version}", **said)
        return VersionCommitted(version=version, ops=(), duration=0, digest="d", imported=imported)

    state = given(CREATED, ProjectImported(**MIXED))
    assert state.imported == Import("old", "r", "r")
    state = evolve(evolve(state, brought(1), "t"), brought(2, why="w", live=True), "t")
    assert state.imported == Import("old", "r", "r2", 2)
    state = evolve(evolve(state, brought(3, why="w"), "t"), brought(4, why="w"), "t")
    assert state.imported == Import("old", "r", "r4", 4, kept_from=3)
    edited = evolve(state, VersionCommitted(version=5, ops=(), duration=0, digest="d"), "t")
    assert edited.imported == state.imported
    again = evolve(edited, ProjectImported(**MIXED | {"run": "later"}), "t")
    assert again.imported == Import("old", "r", "later", 4, kept_from=3)
    assert given(CREATED, brought(1)).imported is None


def test_of_imported_exports_only_those_that_are_ready_are_the_export_of_their_version() -> None:
    exports = (
        ImportedExport(export_id="a", version=1, profile="mp4", status="archived"),
        ImportedExport(export_id="b", version=1, profile="gif", status="ready"),
    )
    state = given(CREATED, MADE, ProjectImported(**MIXED, exports=exports))
    assert dict(state.exports.items()) == {"a": ExportState(1, "mp4", "archived"), "b": ExportState(1, "gif", "ready")}
    assert exported(state, 1, "mp4") is None and exported(state, 1, "gif") == "b"


def test_an_import_that_was_undone_leaves_the_id_to_whoever_wants_it() -> None:
    state = given(CREATED, MADE, ProjectImported(**MIXED), ProjectImportUndone(run="r", export_ids=()))
    assert state.undone and state.deleted and not state.version and not state.sequence.tracks
    with pytest.raises(NotFoundError, match="does not exist"):
        decide(state, RestoreProject())
    assert decide(state, CreateProject("Film", Canvas())) == (CREATED,)
    assert not given(CREATED, ProjectImported(**MIXED)).undone and not given(CREATED).undone


def test_a_renderer_that_failed_gives_its_reason_or_none() -> None:
    state = given(CREATED, MADE, REQUESTED)
    failed = ReportExport(project_id="p", export_id="x", version=1, profile="mp4", failed="no disk")
    assert decide(state, failed) == (ExportFailed(export_id="x", reason="no disk"),)
    silent = ReportProxy(project_id="p", version=1, digest="d")
    assert decide(state, silent) == (ProxyFailed(version=1, digest="d", reason="The renderer gave no reason."),)
    file = Output(key="k", size=2, sha256="s", frames=10, encoded=3)
    both = ReportProxy(project_id="p", version=1, digest="d", output=file, failed="late")
    assert decide(state, both) == (
        ProxyRendered(version=1, digest="d", key="k", size=2, sha256="s", frames=10, encoded=3),
    )


def test_an_export_is_retried_unless_it_is_wanted_already_or_was_replaced() -> None:
    for state in (given(CREATED, MADE, REQUESTED), given(CREATED, MADE, REQUESTED, RENDERED)):
        with pytest.raises(NotRetryableError, match="Export x is"):
            decide(state, RetryExport("x"))
    failed = (CREATED, MADE, REQUESTED, ExportFailed(export_id="x", reason="r"))
    assert decide(given(*failed), RetryExport("x")) == (REQUESTED,)
    again = ExportRequested(export_id="y", version=1, profile="mp4")
    with pytest.raises(NotRetryableError, match="exported again as y"):
        decide(given(*failed, again), RetryExport("x"))
    archived = ImportedExport(export_id="a", version=1, profile="gif", status="archived")
    state = given(CREATED, MADE, ProjectImported(**MIXED, exports=(archived,)))
    assert decide(state, RetryExport("a")) == (ExportRequested(export_id="a", version=1, profile="gif"),)


def test_a_version_from_before_the_first_edit_can_be_pinned_but_none_below_it() -> None:
    with pytest.raises(NotFoundError, match="no version -1; the newest is 1"):
        decide(given(CREATED, MADE), SetPin(-1, NOW))
