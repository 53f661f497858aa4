"""The feed of a project: nothing is missed, nothing comes twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, aclosing
from typing import Any

import msgspec
import pytest
from sqlalchemy.engine import Engine
from sqlalchemy.event import listen, remove
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.bus import Bus
from cutlog.contract.envelope import RawEvent
from cutlog.contract.jobs import Progress
from cutlog.contract.subjects import progress
from cutlog.db.engine import create_engine
from cutlog.hosting.settings import Settings
from services.ops.bootstrap import serving
from services.ops.live.feed import HELD, Feed
from services.ops.log.read import MAX_BYTES, LogReader
from services.ops.log.sql import statement
from tests.ops.conftest import Client
from tests.ops.listening import listening
from tests.support.configuration import SettingsFactory
from tests.support.messaging import NatsServer
from tests.support.waiting import PATIENCE, eventually

slow = pytest.mark.slow(reason="starts ops, NATS and a database for one more case of its kind")

TRACK = {"op": "track.add", "track": "v1", "kind": "video"}


def rename(n: int) -> dict[str, Any]:
    return {"op": "project.configure", "name": f"Film {n}"}


@pytest.fixture
async def film(editor: Client) -> Client:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    return editor


async def test_a_listener_hears_what_happens_from_now_on(film: Client) -> None:
    await film.edit("p1", TRACK)
    async with asyncio.timeout(PATIENCE), listening(film, "p1") as listener:
        made = await film.edit("p1", rename(1), message="Renamed")
        heard = await listener.next()
        assert heard is not None
        assert (heard.id, heard.event) == (made["position"], "VersionCommitted")
        assert heard.data["position"] == made["position"]
        assert heard.data["actor"] == "tester"
        assert heard.data["data"]["message"] == "Renamed"
        await film.made("POST", "/api/projects/p1/versions/2/pin")
        assert [one.event for one in await listener.take(1)] == ["ExportPinned"]


@slow
async def test_nothing_is_missed_over_a_reconnect(film: Client) -> None:
    await film.made("POST", "/api/projects", {"name": "Other", "id": "p2"})
    async with asyncio.timeout(PATIENCE), listening(film, "p1") as listener:
        await film.edit("p1", rename(1))
        (last,) = await listener.take(1)
    for n in range(2, 6):
        await film.edit("p1", rename(n))
        await film.edit("p2", rename(n))
    async with asyncio.timeout(PATIENCE), listening(film, "p1", last_event_id=last.id) as listener:
        heard = await listener.take(4)
        assert [one.data["data"]["version"] for one in heard] == [2, 3, 4, 5]
        await film.edit("p1", rename(6))
        assert [one.data["data"]["version"] for one in await listener.take(1)] == [6]


@slow
async def test_a_listener_may_start_at_any_position(film: Client) -> None:
    await film.edit("p1", rename(1))
    async with asyncio.timeout(PATIENCE), listening(film, "p1", query="?after=0") as listener:
        assert [one.event for one in await listener.take(2)] == ["ProjectCreated", "VersionCommitted"]


@slow
async def test_many_versions_come_in_order_to_every_listener(film: Client) -> None:
    async def hear(count: int) -> list[int]:
        async with listening(film, "p1", query="?after=1") as listener:
            return [one.data["data"]["version"] for one in await listener.take(count)]

    async with asyncio.timeout(PATIENCE):
        hearing = [asyncio.create_task(hear(150)) for _ in range(3)]
        await asyncio.gather(*(film.edit("p1", rename(n)) for n in range(150)))
        assert await asyncio.gather(*hearing) == [list(range(1, 151))] * 3


@slow
async def test_progress_comes_in_between_and_has_no_id(film: Client, settings_for: SettingsFactory) -> None:
    settings = settings_for("render")
    told = Progress(
        project_id="p1", tenant="default", kind="proxy", version=1, frames_done=1, frames_total=4, fraction=0.25
    )
    async with (
        asyncio.timeout(PATIENCE),
        await Bus.connect(settings.nats_url, settings.nats_seed.get_secret_value(), name="render") as bus,
        listening(film, "p1") as listener,
    ):
        await bus.publish(progress("p1"), msgspec.json.encode(told))
        heard = await listener.next()
        assert heard is not None
        assert (heard.id, heard.event, heard.data["fraction"]) == (None, "progress", 0.25)


@slow
async def test_what_is_not_a_position_is_refused(film: Client) -> None:
    async with film.session.get(
        f"{film.url}/api/projects/p1/events",
        headers={"Authorization": f"Bearer {film.token}", "Last-Event-ID": "yesterday"},
    ) as response:
        assert response.status == 400


@slow
async def test_a_listener_is_told_of_what_another_process_appends(
    film: Client, settings: Settings, as_role: Callable[..., Client]
) -> None:
    elsewhere = settings.model_copy(update={"listen": "127.0.0.1:0"})
    async with asyncio.timeout(PATIENCE), serving(elsewhere) as server, listening(film, "p1") as listener:
        other = Client(film.session, server.url, film.token)
        await other.edit("p1", rename(1))
        assert [one.data["data"]["version"] for one in await listener.take(1)] == [1]
        await film.edit("p1", rename(2))
        await other.edit("p1", rename(3), expectedVersion=2)
        stale = await film("POST", "/api/projects/p1/ops", {"ops": [TRACK], "expectedVersion": 2})
        assert (stale.status, [one["version"] for one in stale.body["missed"]]) == (409, [3])
        assert [one.data["data"]["version"] for one in await listener.take(2)] == [2, 3]


@slow
async def test_the_stream_ends_when_the_service_stops(settings: Settings, settings_for: SettingsFactory) -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session, asyncio.timeout(PATIENCE):
        async with serving(settings) as server:
            client = Client(session, server.url, settings_for.token("editor"))
            await client.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
            opened = listening(client, "p1")
            listener = await opened.__aenter__()
        assert await listener.next() is None
        await opened.__aexit__(None, None, None)


class Statements:
    """What this process asks PostgreSQL, counted by text."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()

    def __call__(self, connection: object, cursor: object, statement: str, *_: object) -> None:
        self.asked[statement] += 1

    async def during_looks(self, looks: int) -> Counter[str]:
        """From one look at the log to another, so many later."""
        places = statement("places")
        first = self.asked[places] + 1
        await eventually(lambda: self.asked[places] >= first)
        before = self.asked.copy()
        await eventually(lambda: self.asked[places] >= first + looks)
        return self.asked - before


@pytest.fixture
def statements() -> Iterator[Statements]:
    counting = Statements()
    listen(Engine, "before_cursor_execute", counting)
    yield counting
    remove(Engine, "before_cursor_execute", counting)


@slow
async def test_idle_streams_cost_no_statements(film: Client, statements: Statements) -> None:
    """The log is asked once per look, however many streams there are, and nothing is asked once for each."""
    await film.made("POST", "/api/projects", {"name": "Other", "id": "p2"})
    async with AsyncExitStack() as parts:
        for n in range(40):
            await parts.enter_async_context(listening(film, f"p{n % 2 + 1}"))
        await eventually(lambda: statements.asked[statement("follow")] == 40)
        await statements.during_looks(2)  # in which what was made just now is seen
        asked = await statements.during_looks(4)
    assert asked[statement("places")] >= 4 and (asked[statement("at")], asked[statement("follow")]) == (0, 0)
    assert all(count < 40 for count in asked.values()), asked  # others look as often as they like, but not for each


async def test_an_event_is_read_once_for_all_who_follow(film: Client, statements: Statements) -> None:
    async with asyncio.timeout(PATIENCE), AsyncExitStack() as parts:
        listeners = [await parts.enter_async_context(listening(film, "p1")) for _ in range(10)]
        await eventually(lambda: statements.asked[statement("follow")] == 10)
        await statements.during_looks(1)
        before = statements.asked.copy()
        await film.edit("p1", rename(1))
        for listener in listeners:
            assert [one.data["data"]["version"] for one in await listener.take(1)] == [1]
        asked = statements.asked - before
    assert (asked[statement("at")], asked[statement("follow")]) == (1, 0)


@slow
async def test_events_arrive_although_nats_is_gone(film: Client, nats: NatsServer) -> None:
    async with asyncio.timeout(PATIENCE), listening(film, "p1") as listener:
        await film.edit("p1", rename(1))
        (last,) = await listener.take(1)
        nats.kill()
        await film.edit("p1", rename(2))
        assert [one.data["data"]["version"] for one in await listener.take(1)] == [2]
    await film.edit("p1", rename(3))
    async with asyncio.timeout(PATIENCE), listening(film, "p1", last_event_id=last.id) as listener:
        assert [one.data["data"]["version"] for one in await listener.take(2)] == [2, 3]
    nats.start()


class Telling(LogReader):
    """Tells when a follower has read all that there was."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.looked = asyncio.Event()

    async def follow(
        self, stream: str, after_version: int, limit: int, *, max_bytes: int = MAX_BYTES
    ) -> list[RawEvent]:
        found = await super().follow(stream, after_version, limit, max_bytes=max_bytes)
        self.looked.set()
        return found


async def test_what_happens_before_the_first_look_at_the_log_is_heard(settings: Settings, film: Client) -> None:
    """A process that has just started serves listeners before it has looked."""
    engine = create_engine(settings)
    reader, stop = Telling(engine), asyncio.Event()
    feed = Feed(reader)
    async with asyncio.timeout(PATIENCE), aclosing(feed.follow("p1", 1)) as followed:
        first = asyncio.ensure_future(anext(followed))
        await reader.looked.wait()
        await film.edit("p1", rename(1))
        running = asyncio.create_task(feed.run(stop))
        event = await first
        assert isinstance(event, RawEvent) and event.version == 2
    stop.set()
    await running
    await engine.dispose()


@slow
async def test_a_listener_that_is_slow_misses_nothing_and_holds_little(settings: Settings, film: Client) -> None:
    """While it is at one event, more happen than may wait for it."""
    engine = create_engine(settings)
    stop, feed = asyncio.Event(), Feed(LogReader(engine))
    running = asyncio.create_task(feed.run(stop))
    async with asyncio.timeout(PATIENCE), aclosing(feed.follow("p1", 0)) as followed:
        assert isinstance(await anext(followed), RawEvent)
        (follower,) = feed._followers["project.p1"]
        for n in range(1, HELD + 51):
            await film.edit("p1", rename(n))
            feed.notify("p1")
        await eventually(lambda: follower.behind)
        assert len(follower.events) <= HELD
        versions: list[int] = []
        while len(versions) < HELD + 50:
            event = await anext(followed)
            assert isinstance(event, RawEvent)
            versions.append(event.version)
    assert versions == list(range(2, HELD + 52))
    stop.set()
    await running
    await engine.dispose()


@slow
async def test_progress_of_another_project_is_not_believed(film: Client, settings_for: SettingsFactory) -> None:
    settings = settings_for("render")
    told = Progress(
        project_id="p1", tenant="default", kind="proxy", version=1, frames_done=1, frames_total=4, fraction=0.25
    )
    async with (
        asyncio.timeout(PATIENCE),
        await Bus.connect(settings.nats_url, settings.nats_seed.get_secret_value(), name="render") as bus,
        listening(film, "p1") as listener,
    ):
        await bus.publish(progress("p2"), msgspec.json.encode(told))
        await bus.publish(progress("p1"), msgspec.json.encode(msgspec.structs.replace(told, fraction=0.5)))
        heard = await listener.next()
        assert heard is not None and heard.data["fraction"] == 0.5
