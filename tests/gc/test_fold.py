"""What events make of rows, without a database."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import pytest

from cutlog.contract import events as e
from cutlog.contract.envelope import Event
from cutlog.contract.imports import ImportedExport, ImportedProxy
from cutlog.contract.keys import Content, RenditionKey
from cutlog.contract.media import MediaFacts, Rendition, Renditions
from cutlog.contract.timeline import Canvas
from services.gc.rules.fold import (
    ExportRow,
    LogInconsistentError,
    MediaRow,
    MoveRow,
    PinRow,
    ProjectRow,
    ProxyRow,
    Rows,
    TaggedRow,
    UseRow,
    fold,
    touched,
)
from tests.gc.telling import START, Log, proxy, uploaded

P = "project.p"
HOME, ARCHIVE = "export/p/v1_final.mp4", "archive/x1_v1_final.mp4"
ORIGINAL, AWAY = "videos/default/ab.1.mp4", "archive/m.1.mp4"
FACTS = MediaFacts(container="mov", duration="1")


def minute(count: int) -> datetime:
    """When the event of that position is said."""
    return START + timedelta(minutes=count)


def after(*said: e.EventData, stream: str = P, tenant: str = "default") -> Rows:
    """The rows after what was said of a project."""
    log, rows = Log(), Rows()
    for data in said:
        fold(rows, log.say(stream, data, tenant))
    return rows


CREATED = e.ProjectCreated(name="P", canvas=Canvas())
REQUESTED = e.ExportRequested(export_id="x1", version=1, profile="mp4")
RENDERED = e.ExportRendered(
    export_id="x1", version=1, profile="mp4", key=HOME, size=9, sha256="s", frames=25, encoded=5
)
ARCHIVED = e.ExportArchived(export_id="x1", key=ARCHIVE)
READY = ExportRow(
    "x1", "p", 1, "mp4", "ready", HOME, 9, "s", minute(3), home=HOME, frames=25, encoded=5
)  # fmt: skip


def sent(position: int, class_: str, object_id: str, action: Any, source: str, target: str | None = None) -> MoveRow:
    return MoveRow(
        f"event {position}", position, class_, object_id, "default", "p", action, source, target, None, "tester",
        minute(position),
    )  # fmt: skip


def test_a_project_has_its_name_its_last_version_and_when_it_was_deleted() -> None:
    edited = e.VersionCommitted(version=7, ops=(), duration=1, digest="d")
    assert after(CREATED, edited).projects == {"p": ProjectRow("p", "default", "P", None, 7)}
    assert after(CREATED, edited, e.ProjectDeleted()).projects["p"].deleted_at == minute(3)
    assert after(CREATED, e.ProjectDeleted(), e.ProjectRestored()).projects["p"] == ProjectRow("p", "default", "P")


def test_what_a_version_adds_is_in_use_and_its_message_is_kept() -> None:
    edited = e.VersionCommitted(version=2, ops=(), duration=1, digest="d", message="rough cut", media_added=("a", "b"))
    rows = after(CREATED, edited, e.VersionCommitted(version=3, ops=(), duration=1, digest="d"))
    assert rows.tagged == {("p", 2): TaggedRow("p", 2, "rough cut")}
    assert rows.uses == {("a", "p"): UseRow("a", "p"), ("b", "p"): UseRow("b", "p")}


def test_a_fork_is_a_project_that_uses_what_its_origin_did() -> None:
    fork = e.ProjectForked(
        name="F", canvas=Canvas(), origin_project_id="o", origin_version=3, duration=1, digest="d", media_added=("a",)
    )
    rows = after(fork, tenant="other")
    assert rows.projects == {"p": ProjectRow("p", "other", "F")} and list(rows.uses) == [("a", "p")]


def test_an_export_goes_from_queued_to_its_file_or_to_how_it_ended() -> None:
    queued = ExportRow("x1", "p", 1, "mp4", "queued")
    assert after(CREATED, REQUESTED).exports == {"x1": queued}
    assert after(CREATED, REQUESTED, RENDERED).exports == {"x1": READY}
    assert after(CREATED, REQUESTED, e.ExportFailed(export_id="x1", reason="r")).exports["x1"].status == "failed"
    assert after(CREATED, REQUESTED, e.ExportCancelled(export_id="x1")).exports["x1"].status == "cancelled"


def test_a_row_counts_nothing_of_which_nothing_was_said() -> None:
    rows = after(CREATED, REQUESTED, brought(imported(export_id="x2")))
    assert [(row.size, row.frames, row.encoded) for row in rows.exports.values()] == [(0, 0, 0), (9, 0, 0)]
    assert [(row.frames, row.encoded, row.deleted) for row in rows.proxies.values()] == [(0, 0, False)]
    assert [(row.derived, row.revision) for row in of_media().media.values()] == [(0, 0)]
    assert [row.version for row in rows.projects.values()] == [0]


def test_an_export_that_is_asked_for_again_keeps_its_file_until_the_new_one_is_there() -> None:
    rows = after(CREATED, REQUESTED, RENDERED, REQUESTED)
    assert (rows.exports["x1"].status, rows.exports["x1"].key, rows.exports["x1"].size) == ("queued", HOME, 9)
    assert not rows.moves


def test_an_archived_export_moves_and_comes_back() -> None:
    rows = after(CREATED, REQUESTED, RENDERED, ARCHIVED)
    away = rows.exports["x1"]
    assert (away.status, away.key, away.home, away.archive) == ("archived", ARCHIVE, HOME, ARCHIVE)
    assert (away.archived_at, away.finished_at) == (minute(4), minute(3))
    assert rows.moves == {"event 4": sent(4, "export", "x1", "move", HOME, ARCHIVE)}
    back = after(CREATED, REQUESTED, RENDERED, ARCHIVED, e.ExportRestored(export_id="x1", key=HOME))
    assert back.exports == {"x1": READY}
    assert back.moves["event 5"] == sent(5, "export", "x1", "move", ARCHIVE, HOME)


def test_no_file_moves_to_where_it_is() -> None:
    again = after(CREATED, REQUESTED, RENDERED, e.ExportArchived(export_id="x1", key=HOME))
    assert not again.moves
    assert not after(CREATED, REQUESTED, RENDERED, e.ExportRestored(export_id="x1", key=HOME)).moves
    assert not after(CREATED, REQUESTED, ARCHIVED).moves, "it has no file"
    assert not after(CREATED, REQUESTED, e.ExportRestored(export_id="x1", key=HOME)).moves


def test_a_deleted_export_has_no_file_and_what_was_in_the_archive_is_removed() -> None:
    rows = after(CREATED, REQUESTED, RENDERED, ARCHIVED, e.ExportDeleted(export_id="x1"))
    gone = rows.exports["x1"]
    assert (gone.status, gone.key, gone.archive, gone.archived_at) == ("deleted", None, None, None)
    assert rows.moves["event 5"] == sent(5, "export", "x1", "delete", ARCHIVE)
    assert not after(CREATED, REQUESTED, RENDERED, e.ExportDeleted(export_id="x1")).moves


def test_an_archived_export_that_is_rendered_again_is_settled() -> None:
    rows = after(CREATED, REQUESTED, RENDERED, ARCHIVED, REQUESTED, RENDERED)
    assert rows.exports["x1"] == ExportRow(
        "x1", "p", 1, "mp4", "ready", HOME, 9, "s", minute(6), home=HOME, frames=25, encoded=5
    )
    assert rows.moves["event 6"] == sent(6, "export", "x1", "settle", ARCHIVE, HOME)


def test_an_event_from_before_the_archive_settles_nothing() -> None:
    log, rows = Log(), Rows()
    said = [log.say(P, data) for data in (CREATED, REQUESTED, RENDERED, ARCHIVED)]
    for event in (*said, said[2]):
        fold(rows, event)
    assert list(rows.moves) == ["event 4"], "the projection reads some events again, and the later ones after them"


def test_a_pin_says_who_and_why_and_until_when_and_an_unpin_leaves_nothing_of_it() -> None:
    until = minute(99)
    hold = e.ExportPinned(version=1, reason="audit", expires_at=until, mode="hold")
    rows = after(CREATED, hold, e.ExportPinned(version=1, profile="mp4"))
    assert rows.pins == {
        ("p", 1, None): PinRow("p", 1, None, True, "audit", until, "tester", "hold"),
        ("p", 1, "mp4"): PinRow("p", 1, "mp4", True, None, None, "tester", "normal"),
    }
    rows = after(CREATED, hold, e.ExportUnpinned(version=1))
    assert rows.pins == {("p", 1, None): PinRow("p", 1, None, False)}


def test_a_proxy_is_there_until_the_file_with_its_key_is_deleted() -> None:
    key = "proxy/p/v3_proxy.mp4"
    said = e.ProxyRendered(version=3, digest="d", key=key, size=7, sha256="s", frames=50, encoded=6)
    there = ProxyRow("p", 3, key, 7, minute(2), frames=50, encoded=6)
    assert after(CREATED, said).proxies == {("p", 3): there}
    other = after(CREATED, said, e.ProxyDeleted(version=3, key="proxy/p/v3_proxy.webm"))
    assert other.proxies == {("p", 3): there} and not other.moves
    assert not after(CREATED, e.ProxyDeleted(version=3, key=key)).moves
    gone = after(CREATED, said, e.ProxyDeleted(version=3, key=key))
    assert gone.proxies["p", 3].deleted
    assert gone.moves == {"event 3": sent(3, "proxy", "proxy:p:3", "delete", key)}
    assert not after(CREATED, said, e.ProxyDeleted(version=3, key=key), said).proxies["p", 3].deleted


def imported(**changes: Any) -> ImportedExport:
    given: dict[str, Any] = {
        "export_id": "x1",
        "version": 1,
        "profile": "mp4",
        "status": "ready",
        "key": HOME,
        "size": 9,
    }
    return ImportedExport(**given | {"sha256": "s"} | changes)


def brought(*exports: ImportedExport) -> e.ProjectImported:
    proxies = (ImportedProxy(version=1, key="proxy/p/v1_proxy.mp4", size=3, sha256="s"),)
    return e.ProjectImported(run="r", source="s", legacy_id="l", exports=exports, proxies=proxies)


def test_an_import_brings_exports_pins_and_proxies() -> None:
    rows = after(CREATED, brought(imported(at=START, pinned=True), imported(export_id="x2", version=2)))
    assert rows.exports == {
        "x1": ExportRow("x1", "p", 1, "mp4", "ready", HOME, 9, "s", START, home=HOME),
        "x2": ExportRow("x2", "p", 2, "mp4", "ready", HOME, 9, "s", minute(2), home=HOME),
    }
    assert rows.pins == {("p", 1, "mp4"): PinRow("p", 1, "mp4", True, "imported", owner="tester")}
    assert rows.proxies == {("p", 1): ProxyRow("p", 1, "proxy/p/v1_proxy.mp4", 3, minute(2))}


def test_an_export_that_came_archived_has_been_so_since_it_was_made() -> None:
    rows = after(CREATED, brought(imported(at=START, status="archived", key=ARCHIVE)))
    row = rows.exports["x1"]
    assert (row.home, row.archive, row.archived_at) == (ARCHIVE, ARCHIVE, START)


def test_an_import_that_is_undone_takes_what_the_project_has_and_nothing_of_another() -> None:
    log, rows = Log(), Rows()
    for stream in ("project.o", "project.q", P):
        log.say(stream, CREATED)
        log.say(stream, e.ExportRequested(export_id=f"other-{stream}", version=1, profile="mp4"))
        log.say(stream, proxy(1, size=3))
        log.say(stream, e.ExportPinned(version=1, reason="r"))
    log.say(P, brought(imported()))
    last = log.say(P, e.ProjectImportUndone(run="r", export_ids=("x1",)))
    for event in log.events:
        fold(rows, event)
    x1 = rows.exports["x1"]
    assert (x1.status, x1.key, x1.archive, x1.archived_at) == ("deleted", None, None, None)
    assert {row.status for name, row in rows.exports.items() if name != "x1"} == {"queued"}
    assert {place for place, row in rows.proxies.items() if not row.deleted} == {("o", 1), ("q", 1)}
    assert rows.pins["p", 1, None] == PinRow("p", 1, None, False)
    assert rows.pins["o", 1, None].pinned and rows.pins["q", 1, None].pinned
    assert {name: row.deleted_at for name, row in rows.projects.items()} == {"o": None, "q": None, "p": last.at}


def made(name: Any, revision: int = 0) -> str:
    return str(RenditionKey(Content("default", "ab" * 32, 1), name, revision))


MEDIA = MediaRow("m", "default", "m.mp4", "ab", 50, ORIGINAL, ORIGINAL, 1, 1, minute(1), minute(1))
MADE = Renditions(
    proxy=Rendition(key=made("proxy.mp4"), size=30, sha256="s"),
    thumbnail=Rendition(key=made("thumbnail.jpg"), size=4, sha256="s"),
)


def of_media(*said: e.EventData) -> Rows:
    return after(uploaded(), *said, stream="media.m")


def test_a_media_is_its_original_and_what_was_made_from_it() -> None:
    assert of_media().media == {"m": MEDIA}
    ready = of_media(e.MediaReady(facts=FACTS, renditions=MADE)).media["m"]
    assert (ready.size, ready.derived, ready.revision, ready.revised_at) == (50, 34, 0, None)
    none = of_media(e.MediaReady(facts=FACTS, renditions=Renditions())).media["m"]
    assert (none.derived, none.revision) == (0, 0)


def test_renditions_of_a_later_examination_have_its_number_and_time() -> None:
    again = Renditions(proxy=Rendition(key=made("proxy.mp4", 2), size=30, sha256="s"), thumbnail=MADE.thumbnail)
    ready = of_media(e.MediaReady(facts=FACTS, renditions=again)).media["m"]
    assert (ready.revision, ready.revised_at) == (2, minute(2))


def test_uploads_and_releases_count_and_are_when_the_media_was_last_touched() -> None:
    assert (more := of_media(e.MediaDeduplicated(name="n", ref_count=2)).media["m"]).ref_count == 2
    assert (less := of_media(e.MediaReleased(ref_count=0)).media["m"]).ref_count == 0
    assert {row.touched_at for row in (more, less)} == {minute(2)} and more.uploaded_at == minute(1)


def test_an_archived_video_moves_and_comes_back_touched() -> None:
    gone = of_media(e.MediaArchived(key=AWAY, generation=1))
    row = gone.media["m"]
    assert (row.status, row.key, row.home, row.archived_at) == ("archived", AWAY, ORIGINAL, minute(2))
    move = gone.moves["event 2"]
    assert (move.class_, move.object_id, move.project_id, move.action) == ("video", "m", None, "move")
    assert (move.source, move.target, move.folder) == (ORIGINAL, AWAY, None)
    back = of_media(e.MediaArchived(key=AWAY, generation=1), e.MediaRestored(key=ORIGINAL, generation=1))
    row = back.media["m"]
    assert (row.status, row.key, row.archived_at, row.touched_at) == ("ready", ORIGINAL, None, minute(3))
    assert (back.moves["event 3"].source, back.moves["event 3"].target) == (AWAY, ORIGINAL)


def test_a_deleted_video_takes_along_what_was_made_from_it() -> None:
    ready = e.MediaReady(facts=FACTS, renditions=MADE)
    rows = of_media(ready, e.MediaArchived(key=AWAY, generation=1), e.MediaDeleted(generation=1))
    row, move = rows.media["m"], rows.moves["event 4"]
    assert (row.status, row.archived_at, row.derived) == ("deleted", None, 0)
    assert (move.action, move.source, move.target, move.folder) == ("delete", AWAY, None, "derived/default/ab.1")


def test_what_concerns_no_file_changes_nothing() -> None:
    rows = after(CREATED, e.ProxyFailed(version=1, digest="d", reason="r"))
    assert rows == after(CREATED)


@pytest.mark.parametrize(
    "data", [RENDERED, e.ProjectRestored(), e.VersionCommitted(version=1, ops=(), duration=1, digest="d")]
)
def test_an_event_about_what_nothing_made_is_inconsistent(data: e.EventData) -> None:
    with pytest.raises(LogInconsistentError, match="position 1 speaks of"):
        after(data)


def everything() -> list[Event]:
    """A history with each kind of event that concerns a file."""
    data: e.EventData
    log, project = Log(), (CREATED, REQUESTED, RENDERED, ARCHIVED, e.ExportDeleted(export_id="x1"), proxy(1, size=3))
    for data in (*project, e.ExportPinned(version=1), e.ProjectDeleted(), e.ProjectRestored()):
        log.say(P, data)
    for export_id, ended in (
        ("x2", e.ExportFailed(export_id="x2", reason="r")),
        ("x3", e.ExportCancelled(export_id="x3")),
    ):
        log.say(P, e.ExportRequested(export_id=export_id, version=2, profile="mp4"))
        log.say(P, ended)
    log.say(P, e.VersionCommitted(version=2, ops=(), duration=1, digest="d", message="m", media_added=("m",)))
    log.say(P, e.ProxyDeleted(version=1, key=proxy(1, size=3).key))
    for data in (
        uploaded(), e.MediaDeduplicated(name="n", ref_count=2), e.MediaReady(facts=FACTS, renditions=MADE),
        e.MediaReleased(ref_count=0), e.MediaArchived(key=AWAY, generation=1),
        e.MediaRestored(key=ORIGINAL, generation=1), e.MediaDeleted(generation=1),
    ):  # fmt: skip
        log.say("media.m", data)
    log.say("project.q", CREATED)
    log.say("project.q", brought(imported(export_id="x9", status="archived", key=ARCHIVE, pinned=True)))
    log.say("project.q", e.ExportRestored(export_id="x9", key=HOME))
    log.say("project.q", proxy(4, size=3))
    log.say("project.q", e.ExportPinned(version=4))
    log.say("project.q", e.ProjectImportUndone(run="r", export_ids=("x9",)))
    return log.events


@pytest.mark.parametrize("size", [1, 3, 100])
def test_the_rows_that_a_batch_touches_are_all_that_it_needs(size: int) -> None:
    events, at_once, stored = everything(), Rows(), Rows()
    for event in events:
        fold(at_once, event)
    for start in range(0, len(events), size):
        batch = events[start : start + size]
        loaded = of_those(stored, batch)
        for event in batch:
            fold(loaded, event)
        for each in fields(Rows):
            getattr(stored, each.name).update(getattr(loaded, each.name))
    assert stored == at_once


def of_those(stored: Rows, batch: list[Event]) -> Rows:
    """What the projection reads of the tables before it folds a batch."""
    ids = touched(batch)
    return Rows(
        {name: row for name, row in stored.projects.items() if name in ids.projects},
        {name: row for name, row in stored.exports.items() if name in ids.exports},
        {pin: row for pin, row in stored.pins.items() if pin[0] in ids.undone},
        {place: row for place, row in stored.proxies.items() if place in ids.proxies or place[0] in ids.undone},
        media={name: row for name, row in stored.media.items() if name in ids.media},
    )
