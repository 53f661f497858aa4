"""Appending: gapless, all or nothing, once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from cutlog.contract.envelope import Event
from cutlog.contract.events import ProjectCreated
from cutlog.contract.timeline import Canvas
from cutlog.db.idempotency import Keyed, KeyReusedError
from services.ops.log.append import LogWriter
from services.ops.log.read import LogReader
from services.ops.log.records import (
    AlreadyAnsweredError,
    Append,
    Appended,
    Keep,
    Kept,
    LogClosedError,
    UnstorableError,
    VersionConflictError,
)
from tests.support.database import Database
from tests.support.edits import TRACE, committed, edit

slow = pytest.mark.slow(reason="one more database")


async def test_positions_have_no_gaps_under_concurrency_and_conflicts(writer: LogWriter, reader: LogReader) -> None:
    async def client(number: int) -> int:
        done = 0
        for attempt in range(20):
            try:
                await writer.append(edit(f"p_{(number + attempt) % 8}", done))
                done += 1
            except VersionConflictError:
                continue
        return done

    done = await asyncio.gather(*(client(number) for number in range(16)))
    events = await reader.read(0, 1000)
    assert [event.position for event in events] == list(range(1, sum(done) + 1))
    assert await reader.head() == sum(done)
    for stream in {event.stream for event in events}:
        versions = [event.version for event in events if event.stream == stream]
        assert versions == list(range(1, len(versions) + 1))


async def test_two_appends_after_the_same_version_make_one_version(writer: LogWriter, reader: LogReader) -> None:
    await writer.append(edit("p_1", 0))
    first, second = await asyncio.gather(
        writer.append(edit("p_1", 1)), writer.append(edit("p_1", 1)), return_exceptions=True
    )
    assert isinstance(first, Appended) and first.version == 2
    assert isinstance(second, VersionConflictError) and (second.expected, second.actual) == (1, 2)
    assert len(await reader.stream("project.p_1")) == 2


async def test_a_conflict_in_a_batch_leaves_the_other_appends_alone(writer: LogWriter, reader: LogReader) -> None:
    await writer.append(edit("p_1", 0))
    appends = [edit(f"q_{number}", 0) for number in range(20)]
    appends.insert(7, edit("p_1", 0))
    results = await asyncio.gather(*map(writer.append, appends), return_exceptions=True)
    assert isinstance(results.pop(7), VersionConflictError)
    assert sorted(result.position for result in results if isinstance(result, Appended)) == list(range(2, 22))


@slow
async def test_an_expected_version_beyond_the_end_is_a_conflict(writer: LogWriter) -> None:
    with pytest.raises(VersionConflictError) as refused:
        await writer.append(edit("p_1", 5))
    assert refused.value.actual == 0


async def test_events_of_one_append_are_neighbours_and_keep_who_and_why(writer: LogWriter, reader: LogReader) -> None:
    appended = await writer.append(
        edit("p_1", 0, ProjectCreated(name="Größe ✂", canvas=Canvas()), committed(1), committed(2))
    )
    assert (appended.position, appended.version, appended.repeated) == (3, 3, False)
    events = [event.decode() for event in await reader.read(0)]
    assert [(event.position, event.version, event.type) for event in events] == [
        (1, 1, "ProjectCreated"),
        (2, 2, "VersionCommitted"),
        (3, 3, "VersionCommitted"),
    ]
    assert {(event.tenant, event.actor, event.trace, event.at) for event in events} == {
        ("default", "tester", TRACE, appended.at)
    }
    assert events[0].data == ProjectCreated(name="Größe ✂", canvas=Canvas())
    assert events[2].data == committed(2)


async def test_a_command_key_seen_before_gives_the_first_answer(writer: LogWriter, reader: LogReader) -> None:
    first = await writer.append(edit("p_1", 0, committed(1), committed(2), key="k"))
    await writer.append(edit("p_1", 2))
    again = await writer.append(edit("p_1", 0, committed(1), committed(2), key="k"))
    later = await writer.append(edit("p_1", 3, committed(4), key="k"))
    assert (first.position, first.version) == (again.position, again.version) == (later.position, later.version)
    assert again.repeated and later.repeated and again.at == first.at
    assert await reader.find("k") == again
    assert await reader.find("other") is None
    assert await reader.head() == 3


@slow
async def test_the_same_key_many_times_at_once_writes_once(writer: LogWriter, reader: LogReader) -> None:
    appended = await asyncio.gather(*(writer.append(edit("p_1", 0, key="k")) for _ in range(10)))
    assert {result.position for result in appended} == {1}
    assert [result.repeated for result in appended].count(False) == 1
    assert await reader.head() == 1


async def test_a_result_is_kept_with_its_events_and_only_once(writer: LogWriter, reader: LogReader) -> None:
    keyed = Keyed("default", "key", "print")

    results = await asyncio.gather(
        writer.append(edit("p_1", 0, keep=Keep(keyed, b"first"))),
        writer.append(edit("p_2", 0, keep=Keep(keyed, b"second"))),
        writer.append(edit("p_3", 0)),
        return_exceptions=True,
    )
    assert isinstance(results[1], AlreadyAnsweredError)
    assert await reader.head() == 2
    first = results[0]
    assert isinstance(first, Appended)
    assert await reader.answered(keyed) == Kept(b"first", first.position, first.at)
    assert await reader.answered(Keyed("other", "key", "print")) is None
    with pytest.raises(KeyReusedError):
        await reader.answered(Keyed("default", "key", "another print"))


async def test_inline_projections_share_the_transaction(engine: AsyncEngine, database: Database) -> None:
    owner = await asyncpg.connect(database.owner_url)
    await owner.execute("CREATE TABLE ops.seen (position bigint, name text CHECK (name <> 'project.bad'))")
    await owner.execute("GRANT INSERT, SELECT ON ops.seen TO cutlog_ops")

    async def derive(connection: AsyncConnection, events: Sequence[Event]) -> None:
        rows = [{"position": event.position, "name": event.stream} for event in events]
        await connection.execute(text("INSERT INTO seen VALUES (:position, :name)"), rows)

    bad = Append("project.bad", 0, (committed(1),), tenant="t", actor="a", trace="")
    async with LogWriter(engine, inline=[derive]) as writer:
        results = await asyncio.gather(
            writer.append(edit("p_1", 0)), writer.append(bad), writer.append(edit("p_2", 0)),
            return_exceptions=True,
        )  # fmt: skip
    assert [isinstance(result, Appended) for result in results] == [True, False, True]
    seen = await owner.fetch("SELECT position, name FROM ops.seen ORDER BY position")
    stored = await owner.fetch("SELECT position, stream FROM ops.event ORDER BY position")
    assert [tuple(row) for row in seen] == [tuple(row) for row in stored]
    await owner.close()


async def test_text_that_postgresql_cannot_hold_is_refused_alone(writer: LogWriter, reader: LogReader) -> None:
    results = await asyncio.gather(
        writer.append(edit("p_1", 0)),
        writer.append(edit("p_2", 0, committed(1, message="a\0b"))),
        return_exceptions=True,
    )
    assert isinstance(results[0], Appended) and isinstance(results[1], UnstorableError)
    assert await reader.head() == 1


@pytest.mark.few(1, reason="one more database")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET type = 'x'",
        "DELETE FROM event",
        "TRUNCATE event",
        "UPDATE answer SET status = 500",
        "UPDATE head SET log_id = gen_random_uuid()",
        "DELETE FROM head",
        "ALTER TABLE event ADD COLUMN x int",
        "DROP TABLE event",
    ],
)
async def test_the_database_refuses_the_service_to_change_history(
    database: Database, writer: LogWriter, statement: str
) -> None:
    await writer.append(edit("p_1", 0))
    service = await asyncpg.connect(database.dsn("ops"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute(statement)
    await service.close()


@slow
async def test_an_append_outlives_a_lost_connection(writer: LogWriter, reader: LogReader, database: Database) -> None:
    await writer.append(edit("p_1", 0))
    owner = await asyncpg.connect(database.owner_url)
    for version in range(1, 20):
        if version % 5 == 0:
            await owner.fetch("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'cutlog_ops'")
        await writer.append(edit("p_1", version))
    await owner.close()
    events = await reader.stream("project.p_1")
    assert [(event.position, event.version) for event in events] == [(n, n) for n in range(1, 21)]


async def test_closing_finishes_what_waits_and_refuses_the_rest(engine: AsyncEngine, reader: LogReader) -> None:
    async with LogWriter(engine) as writer:
        waiting = [asyncio.create_task(writer.append(edit(f"p_{number}", 0))) for number in range(50)]
        await asyncio.sleep(0)
    assert {(await task).version for task in waiting} == {1}
    with pytest.raises(LogClosedError):
        await writer.append(edit("p_0", 1))
    assert await reader.head() == 50


@slow
async def test_a_client_that_left_before_its_turn_writes_nothing(engine: AsyncEngine, reader: LogReader) -> None:
    async with LogWriter(engine) as writer:
        task = asyncio.create_task(writer.append(edit("p_1", 0)))
        await asyncio.sleep(0)
        task.cancel()
    assert await reader.head() == 0


async def test_pages_are_bounded_by_count_and_by_bytes(writer: LogWriter, reader: LogReader) -> None:
    # Random text does not compress, so PostgreSQL stores about as much as the JSON has.
    import random

    noise = random.Random(1)
    for version in range(1, 6):
        text = "".join(chr(noise.randrange(0x4E00, 0x9FFF)) for _ in range(30_000))
        await writer.append(edit("p_1", version - 1, committed(version, message=text)))
    assert [event.position for event in await reader.read(1, 3)] == [2, 3, 4]
    assert [event.position for event in await reader.read(0, max_bytes=200_000)] == [1, 2]
    assert [event.position for event in await reader.read(3, max_bytes=1)] == [4]
    assert await reader.read(5) == []
    assert [event.version for event in await reader.stream("project.p_1", 2, until=4)] == [3, 4]
