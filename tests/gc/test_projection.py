"""Events become rows; the same events again change nothing; and each tenant sees its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.contract import events as e
from cutlog.contract.envelope import Event
from cutlog.contract.imports import ImportedExport, ImportedProxy
from cutlog.contract.timeline import Canvas
from cutlog.db.engine import create_engine
from services.gc.projection.apply import apply, clear
from services.gc.rules.fold import LogInconsistentError
from tests.gc.telling import START, Log, history, rendered
from tests.support.configuration import SettingsFactory

slow = pytest.mark.slow(reason="starts ops, gc, NATS and a database for one more case of its kind")

DERIVED = ("project", "export", "pin", "proxy", "tagged", "media", "media_use", "move")


@pytest.fixture
async def engine(settings_for: SettingsFactory) -> AsyncIterator[AsyncEngine]:
    made = create_engine(settings_for("gc"))
    yield made
    await made.dispose()


async def tell(engine: AsyncEngine, batch: list[Event]) -> None:
    async with engine.begin() as connection:
        await apply(connection, batch)


async def contents(engine: AsyncEngine) -> dict[str, list[dict[str, Any]]]:
    async with engine.connect() as connection:
        return {
            table: [dict(row) for row in (await connection.execute(text(f"TABLE {table} ORDER BY {table}"))).mappings()]
            for table in DERIVED
        }


async def test_events_become_rows(engine: AsyncEngine) -> None:
    await tell(engine, history().events)
    rows = await contents(engine)
    assert [(r["project_id"], r["tenant"], r["name"], r["deleted_at"]) for r in rows["project"]] == [
        ("p", "default", "P", None),
        ("q", "other", "Q", START + timedelta(minutes=22)),
    ]
    assert [(r["media_id"], r["project_id"]) for r in rows["media_use"]] == [("theirs", "q")], "before any edit"
    assert [(r["export_id"], r["status"], r["key"], r["size"]) for r in rows["export"]] == [
        ("x1", "archived", "archive/x1_v1_final.mp4", 100),
        ("x2", "ready", "export/p/v2_final.mp4", 200),
        ("x3", "failed", None, 0),
    ]
    assert [r["finished_at"] for r in rows["export"]] == [
        START + timedelta(minutes=10),
        START + timedelta(minutes=11),
        None,
    ]
    pins = {(r["version"], r["profile"]): (r["pinned"], r["reason"], r["expires_at"]) for r in rows["pin"]}
    assert pins == {
        (1, None): (False, None, None),
        (1, "mp4"): (True, None, None),
        (2, None): (True, None, START + timedelta(days=9)),
    }
    assert [(r["version"], r["size"]) for r in rows["proxy"]] == [(3, 8)]


@slow
@pytest.mark.parametrize("size", [1, 4, 100])
async def test_batches_of_any_size_give_the_same_rows(engine: AsyncEngine, size: int) -> None:
    events = history().events
    for start in range(0, len(events), size):
        await tell(engine, events[start : start + size])
    in_batches = await contents(engine)
    async with engine.begin() as connection:
        await clear(connection)
    await tell(engine, events)
    assert await contents(engine) == in_batches


@pytest.mark.few(1, reason="starts ops, gc, NATS and a database for one more case of its kind")
@pytest.mark.parametrize("start", [0, 7, 13, 20])
async def test_history_told_again_leads_to_the_same_rows(engine: AsyncEngine, start: int) -> None:
    events = history().events
    await tell(engine, events)
    before = await contents(engine)
    await tell(engine, events[start:])
    assert await contents(engine) == before


@slow
async def test_an_export_that_was_asked_for_again_is_queued_then_ready_with_its_new_time(engine: AsyncEngine) -> None:
    log = history()
    log.say("project.p", e.ExportRequested(export_id="x3", version=3, profile="mp4"))
    await tell(engine, log.events)
    assert (await contents(engine))["export"][2]["status"] == "queued"
    again = log.say("project.p", rendered(3, size=300))
    await tell(engine, [again])
    row = (await contents(engine))["export"][2]
    assert (row["status"], row["size"], row["finished_at"]) == ("ready", 300, again.at)


async def test_a_restored_export_is_ready_again_and_a_deleted_one_has_no_key(engine: AsyncEngine) -> None:
    log = history()
    log.say("project.p", e.ExportRestored(export_id="x1", key="export/p/v1_final.mp4"))
    log.say("project.p", e.ExportDeleted(export_id="x2"))
    await tell(engine, log.events)
    rows = (await contents(engine))["export"]
    assert [(r["status"], r["key"]) for r in rows[:2]] == [("ready", "export/p/v1_final.mp4"), ("deleted", None)]


@slow
async def test_files_go_where_events_say_and_history_told_again_sends_none_again(engine: AsyncEngine) -> None:
    log = history()
    log.say("project.p", e.ExportRestored(export_id="x1", key="export/p/v1_final.mp4"))
    log.say("project.p", e.ExportArchived(export_id="x2", key="archive/x2_v2_final.mp4"))
    log.say("project.p", e.ExportDeleted(export_id="x2"))
    log.say("project.p", e.ExportArchived(export_id="x1", key="archive/x1_v1_final.mp4"))
    log.say("project.p", e.ExportRequested(export_id="x1", version=1, profile="mp4"))
    log.say("project.p", rendered(1, size=101))
    log.say("project.p", e.ProxyDeleted(version=3, key="proxy/p/v3_proxy.mp4"))
    log.say("media.m", e.MediaArchived(key="archive/m.1.mp4", generation=1))
    log.say("media.m", e.MediaDeleted(generation=1))
    await tell(engine, log.events)
    home, archive = "export/p/v1_final.mp4", "archive/x1_v1_final.mp4"
    moves = sorted((await contents(engine))["move"], key=lambda row: row["position"])
    assert [(r["object_id"], r["action"], r["source"], r["target"]) for r in moves] == [
        ("x1", "move", home, archive),
        ("x1", "move", archive, home),
        ("x2", "move", "export/p/v2_final.mp4", "archive/x2_v2_final.mp4"),
        ("x2", "delete", "archive/x2_v2_final.mp4", None),
        ("x1", "move", home, archive),
        ("x1", "settle", archive, home),
        ("proxy:p:3", "delete", "proxy/p/v3_proxy.mp4", None),
        ("m", "move", "videos/default/ab.1.mp4", "archive/m.1.mp4"),
        ("m", "delete", "archive/m.1.mp4", None),
    ]
    assert moves[-1]["folder"] == "derived/default/ab.1"
    before = await contents(engine)
    async with engine.begin() as connection:
        await connection.execute(text("UPDATE move SET done_at = :at"), {"at": START})
        await clear(connection)
    await tell(engine, log.events)
    after = await contents(engine)
    assert all(row["done_at"] == START for row in after.pop("move")) and before.pop("move")
    assert after == before


def imported(log: Log, *, pinned: bool, proxies: tuple[int, ...]) -> None:
    """A project as a run brings it: with proxies, and exports of the versions 1 and 2."""
    stream = "project.moved"
    log.say(stream, e.ProjectCreated(name="Moved", canvas=Canvas()))
    for version in (1, 2):
        log.say(stream, e.VersionCommitted(version=version, ops=(), duration=1, digest="d"))
    exports = tuple(
        ImportedExport(
            export_id=f"moved{version}", version=version, profile="mp4", status="ready", pinned=pinned,
            key=f"export/moved/v{version}_final.mp4", size=5, sha256="s", at=START,
        )
        for version in (1, 2)
    )  # fmt: skip
    brought = tuple(ImportedProxy(version=v, key=f"proxy/moved/v{v}_proxy.mp4", size=3, sha256="s") for v in proxies)
    log.say(stream, e.ProjectImported(run="r", source="s", legacy_id="l", exports=exports, proxies=brought))


def undone(log: Log) -> None:
    log.say("project.moved", e.ProjectImportUndone(run="r", export_ids=("moved1", "moved2")))


@pytest.mark.parametrize("size", [1, 100])
async def test_an_import_that_was_undone_leaves_no_proxy_and_no_pin(engine: AsyncEngine, size: int) -> None:
    log = history()
    imported(log, pinned=True, proxies=(1, 2))
    log.say("project.moved", e.ExportPinned(version=1))
    undone(log)
    imported(log, pinned=False, proxies=(2,))
    undone_at, events = len(log.events) - 4, log.events
    for start in range(0, undone_at, size):
        await tell(engine, events[start : min(start + size, undone_at)])
    rows = await contents(engine)
    mine = [row for row in rows["proxy"] if row["project_id"] == "moved"]
    assert [(row["version"], row["deleted"]) for row in mine] == [(1, True), (2, True)]
    assert len(pins := [row for row in rows["pin"] if row["project_id"] == "moved"]) == 3
    assert not any(row["pinned"] for row in pins)
    assert [row["deleted"] for row in rows["proxy"] if row["project_id"] == "p"] == [False]
    assert sum(row["pinned"] for row in rows["pin"] if row["project_id"] == "p") == 2
    assert not [row for row in rows["move"] if row["project_id"] == "moved"], "a later run may bring the same keys"
    for start in range(undone_at, len(events), size):
        await tell(engine, events[start : start + size])
    again = await contents(engine)
    mine = [row for row in again["proxy"] if row["project_id"] == "moved"]
    assert [(row["version"], row["deleted"]) for row in mine] == [(1, True), (2, False)]
    assert not any(row["pinned"] for row in again["pin"] if row["project_id"] == "moved")
    async with engine.begin() as connection:
        await clear(connection)
    await tell(engine, events)
    assert await contents(engine) == again


async def test_an_export_that_came_archived_is_in_the_archive_and_deleting_it_removes_its_file(
    engine: AsyncEngine,
) -> None:
    log, stream, key = Log(), "project.moved", "archive/moved1_v1_final.mp4"
    log.say(stream, e.ProjectCreated(name="Moved", canvas=Canvas()))
    log.say(stream, e.VersionCommitted(version=1, ops=(), duration=1, digest="d"))
    export = ImportedExport(
        export_id="moved1", version=1, profile="mp4", status="archived", key=key, size=5, sha256="s", at=START
    )
    log.say(stream, e.ProjectImported(run="r", source="s", legacy_id="l", exports=(export,)))
    await tell(engine, log.events)
    (row,) = (await contents(engine))["export"]
    assert (row["status"], row["key"], row["archive"], row["archived_at"]) == ("archived", key, key, START)
    gone = [log.say(stream, e.ExportDeleted(export_id="moved1"))]
    await tell(engine, gone)
    rows = await contents(engine)
    assert [(r["action"], r["source"]) for r in rows["move"]] == [("delete", key)]
    assert rows["export"][0]["archive"] is None


async def test_an_import_that_was_undone_has_nothing_in_the_archive(engine: AsyncEngine) -> None:
    log = history()
    imported(log, pinned=False, proxies=())
    log.say("project.moved", e.ExportArchived(export_id="moved1", key="archive/moved1_v1_final.mp4"))
    undone(log)
    await tell(engine, log.events)
    mine = [row for row in (await contents(engine))["export"] if row["project_id"] == "moved"]
    assert [(row["status"], row["archive"], row["archived_at"]) for row in mine] == [("deleted", None, None)] * 2


@slow
async def test_an_event_about_an_export_that_nothing_made_stops_the_projection(engine: AsyncEngine) -> None:
    log = Log()
    log.say("project.p", e.ProjectCreated(name="P", canvas=Canvas()))
    log.say("project.p", rendered(1, size=1))
    with pytest.raises(LogInconsistentError, match="position 2 speaks of x1"):
        await tell(engine, log.events)
    assert (await contents(engine))["project"] == []


@pytest.mark.few(2, reason="starts ops, gc, NATS and a database for one more case of its kind")
@pytest.mark.parametrize("table", ["plan", "plan_candidate", "policy", "run", "run_item", "run_end"])
@pytest.mark.parametrize("verb", ["update", "delete"])
async def test_the_database_refuses_to_change_plans_policies_and_audit(
    engine: AsyncEngine, table: str, verb: str
) -> None:
    column = {"policy": "tenant", "plan": "plan_id", "plan_candidate": "plan_id"}.get(table, "run_id")
    statement = f"DELETE FROM {table}" if verb == "delete" else f"UPDATE {table} SET {column} = 'x'"
    with pytest.raises(DBAPIError, match="permission denied"):
        async with engine.begin() as connection:
            await connection.execute(text(statement))
