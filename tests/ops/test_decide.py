"""Deciders: given what happened, when something is asked, then this happens, or that refusal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cutlog.contract.commands import Output, ReportExport, ReportProxy
from cutlog.contract.events import (
    ExportCancelled,
    ExportDeleted,
    ExportFailed,
    ExportPinned,
    ExportRendered,
    ExportRequested,
    ExportUnpinned,
    ProjectCreated,
    ProjectDeleted,
    ProjectEvent,
    ProjectRestored,
    ProxyRendered,
    VersionCommitted,
)
from cutlog.contract.ops import ClipAdd, TrackAdd
from cutlog.contract.timeline import Canvas
from services.ops.decide.commands import (
    CancelExport,
    CommitOps,
    CreateProject,
    DeleteProject,
    ProjectCommand,
    RequestExport,
    RestoreProject,
    RetryExport,
    SetPin,
)
from services.ops.decide.project import decide, exported, pin_of
from services.ops.decide.project_state import ProjectState, evolve, initial_state
from services.ops.decide.refusals import (
    IdUnavailableError,
    NotFoundError,
    NothingToExportError,
    NotRenderingError,
    NotRetryableError,
    RefusedError,
    StaleVersionError,
)
from tests.ops.drawing import MEDIA

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CREATED = ProjectCreated(name="Film", canvas=Canvas())
TRACK = {"op": "track.add", "track": "v", "kind": "video"}
ADD_W = TrackAdd(track="w", kind="video")
CLIP = {"op": "clip.add", "clip": "c", "track": "v", "at": 0, "media": "film", "in": 0, "out": 10}
MADE = VersionCommitted(version=1, ops=(TRACK, CLIP), duration=10, digest="d", media_added=("film",))
REQUESTED = ExportRequested(export_id="x", version=1, profile="mp4")
FILE = Output(key="k", size=1, sha256="s", frames=10, encoded=10)
RENDERED = ExportRendered(export_id="x", version=1, profile="mp4", key="k", size=1, sha256="s", frames=10, encoded=10)
FAILED = ExportFailed(export_id="x", reason="no disk")
PINNED = ExportPinned(version=1)
REPORT = ReportExport(project_id="p", export_id="x", version=1, profile="mp4", output=FILE)


def given(*events: ProjectEvent) -> ProjectState | None:
    state = initial_state()
    for event in events:
        state = evolve(state, event, "default")
    return state


def commit(*ops: object, sent: Sequence[dict[str, Any]] = (), expected: int | None = None) -> CommitOps:
    return CommitOps(tuple(ops), tuple(sent), MEDIA, lambda _: "ab", expected)  # type: ignore[arg-type]


THEN: list[tuple[str, tuple[ProjectEvent, ...], ProjectCommand, tuple[ProjectEvent, ...]]] = [
    ("a project is created", (), CreateProject("Film", Canvas()), (CREATED,)),
    ("an export is asked for", (CREATED, MADE), RequestExport("x", 1, "mp4"), (REQUESTED,)),
    ("an export is there", (CREATED, MADE, REQUESTED), RequestExport("y", 1, "mp4"), ()),
    ("an export was deleted", (CREATED, MADE, REQUESTED, RENDERED, ExportDeleted(export_id="x")),
     RequestExport("y", 1, "mp4"), (ExportRequested(export_id="y", version=1, profile="mp4"),)),
    ("an export is cancelled", (CREATED, MADE, REQUESTED), CancelExport("x"), (ExportCancelled(export_id="x"),)),
    ("a failed export is retried", (CREATED, MADE, REQUESTED, FAILED), RetryExport("x"), (REQUESTED,)),
    ("an export is rendered", (CREATED, MADE, REQUESTED), REPORT, (RENDERED,)),
    ("an export is rendered though the project is deleted", (CREATED, MADE, REQUESTED, ProjectDeleted()), REPORT,
     (RENDERED,)),
    ("a proxy is rendered", (CREATED, MADE), ReportProxy(project_id="p", version=1, digest="d", output=FILE),
     (ProxyRendered(version=1, digest="d", key="k", size=1, sha256="s", frames=10, encoded=10),)),
    ("a version is pinned", (CREATED, MADE), SetPin(1, NOW), (PINNED,)),
    ("a pin toggles", (CREATED, MADE, PINNED), SetPin(1, NOW), (ExportUnpinned(version=1),)),
    ("a pin is there", (CREATED, MADE, PINNED), SetPin(1, NOW, True), ()),
    ("a pin gets a reason", (CREATED, MADE, PINNED), SetPin(1, NOW, True, reason="sold"),
     (ExportPinned(version=1, reason="sold"),)),
    ("there is no pin to take", (CREATED, MADE), SetPin(1, NOW, False), ()),
    ("a pin that has ended toggles on", (CREATED, MADE, ExportPinned(version=1, expires_at=NOW)), SetPin(1, NOW),
     (PINNED,)),
    ("a project is deleted", (CREATED,), DeleteProject(), (ProjectDeleted(),)),
    ("a project is restored", (CREATED, ProjectDeleted()), RestoreProject(), (ProjectRestored(),)),
    ("a project needs no restoring", (CREATED,), RestoreProject(), ()),
]  # fmt: skip


@pytest.mark.parametrize(("given_", "when", "then"), [row[1:] for row in THEN], ids=[row[0] for row in THEN])
def test_then(given_: tuple[ProjectEvent, ...], when: ProjectCommand, then: tuple[ProjectEvent, ...]) -> None:
    state = given(*given_)
    events = decide(state, when)
    assert events == then
    for event in events:
        state = evolve(state, event, "default")


REFUSALS: list[tuple[str, tuple[ProjectEvent, ...], ProjectCommand, type[RefusedError]]] = [
    ("a project exists", (CREATED,), CreateProject("Film", Canvas()), IdUnavailableError),
    ("there is no project", (), DeleteProject(), NotFoundError),
    ("a project is deleted", (CREATED, ProjectDeleted()), SetPin(0, NOW), NotFoundError),
    ("a version is expected that was passed", (CREATED, MADE), commit(ADD_W, expected=0), StaleVersionError),
    ("a version is expected that is to come", (CREATED, MADE), commit(ADD_W, expected=2), StaleVersionError),
    ("a version has no frames", (CREATED, MADE), RequestExport("x", 0, "mp4"), NothingToExportError),
    ("a version is to come", (CREATED, MADE), RequestExport("x", 2, "mp4"), NotFoundError),
    ("an export is unknown", (CREATED, MADE), CancelExport("x"), NotFoundError),
    ("an export is done", (CREATED, MADE, REQUESTED, RENDERED), CancelExport("x"), NotRenderingError),
    ("an export is done already", (CREATED, MADE, REQUESTED, RENDERED), REPORT, NotRenderingError),
    ("an export is still queued", (CREATED, MADE, REQUESTED), RetryExport("x"), NotRetryableError),
    ("a version to pin is to come", (CREATED, MADE), SetPin(2, NOW), NotFoundError),
    ("a proxy of a version to come", (CREATED,),
     ReportProxy(project_id="p", version=1, digest="d", output=FILE), NotFoundError),
]  # fmt: skip


@pytest.mark.parametrize(("given_", "when", "refusal"), [row[1:] for row in REFUSALS], ids=[row[0] for row in REFUSALS])
def test_refused(given_: tuple[ProjectEvent, ...], when: ProjectCommand, refusal: type[RefusedError]) -> None:
    with pytest.raises(refusal):
        decide(given(*given_), when)


def test_a_version_tells_which_media_the_timeline_began_and_ceased_to_use() -> None:
    ops = (TrackAdd(track="v", kind="video"), ClipAdd(clip="c", track="v", at=0, media="film", start=0, end=10))
    sent = ({"op": "track.add"}, {"op": "clip.add"})
    (event,) = decide(given(CREATED), commit(*ops, sent=sent))
    assert isinstance(event, VersionCommitted)
    assert (event.version, event.duration, event.ops) == (1, 10, sent)
    assert (event.media_added, event.media_removed) == (("film",), ())
    (event,) = decide(
        given(CREATED, MADE),
        commit(ClipAdd(clip="d", track="v", at=0, media="mute", start=0, end=10, mode="overwrite")),
    )
    assert isinstance(event, VersionCommitted)
    assert (event.media_added, event.media_removed) == (("mute",), ("film",))


def test_the_pin_of_a_profile_says_more_than_the_pin_of_all() -> None:
    ends = NOW + timedelta(days=1)
    state = given(CREATED, MADE, PINNED, ExportPinned(version=1, profile="mp4", expires_at=ends))
    assert state is not None
    assert pin_of(state, 1, "mp4", NOW) == ("mp4", state.pins["1/mp4"])
    assert pin_of(state, 1, "mp4", ends) == (None, state.pins["1/*"])
    assert pin_of(state, 0, "mp4", NOW) is None


def test_an_export_that_was_deleted_is_not_the_export_of_its_version() -> None:
    state = given(CREATED, MADE, REQUESTED)
    assert state is not None
    assert exported(state, 1, "mp4") == "x"
    assert exported(evolve(state, ExportDeleted(export_id="x"), "default"), 1, "mp4") is None
