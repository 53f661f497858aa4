"""Server-Sent Events: nothing missed, nobody kept waiting, nothing left behind."""

from __future__ import annotations

import asyncio
import json

import aiohttp

from cutlog.web import Server, serve_http
from tests.support.gates import make_gate
from tests.support.waiting import PATIENCE, eventually
from tests.web.sample import Address, Sample, bearer, sample_api

EVENTS = "/api/projects/p_1/events"


async def read_event(response: aiohttp.ClientResponse) -> dict[str, str]:
    """The next event; comments and `retry` are passed over."""
    event: dict[str, str] = {}
    while True:
        line = (await response.content.readline()).decode().rstrip("\n")
        name, _, value = line.partition(": ")
        if line and name in ("id", "event", "data"):
            event[name] = value
        elif not line and event:
            return event


async def test_events_come_with_position_type_and_json(client: aiohttp.ClientSession) -> None:
    async with client.get(EVENTS, headers=bearer()) as response:
        assert response.content_type == "text/event-stream"
        events = [await read_event(response) for _ in range(3)]
    assert [event["id"] for event in events] == ["1", "2", "3"]
    assert events[0]["event"] == "Tick"
    assert json.loads(events[0]["data"]) == {"id": "tick", "number": 1}


async def test_a_reconnect_goes_on_after_the_last_event(client: aiohttp.ClientSession) -> None:
    async with client.get(EVENTS, headers=bearer() | {"Last-Event-ID": "41"}) as response:
        assert (await read_event(response))["id"] == "42"


async def test_an_idle_stream_has_heartbeats(client: aiohttp.ClientSession) -> None:
    async with client.get(EVENTS, headers=bearer()) as response:
        for _ in range(3):
            await read_event(response)
        assert (await response.content.readline()).startswith(b":")


async def test_a_client_that_leaves_ends_its_handler(client: aiohttp.ClientSession, sample: Sample) -> None:
    response = await client.get(EVENTS, headers=bearer())
    await read_event(response)
    response.close()
    await asyncio.wait_for(sample.stopped.wait(), PATIENCE)


async def test_a_server_that_drains_ends_its_streams(sample: Sample) -> None:
    async with aiohttp.ClientSession() as client:
        async with serve_http(sample_api(sample), Address(), make_gate(), drain_seconds=20) as server:
            response = await client.get(server.url + EVENTS, headers=bearer())
            await read_event(response)
            await sample.listening.wait()
        assert sample.stopped.is_set()
        assert b"Tick" in await response.content.read()
        assert response.content.at_eof()


async def test_an_event_stream_is_refused_like_any_other_route(client: aiohttp.ClientSession) -> None:
    async with client.get(EVENTS) as response:
        assert (response.status, response.content_type) == (401, "application/problem+json")


async def test_the_token_of_a_stream_is_not_in_the_log(
    client: aiohttp.ClientSession, server: Server, capsys: object
) -> None:
    token = bearer()["Authorization"].removeprefix("Bearer ")
    response = await client.get(f"{EVENTS}?access_token={token}")
    response.close()
    read = capsys.readouterr  # type: ignore[attr-defined]
    shown = ""

    def logged() -> bool:
        nonlocal shown
        shown += read().out
        return "/api/projects/{project}/events" in shown

    await eventually(logged)
    assert token not in shown


async def test_a_stream_ends_when_its_token_expires_and_then_needs_another(
    client: aiohttp.ClientSession, sample: Sample
) -> None:
    async with client.get(EVENTS, headers=bearer(ttl=2)) as short, client.get(EVENTS, headers=bearer()) as long:
        await read_event(short)
        assert b"Tick" in await short.content.read()  # to its end
        assert short.content.at_eof()
        assert not long.content.at_eof()
    await asyncio.wait_for(sample.stopped.wait(), PATIENCE)
    async with client.get(EVENTS, headers=bearer(ttl=-60)) as refused:
        assert refused.status == 401


async def test_a_subject_has_so_many_streams_open_and_no_more() -> None:
    async with (
        serve_http(sample_api(Sample()), Address(), make_gate(), streams_per_subject=lambda _: 3) as server,
        aiohttp.ClientSession(server.url) as client,
    ):
        opened = [await client.get(EVENTS, headers=bearer()) for _ in range(3)]
        for response in opened:
            await read_event(response)
        async with client.get(EVENTS, headers=bearer()) as refused:
            problem = await refused.json(content_type=None)
            assert (refused.status, refused.headers["Retry-After"]) == (429, "30")
            assert (problem["type"], problem["budget"]) == ("/problems/event-streams-exceeded", "eventStreams")
            assert (problem["used"], problem["limit"]) == (3, 3)
        async with client.get(EVENTS, headers=bearer(tenant="another")) as other:
            assert other.status == 200
        opened[0].close()

        async def free() -> bool:
            async with client.get(EVENTS, headers=bearer()) as again:
                return again.status == 200

        assert await eventually(free)
        for response in opened:
            response.close()


async def test_an_idle_stream_wakes_nothing_but_its_heartbeat() -> None:
    """The loop's own timers and tasks tell: with a heartbeat every hour, none is due while streams are idle."""
    sample = Sample(heartbeat=3600.0)
    async with (
        serve_http(sample_api(sample), Address(), make_gate()) as server,
        aiohttp.ClientSession(server.url, timeout=aiohttp.ClientTimeout(total=None)) as client,
    ):
        opened = [await client.get(EVENTS, headers=bearer(ttl=7200)) for _ in range(10)]
        for response in opened:
            for _ in range(3):
                await read_event(response)
        loop = asyncio.get_running_loop()
        soon = loop.time() + 60
        watchers = [task for task in asyncio.all_tasks() if "EventStream._watch" in repr(task.get_coro())]
        assert len(watchers) == 10
        due = [timer for timer in _timers(loop) if timer.when() < soon and "Timeout" in repr(timer)]
        assert due == []
        for response in opened:
            response.close()
        await eventually(lambda: all(task.done() for task in watchers))


def _timers(loop: asyncio.AbstractEventLoop) -> list[asyncio.TimerHandle]:
    """Of asyncio's own loop, which the tests run on."""
    scheduled: list[asyncio.TimerHandle] = loop._scheduled  # type: ignore[attr-defined]
    return [timer for timer in scheduled if not timer.cancelled()]
