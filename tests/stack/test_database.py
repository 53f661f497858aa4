"""What a service's database role may do, and what a test gets."""

from __future__ import annotations

import asyncpg
import pytest

from tests.support.database import Database

slow = pytest.mark.slow(reason="one more database")


async def test_a_role_enters_its_own_schema_only(database: Database) -> None:
    connection = await asyncpg.connect(database.dsn("media"))
    try:
        assert await connection.fetchval("SHOW search_path") == "media"
        assert await connection.fetchval("SELECT has_schema_privilege('media', 'USAGE')")
        for schema in ("ops", "render", "gc", "public"):
            assert not await connection.fetchval("SELECT has_schema_privilege($1, 'USAGE')", schema)
    finally:
        await connection.close()


@pytest.mark.few(1, reason="one more database")
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE media.mine (n int)",
        "CREATE SCHEMA mine",
        "CREATE ROLE mine",
        "SELECT lo_create(0)",
        "SELECT lo_creat(-1)",
        "SELECT lo_from_bytea(0, 'mine')",
        "SELECT pg_logical_emit_message(false, 'mine', repeat('x', 1000))",
        "DO $$ BEGIN PERFORM 1; END $$",
    ],
)
async def test_a_role_may_create_nothing(database: Database, statement: str) -> None:
    connection = await asyncpg.connect(database.dsn("media"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.few(1, reason="one more database")
@pytest.mark.parametrize("other", ["postgres", "template1"])
async def test_a_role_may_not_enter_other_databases(database: Database, other: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(database.dsn("media").replace(f"/{database.name}", f"/{other}"))


@slow
async def test_no_service_may_call_a_function_that_keeps_large_objects(database: Database) -> None:
    owner = await asyncpg.connect(database.owner_url)
    try:
        allowed = await owner.fetch(
            "SELECT rolname, p.oid::regprocedure::text AS function FROM pg_roles, pg_proc p"
            " WHERE rolname LIKE 'cutlog_%' AND pronamespace = 'pg_catalog'::regnamespace"
            " AND (proname LIKE 'lo\\_%' OR proname IN ('loread', 'lowrite'))"
            " AND has_function_privilege(rolname, p.oid, 'EXECUTE')"
        )
        assert [tuple(row) for row in allowed] == []
    finally:
        await owner.close()


async def test_no_service_makes_a_large_object(database: Database) -> None:
    for service in database.cluster.services:
        connection = await asyncpg.connect(database.dsn(service))
        try:
            for statement in ("SELECT lo_create(0)", "SELECT lo_creat(-1)", "SELECT lo_put(1, 0, 'x')"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
        finally:
            await connection.close()


@slow
async def test_a_wrong_password_is_refused(database: Database) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(database.owner_url, password="guess")


@pytest.mark.few(1, reason="one more database")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ops.event SET data = '{}'",
        "DELETE FROM ops.event",
        "TRUNCATE ops.event",
        "DROP TABLE ops.event",
        "ALTER TABLE ops.event DISABLE TRIGGER ALL",
        "DELETE FROM ops.head",
    ],
)
async def test_not_even_ops_may_change_history(database: Database, statement: str) -> None:
    connection = await asyncpg.connect(database.dsn("ops"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_nobody_reads_the_tables_of_another(database: Database) -> None:
    owner = await asyncpg.connect(database.owner_url)
    try:
        tables = await owner.fetch(
            "SELECT schemaname, tablename, schemaname || '.' || tablename AS name FROM pg_tables"
            " WHERE schemaname = ANY($1)",
            list(database.cluster.services),
        )
        assert tables
        for service in database.cluster.services:
            for table in tables:
                may = await owner.fetchval(
                    "SELECT has_schema_privilege($1, $2, 'USAGE') AND has_table_privilege($1, $3, 'SELECT')",
                    f"cutlog_{service}",
                    table["schemaname"],
                    table["name"],
                )
                assert not may or service == table["schemaname"], (service, table["name"])
    finally:
        await owner.close()


async def test_no_table_belongs_to_a_service(database: Database) -> None:
    owner = await asyncpg.connect(database.owner_url)
    try:
        owners = await owner.fetch("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'ops'")
        assert [row["tableowner"] for row in owners] == ["postgres"]
    finally:
        await owner.close()
