"""What a client is told when the database or the bus is in trouble: come again, and nothing of the inside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import asyncpg
import pytest
import sqlalchemy as sa
from nats.errors import NoRespondersError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cutlog.web import Api, ListQuery, Reply, Request, serve_http
from tests.support.database import Database
from tests.support.gates import make_gate
from tests.support.waiting import eventually
from tests.web.exchanges import problem
from tests.web.sample import Address

SLEEPING = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep%'"


class Statement(ListQuery):
    sql: str = "SELECT 1"


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database.url("ops"), pool_size=1, max_overflow=0, pool_timeout=0.1)
    yield engine
    await engine.dispose()


@pytest.fixture
async def client(engine: AsyncEngine) -> AsyncIterator[aiohttp.ClientSession]:
    api = Api("outages")

    @api.get("/api/run", role=None, query=Statement, returns={200: int}, summary="Runs SQL")
    async def run(req: Request[None, Statement]) -> Reply:
        async with engine.connect() as connection:
            return Reply(200, str((await connection.execute(sa.text(req.query.sql))).scalar()))

    @api.get("/api/ask", role=None, returns={200: None}, summary="Asks nobody")
    async def ask(_: Request) -> Reply:
        raise NoRespondersError

    async with serve_http(api, Address(), make_gate()) as server, aiohttp.ClientSession(server.url) as session:
        yield session


async def test_a_connection_that_dies_in_a_query_is_a_503(client: aiohttp.ClientSession, database: Database) -> None:
    waiting = asyncio.create_task(client.get("/api/run", params={"sql": "SELECT pg_sleep(60)"}))
    owner = await asyncpg.connect(database.owner_url)
    try:
        await eventually(lambda: owner.fetchval(f"{SLEEPING} AND pid <> pg_backend_pid()"))
        await owner.fetch(f"SELECT pg_terminate_backend(pid) FROM ({SLEEPING} AND pid <> pg_backend_pid()) AS busy")
    finally:
        await owner.close()
    async with await waiting as response:
        assert (await problem(response))["type"] == "/problems/dependency-down"
    assert response.headers["Retry-After"]
    async with client.get("/api/run") as response:
        assert (response.status, await response.json()) == (200, "1")


async def test_a_pool_that_is_used_up_is_a_503(client: aiohttp.ClientSession, engine: AsyncEngine) -> None:
    async with engine.connect(), client.get("/api/run") as response:
        assert (await problem(response))["status"] == 503


@pytest.mark.slow(reason="a wrong statement is tried for as long as an outage may last")
async def test_a_statement_that_is_wrong_is_our_bug_and_no_outage(client: aiohttp.ClientSession) -> None:
    for sql in ("SELECT 1 / 0", "SELECT * FROM nothing", "SELECT 99999999999999999999::int4"):
        async with client.get("/api/run", params={"sql": sql}) as response:
            found = await problem(response)
        assert (found["status"], "SELECT" in str(found)) == (500, False)


async def test_nobody_at_the_other_end_of_the_bus_is_a_503(client: aiohttp.ClientSession) -> None:
    async with client.get("/api/ask") as response:
        assert (await problem(response))["status"] == 503
