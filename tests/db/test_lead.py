"""One process leads; whatever becomes of it, another one does soon, and the first does nothing more."""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from cutlog.db import holders
from cutlog.db.engine import create_engine
from cutlog.db.lead import lead
from cutlog.db.leases import TERMS, Lease, LeaseLost, Terms
from cutlog.db.standing import GRACE, Standing
from cutlog.process.readiness import NotReady
from tests.support.configuration import SettingsFactory
from tests.support.database import Database
from tests.support.waiting import PATIENCE, eventually
from tests.support.wires import Wire, wire

slow = pytest.mark.slow(reason="waits for leases of processes that end")

SHORT = Terms(lease=2.0, renew=0.3, look=0.2, margin=0.3, patience=1.0)


def test_another_leads_within_fifteen_seconds_and_before_a_service_is_called_not_ready() -> None:
    assert TERMS.takeover <= 15.0 and TERMS.takeover <= GRACE
    assert TERMS.renew + TERMS.patience + TERMS.margin < TERMS.lease, "one renewal may be lost"


@pytest.fixture
async def engine(database: Database) -> AsyncIterator[AsyncEngine]:
    made = create_async_engine(database.url("media"))
    yield made
    await made.dispose()


class Candidate:
    """Wants to lead at `work`, and says what it holds."""

    def __init__(self, engine: AsyncEngine, work: Callable[[Lease], Awaitable[None]] | None = None) -> None:
        self.engine, self.work = engine, work
        self.lease: Lease | None = None
        self.ended = 0
        self.standing = Standing("work")
        self.stop = asyncio.Event()

    async def lead(self, lease: Lease) -> None:
        self.lease = lease
        try:
            await (self.work(lease) if self.work else self.stop.wait())
        finally:
            self.lease = None
            self.ended += 1


@asynccontextmanager
async def running(*candidates: Candidate) -> AsyncIterator[None]:
    tasks = [
        asyncio.create_task(lead(each.engine, "work", each.stop, each.lead, standing=each.standing, terms=SHORT))
        for each in candidates
    ]
    try:
        yield
    finally:
        for each in candidates:
            each.stop.set()
        await asyncio.gather(*tasks)


async def renewed_for(engine: AsyncEngine, seconds: float) -> bool:
    """Whether the lease was renewed that long after it was taken."""
    asked = sqlalchemy.text("SELECT expires_at - taken_at > make_interval(secs => :s) FROM lease WHERE name = 'work'")
    async with engine.connect() as connection:
        return bool((await connection.execute(asked, {"s": seconds + SHORT.lease})).scalar())


async def test_one_of_two_leads_and_the_other_when_it_stops(engine: AsyncEngine) -> None:
    one, two = Candidate(engine), Candidate(engine)
    async with running(one):
        held = await eventually(lambda: one.lease)
        assert held is not None
        first = held.token
        async with running(two):
            await eventually(lambda: renewed_for(engine, SHORT.lease + 2 * SHORT.look))
            assert one.lease and one.lease.token == first and not two.lease, "a lease that is renewed stays"
            one.stop.set()
            await eventually(lambda: two.lease)
            assert two.lease and two.lease.token > first


def port_of(database: Database) -> int:
    return database.cluster.postgres.port


@pytest.fixture
async def line(database: Database) -> AsyncIterator[Wire]:
    async with wire(lambda: port_of(database)) as made:
        yield made


@slow
async def test_another_takes_over_from_a_host_that_vanished_and_that_one_stops(
    engine: AsyncEngine, database: Database, line: Wire
) -> None:
    url = database.url("media").replace(f":{port_of(database)}/", f":{line.port}/")
    afar = create_async_engine(url)
    one, two = Candidate(afar), Candidate(engine)
    async with running(one, two):
        one_leads = await eventually(lambda: one.lease or two.lease)
        if one_leads is two.lease:
            two.stop.set()
            await eventually(lambda: one.lease)
            two = Candidate(engine)
        async with running(two):
            line.silence()  # no FIN, no RST: what is sent is taken, and nothing comes back
            await eventually(lambda: two.lease)
            assert one.lease is None and one.ended == 1, "it has stopped before another one began"
            line.speak()
            await eventually(lambda: one.standing.failing_since is None)
            assert one.lease is None, "back again, it leaves the lead to the other"
    await afar.dispose()


@pytest.mark.slow(reason="a lease has to end")
async def test_a_frozen_process_does_nothing_more_when_it_wakes_up(
    database: Database, engine: AsyncEngine, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    frozen = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.db.leading", database.url("media"), str(notes), cwd=Path(__file__).parents[2]
    )
    two = Candidate(engine)
    try:
        await eventually(lambda: notes.exists() and notes.read_text().count("\n") > 2)
        async with running(two):
            frozen.send_signal(signal.SIGSTOP)
            # Its kernel goes on acknowledging packets: only the heartbeat tells.
            await eventually(lambda: two.lease)
            assert two.lease
            done = await owner.fetchval("SELECT count(*) FROM media.brought")
            frozen.send_signal(signal.SIGCONT)

            async def waits() -> bool:
                query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'cutlog_media' AND datname = $1"
                return bool(await owner.fetchval(query, database.name))

            await eventually(waits)
            for _ in range(20):
                two.lease.check()
                await asyncio.sleep(0.1)
            after = await owner.fetchval("SELECT count(*) FROM media.brought")
            assert after - done <= 1, "at most what was being committed as it froze"
    finally:
        frozen.kill()
        await frozen.wait()


@slow
async def test_the_lease_of_a_process_that_died_here_is_taken_at_once(
    database: Database, engine: AsyncEngine, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    notes = tmp_path / "notes"
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.db.leading", database.url("media"), str(notes), cwd=Path(__file__).parents[2]
    )
    await eventually(lambda: notes.exists())
    killed.kill()
    await killed.wait()
    assert await owner.fetchval("SELECT expires_at > clock_timestamp() FROM media.lease"), "nobody has given it up"
    await owner.execute("UPDATE media.lease SET expires_at = clock_timestamp() + interval '1 day'")
    two = Candidate(engine)
    async with running(two):
        await eventually(lambda: two.lease)


async def test_only_what_is_known_to_be_dead_is_called_dead() -> None:
    here = holders.here()
    host, space, pid, started = here.split(" ")
    assert not holders.is_dead(here)
    assert holders.is_dead(f"{host} {space} {pid} {int(started) + 1}"), "its number was given away"
    assert not holders.is_dead(f"{host} other/1 999999999 1"), "another host, or another container"
    for text in ("", "x", f"{host} - {pid} 1", f"{host} {space} x 1"):
        assert not holders.is_dead(text)


@slow
async def test_work_that_fails_is_begun_again_and_readiness_tells_when_it_does_not_stop_failing(
    engine: AsyncEngine,
) -> None:
    fails = True

    async def work(lease: Lease) -> None:
        if fails:
            raise KeyError("a row of one tenant")
        lease.completed()
        await one.stop.wait()

    one = Candidate(engine, work)
    async with running(one):
        await eventually(lambda: one.ended >= 2)
        await one.standing.check()  # not yet
        one.standing.grace = 0.0
        with pytest.raises(NotReady, match=r"work(: no process has held the lease| has been failing) for .*KeyError"):
            await one.standing.check()
        fails = False

        async def ready() -> bool:
            try:
                await one.standing.check()
            except NotReady:
                return False
            return one.lease is not None

        await eventually(ready)


@slow
async def test_where_nobody_can_lead_the_service_is_not_ready(engine: AsyncEngine, owner: asyncpg.Connection) -> None:
    await owner.execute("REVOKE ALL ON media.lease FROM cutlog_media")

    async def work(lease: Lease) -> None:
        lease.completed()
        await one.stop.wait()

    one = Candidate(engine, work)
    one.standing.grace = PATIENCE
    async with running(one):
        await eventually(lambda: one.standing.error)
        await one.standing.check()
        one.standing.grace = 0.0
        with pytest.raises(NotReady, match="no process has held the lease"):
            await one.standing.check()
        await owner.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON media.lease TO cutlog_media")
        await eventually(lambda: one.lease)
        await one.standing.check()


async def test_a_lease_that_was_taken_away_ends_the_work(engine: AsyncEngine, owner: asyncpg.Connection) -> None:
    one = Candidate(engine)
    async with running(one):
        lease = await eventually(lambda: one.lease)
        assert lease
        await owner.execute(
            "UPDATE media.lease SET token = nextval('media.lease_token'), holder = 'another',"
            " expires_at = clock_timestamp() + interval '3 seconds'"
        )
        async with engine.connect() as connection:
            with pytest.raises(LeaseLost):
                await lease.confirm(connection)
        await eventually(lambda: one.ended == 1)
        again = await eventually(lambda: one.lease)
        assert again and again.token > lease.token


@slow
async def test_connections_notice_a_vanished_host(settings_for: SettingsFactory) -> None:
    engine = create_engine(settings_for("media"))
    try:
        async with engine.connect() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            sock = raw.driver_connection._transport.get_extra_info("socket")
            option = {
                name: sock.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
                for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT", "TCP_USER_TIMEOUT")
            }
            assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert option["TCP_KEEPIDLE"] + option["TCP_KEEPINTVL"] * option["TCP_KEEPCNT"] <= 10
            assert option["TCP_USER_TIMEOUT"] == 10_000
            for name, value in (
                ("tcp_keepalives_idle", "4s"), ("tcp_keepalives_interval", "2s"), ("tcp_keepalives_count", "3"),
                ("tcp_user_timeout", "10s"), ("client_connection_check_interval", "10s"),
            ):  # fmt: skip
                shown = await connection.exec_driver_sql(f"SHOW {name}")
                assert shown.scalar_one() in (value, value.removesuffix("s"), f"{value[:-1]}000"), name
    finally:
        await engine.dispose()
