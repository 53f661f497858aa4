"""Moving in: given what is here, when a run brings something or takes it back, this happens, or a refusal."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from cutlog.contract.events import (
    ProjectCreated,
    ProjectDeleted,
    ProjectEvent,
    ProjectImported,
    ProjectImportUndone,
    VersionCommitted,
)
from cutlog.contract.imports import ImportedExport, ImportedProxy, ImportedVersion
from cutlog.contract.media import MediaFacts
from cutlog.contract.time import Fps
from cutlog.contract.timeline import Canvas
from services.ops.decide.importing import (
    EditedSinceError,
    ImportFiles,
    ImportVersions,
    LegacyVersion,
    UndoImport,
    decide_import,
)
from services.ops.decide.project import decide
from services.ops.decide.project_state import ProjectState, evolve, initial_state
from services.ops.decide.refusals import NotFoundError, NotImportedError
from services.ops.edits.sequence import Sequence
from services.ops.edits.sources import Known, Material
from services.ops.timeline.resolve import digest

AT = datetime(2020, 1, 2, tzinfo=UTC)
CANVAS = Canvas(fps=Fps(25, 1))
KNOWN = Known(
    {
        "v_1": Material("video", MediaFacts(container="mov", duration="20", fps=Fps(25, 1), frames=500)),
        "v_2": Material("video", MediaFacts(container="mov", duration="20", fps=Fps(25, 1), frames=500)),
    }
)
VIDEOS = {"11": "v_1", "12": "v_2"}
ADD = {"type": "addClip", "videoId": 11, "start": 1, "end": 5, "clipId": "c"}
DROP = {"type": "delete", "clipId": "c"}
MAGIC, MUTE = {"type": "applyMagic"}, {"type": "mute", "clipId": "nobody"}
WRONG = {"type": "trim", "clipId": "c", "end": 900}


def versions(*ops: tuple[Any, ...], first: int = 1, **more: Any) -> ImportVersions:
    """A page of versions, each of which has those ops."""
    rows = tuple(LegacyVersion(number, AT, "lee", f"m{number}", each) for number, each in enumerate(ops, first))
    given: dict[str, Any] = {
        "run": "r", "source": "old", "legacy_id": "l", "name": "Seven", "canvas": CANVAS, "created_at": AT,
        "versions": rows, "videos": VIDEOS, "sources": KNOWN, "sha256s": lambda media: media,
    }  # fmt: skip
    return ImportVersions(**given | more)


def folded(events: tuple[ProjectEvent, ...], state: ProjectState | None = None) -> ProjectState:
    for event in events:
        state = evolve(state, event, "t")
    assert state is not None
    return state


def brought(*ops: tuple[Any, ...], **more: Any) -> list[VersionCommitted]:
    """The versions that a project begins with."""
    events = decide_import(initial_state(), versions(*ops, **more))
    return [event for event in events if isinstance(event, VersionCommitted)]


def said(event: VersionCommitted) -> ImportedVersion:
    assert isinstance(event.imported, ImportedVersion)
    return event.imported


def test_a_project_begins_with_its_import_and_its_versions() -> None:
    events = decide_import(None, versions((ADD,), (), metadata={"shelf": 3}))
    assert events[:2] == (
        ProjectCreated(name="Seven", canvas=CANVAS, metadata={"shelf": 3}),
        ProjectImported(run="r", source="old", legacy_id="l", created_at=AT),
    )
    first, second = events[2:]
    assert isinstance(first, VersionCommitted) and isinstance(second, VersionCommitted)
    assert [op["op"] for op in first.ops] == ["track.add", "clip.add"] and second.ops == ()
    assert (first.version, first.message, first.duration) == (1, "m1", 100)
    assert (first.media_added, first.media_removed) == (("v_1",), ())
    assert (second.version, second.media_added, second.media_removed) == (2, (), ())
    state = folded(events)
    assert first.digest == second.digest == digest(state.sequence, lambda media: media)
    assert first.digest != digest(Sequence("Seven", CANVAS), lambda media: media)
    assert said(first) == ImportedVersion(run="r", at=AT, author="lee")


def test_media_that_a_version_no_longer_uses_are_said_too() -> None:
    other = {"type": "addClip", "videoId": 12, "start": 0, "end": 1, "clipId": "d"}
    _, second = brought((ADD,), (DROP, other))
    assert (second.media_added, second.media_removed) == (("v_2",), ("v_1",))


def test_the_next_page_follows_and_what_is_there_is_not_brought_again() -> None:
    state = folded(decide_import(None, versions((ADD,), ())))
    assert decide_import(state, versions((ADD,), ())) == ()
    (third,) = decide_import(state, versions((), (DROP,), first=2))
    assert isinstance(third, VersionCommitted)
    assert (third.version, third.duration, third.media_removed) == (3, 0, ("v_1",))
    assert decide(state, versions((ADD,), ())) == ()


def test_a_page_that_is_missing_is_waited_for() -> None:
    with pytest.raises(NotFoundError, match="Version 3 can't follow version 1"):
        decide_import(folded(decide_import(None, versions((ADD,)))), versions((), first=3))
    with pytest.raises(NotFoundError, match="Version 2 can't follow version 0"):
        decide_import(None, versions((), first=2))


def test_nothing_follows_what_was_edited_here() -> None:
    edited = VersionCommitted(version=2, ops=(), duration=100, digest="d")
    state = folded((edited,), folded(decide_import(None, versions((ADD,)))))
    with pytest.raises(EditedSinceError, match="Versions 2 to 2 were made here; 4 can't follow them"):
        decide_import(state, versions((), first=4))
    with pytest.raises(EditedSinceError, match="Versions 2 to 2 were made here since"):
        decide_import(state, UndoImport("r", "old"))


def test_an_import_without_versions_is_not_taken_back_over_the_first_edit() -> None:
    edited = VersionCommitted(version=1, ops=(), duration=0, digest="d")
    state = folded((edited,), folded(decide_import(None, versions())))
    with pytest.raises(EditedSinceError, match="Versions 1 to 1"):
        decide_import(state, UndoImport("r", "old"))


def test_from_a_version_that_is_not_understood_on_the_timeline_stands_still() -> None:
    first, second, third, fourth = brought((ADD,), (MAGIC, 7), (), (DROP,))
    why = said(second)
    assert why.why and not why.live and second.ops == () and second.duration == first.duration
    assert why.legacy == (MAGIC, {"value": 7}) and len(why.reasons) == 2
    assert said(third) == ImportedVersion(run="r", at=AT, author="lee"), "it had no ops"
    assert said(fourth).legacy == (DROP,) and "earlier version" in (said(fourth).why or "")
    assert len(said(fourth).reasons) == 1 and fourth.duration == first.duration


def test_a_later_page_stands_still_too() -> None:
    state = folded(decide_import(None, versions((ADD,), (MAGIC,))))
    (third,) = decide_import(state, versions((DROP,), first=3))
    assert isinstance(third, VersionCommitted) and third.ops == () and said(third).legacy == (DROP,)
    live = folded(decide_import(None, versions((ADD,), (MUTE,))))
    (third,) = decide_import(live, versions((DROP,), first=3))
    assert isinstance(third, VersionCommitted) and third.duration == 0 and said(third).why is None


def test_looks_that_are_not_understood_are_kept_and_the_timeline_goes_on() -> None:
    first, second, third = brought((ADD,), (MUTE,), (DROP,))
    assert said(second).live and said(second).legacy == (MUTE,) and said(second).why
    assert len(said(second).reasons) == 1
    assert said(third).why is None and third.duration == 0 and first.duration == 100


def test_an_edit_that_does_not_apply_says_why_for_each_op() -> None:
    _, second = brought((ADD,), (WRONG, MUTE))
    assert said(second).why and said(second).legacy == (WRONG, MUTE)
    assert len(said(second).reasons) == 2 and not said(second).live


def test_ops_that_no_event_can_hold_stay_in_the_source() -> None:
    def large(size: int) -> dict[str, Any]:
        """An op that is so many bytes of a list of one."""
        return {"type": "applyMagic", "text": "x" * (size - len('[{"type":"applyMagic","text":""}]'))}

    (just,) = brought((large(4 << 20),))
    assert said(just).legacy and said(just).reasons
    (over,) = brought((large((4 << 20) + 1),))
    assert said(over).legacy == () and said(over).reasons == () and "4194305 bytes" in (said(over).why or "")


def test_a_film_is_what_the_first_version_begins_as() -> None:
    first, second = brought((), (), film="v_1", seconds=20.0)
    assert [op["op"] for op in first.ops] == ["track.add", "clip.add"] and first.media_added == ("v_1",)
    assert first.duration == second.duration == 500 and second.ops == ()
    (changed, *_) = brought(({"type": "trim", "endFrame": 80},), film="v_1")
    assert changed.duration == 80 and [op["op"] for op in changed.ops][-1] == "clip.trim"
    state = folded(decide_import(None, versions(())))
    (later,) = decide_import(state, versions((), first=2, film="v_1"))
    assert isinstance(later, VersionCommitted) and later.ops == (), "only the first"
    (none,) = brought((), film="v_0")
    assert none.ops == () and none.duration == 0, "nobody knows how long it is"


EXPORT = ImportedExport(export_id="x", version=1, profile="mp4", status="ready", key="k", size=1, sha256="s")
PROXY = ImportedProxy(version=1, key="k", size=1, sha256="s")


def files(*, exports: tuple[ImportedExport, ...] = (), proxies: tuple[ImportedProxy, ...] = ()) -> ImportFiles:
    return ImportFiles("r2", "old", "l", exports, proxies)


def test_files_come_after_their_project_and_each_once() -> None:
    with pytest.raises(NotFoundError, match="after their project"):
        decide_import(None, files(exports=(EXPORT,)))
    state = folded(decide_import(None, versions((ADD,))))
    (event,) = decide_import(state, files(exports=(EXPORT,), proxies=(PROXY,)))
    assert event == ProjectImported(run="r2", source="old", legacy_id="l", exports=(EXPORT,), proxies=(PROXY,))
    state = folded((event,), state)
    assert decide_import(state, files(exports=(EXPORT,))) == () == decide_import(state, files())
    (proxies,) = decide_import(state, files(exports=(EXPORT,), proxies=(PROXY,)))
    assert proxies == ProjectImported(run="r2", source="old", legacy_id="l", proxies=(PROXY,))


def test_an_import_is_taken_back_once_with_all_its_exports() -> None:
    state = folded(decide_import(None, versions((ADD,))))
    state = folded(decide_import(state, files(exports=(EXPORT,))), state)
    assert decide_import(None, UndoImport("r", "old")) == ()
    events = decide_import(state, UndoImport("r3", "old"))
    assert events == (ProjectImportUndone(run="r3", export_ids=("x",)),)
    gone = folded(events, state)
    assert decide_import(gone, UndoImport("r3", "old")) == ()
    with pytest.raises(NotFoundError):
        decide_import(gone, files(exports=(EXPORT,)))
    again = decide_import(gone, versions((ADD,)))
    assert isinstance(again[0], ProjectCreated) and len(again) == 3
    assert decide_import(gone, versions((ADD,), source="elsewhere")), "the id is free again"


def test_only_what_came_from_a_store_is_imported_over() -> None:
    own = folded((ProjectCreated(name="Own", canvas=CANVAS),))
    other = folded(decide_import(None, versions((ADD,), source="elsewhere")))
    for state in (own, other):
        for command in (versions((ADD,)), files(), UndoImport("r", "old")):
            with pytest.raises(NotImportedError):
                decide_import(state, command)


def test_what_was_deleted_here_gets_nothing_more_but_can_be_taken_back() -> None:
    deleted = folded((ProjectDeleted(),), folded(decide_import(None, versions((ADD,)))))
    for command in (versions((ADD,), ()), files(proxies=(PROXY,))):
        with pytest.raises(EditedSinceError, match="was deleted here"):
            decide_import(deleted, command)
    assert decide_import(deleted, UndoImport("r", "old")) == (ProjectImportUndone(run="r"),)
