"""Two processes of ops on one log: each hears at once what the other appended, and nothing rests on that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import asyncpg
import pytest

from cutlog.contract.commands import RecordMediaFailed
from cutlog.contract.envelope import RawEvent
from cutlog.contract.events import MediaFailed
from cutlog.hosting.settings import Settings
from services.ops.bootstrap import serving
from services.ops.live.feed import POLL
from services.ops.log.news import Grown, News
from services.ops.log.read import LogReader
from tests.ops.conftest import Ask, Client
from tests.ops.listening import listening
from tests.support.database import Database
from tests.support.waiting import PATIENCE, eventually

slow = pytest.mark.slow(reason="two processes of ops")

TRACK = {"op": "track.add", "track": "v1", "kind": "video"}


def rename(n: int) -> dict[str, Any]:
    return {"op": "project.configure", "name": f"Film {n}"}


def mute(_: News, grown: Grown, events: Sequence[RawEvent] = ()) -> None:
    """In the place of `News.tell`: what is told is lost."""


@pytest.fixture
async def film(editor: Client) -> Client:
    await editor.made("POST", "/api/projects", {"name": "Film", "id": "p1"})
    return editor


@pytest.fixture
async def other(film: Client, settings: Settings) -> AsyncIterator[Client]:
    """The second process, asked by the same person."""
    async with serving(_elsewhere(settings)) as server:
        yield Client(film.session, server.url, film.token)


@pytest.mark.few(1, reason="two processes of ops")
def _elsewhere(settings: Settings) -> Settings:
    return settings.model_copy(update={"listen": "127.0.0.1:0"})


@pytest.mark.few(1, reason="two processes of ops")
@pytest.mark.parametrize("told", [True, False])
async def test_they_may_take_turns(film: Client, other: Client, monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    if not told:
        monkeypatch.setattr(News, "tell", mute)
    for n in range(10):
        here, there = (other, film) if n % 2 else (film, other)
        made = await here.edit("p1", rename(n), expectedVersion=n)
        assert made["version"] == n + 1
        assert (await there("GET", f"/api/projects/p1/timeline?version={n + 1}")).status == 200


@slow
async def test_many_edits_at_both_at_once_all_find_their_place(film: Client, other: Client) -> None:
    made = await asyncio.gather(*((other if n % 2 else film).edit("p1", rename(n)) for n in range(40)))
    assert sorted(each["version"] for each in made) == list(range(1, 41))


@slow
async def test_what_the_other_appended_is_read_from_where_this_one_knows(
    film: Client, other: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[tuple[int, int]] = []
    stream = LogReader.stream

    async def counted(self: LogReader, name: str, after: int = 0, *, limit: int = 500) -> list[RawEvent]:
        found = await stream(self, name, after, limit=limit)
        read.append((after, len(found)))
        return found

    for n in range(30):
        await film.edit("p1", rename(n))
    await other.edit("p1", rename(30))
    monkeypatch.setattr(LogReader, "stream", counted)
    for n in range(31, 41):
        await (film if n % 2 else other).edit("p1", rename(n), expectedVersion=n)
    assert sum(count for _, count in read) == 10, "each turn reads the one event of the turn before"
    assert min(after for after, _ in read) > 30


@slow
async def test_what_is_caught_up_with_is_not_kept_twice(film: Client, other: Client, database: Database) -> None:
    for n in range(205):
        await (other if n == 50 else film).edit("p1", rename(n))
    await other.edit("p1", rename(205))
    owner = await asyncpg.connect(database.owner_url)
    try:

        async def kept() -> list[int]:
            return [row["version"] for row in await owner.fetch("SELECT version FROM ops.snapshot ORDER BY version")]

        await eventually(lambda: _equal(kept, [100, 200]))
        for n in range(206, 300):
            await other.edit("p1", rename(n))
        await eventually(lambda: _equal(kept, [100, 200, 300]))
    finally:
        await owner.close()


async def _equal(ask: Callable[[], Awaitable[object]], wanted: object) -> bool:
    return await ask() == wanted


@slow
async def test_a_follower_hears_of_the_other_process_before_it_would_look(film: Client, settings: Settings) -> None:
    async with asyncio.timeout(PATIENCE), serving(_elsewhere(settings), poll=60 * POLL) as server:
        other = Client(film.session, server.url, film.token)
        async with listening(other, "p1") as listener:
            for n in range(20):
                await film.edit("p1", rename(n))
                assert [one.data["data"]["version"] for one in await listener.take(1)] == [n + 1]


@slow
async def test_what_became_of_a_media_is_known_to_both(
    film: Client, other: Client, media: Callable[..., Awaitable[str]], ask: Ask
) -> None:
    name = await media("m_1", ready=False)
    await film.edit("p1", TRACK)

    def clip(client: Client, at: int) -> dict[str, Any]:
        named = f"c{at}-{'a' if client is film else 'b'}"
        return {"op": "clip.add", "clip": named, "track": "v1", "at": at, "media": name, "in": 0, "out": 10}

    for at, client in enumerate((film, other)):
        await client.edit("p1", clip(client, 10 * at))
    failed = RecordMediaFailed(media_id=name, event=MediaFailed(reason="It is no video."))
    assert (await ask("media", failed, "failed-m_1")).accepted
    for at, client in enumerate((film, other), 2):

        async def refused(client: Client = client, at: int = at) -> bool:
            answer = await client("POST", "/api/projects/p1/ops", {"ops": [clip(client, 10 * at)], "dryRun": True})
            return answer.status == 422

        await eventually(refused)


@slow
async def test_one_goes_back_to_a_media_that_only_the_other_has_seen(
    film: Client, other: Client, media: Callable[..., Awaitable[str]]
) -> None:
    name = await media("m_1")
    add = {"op": "clip.add", "clip": "c", "track": "v1", "at": 0, "media": name, "in": 0, "out": 10}
    await film.edit("p1", TRACK, add)
    await film.edit("p1", {"op": "clip.remove", "clip": "c"})
    await other.edit("p1", {"op": "history.revert", "toVersion": 1})
    one, back = [await film.made("GET", f"/api/projects/p1/timeline?version={n}") for n in (1, 3)]
    assert one["digest"] == back["digest"]
