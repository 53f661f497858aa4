"""What a service's database role may do, and what a test gets."""

from __future__ import annotations

import asyncpg
import pytest

from tests.support.database import Database


async def test_a_role_enters_its_own_schema_only(database: Database) -> None:
    connection = await asyncpg.connect(database.dsn("media"))
    try:
        assert await connection.fetchval("SHOW search_path") == "media"
        assert await connection.fetchval("SELECT has_schema_privilege('media', 'USAGE')")
        for schema in ("ops", "render", "gc", "public"):
            assert not await connection.fetchval("SELECT has_schema_privilege($1, 'USAGE')", schema)
    finally:
        await connection.close()


@pytest.mark.parametrize("statement", ["CREATE TABLE media.mine (n int)", "CREATE SCHEMA mine", "CREATE ROLE mine"])
async def test_a_role_may_create_nothing(database: Database, statement: str) -> None:
    connection = await asyncpg.connect(database.dsn("media"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_role_may_not_enter_other_databases(database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(database.dsn("media").replace(f"/{database.name}", "/postgres"))


async def test_a_wrong_password_is_refused(database: Database) -> None:
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(database.owner_url, password="guess")
