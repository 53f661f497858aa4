"""Whatever one tenant sends or asks for, no other waits for it for more than 50 ms of processor time."""

from __future__ import annotations

import asyncio
from typing import Final

import msgspec
import pytest

from cutlog.contract import pieces
from cutlog.contract.pieces import encoded
from cutlog.contract.timeline import Timeline
from services.ops.edits.sources import Known
from services.ops.timeline.resolve import resolve
from tests.ops.conftest import Client
from tests.ops.films import FILM, Json, animated, begun, edited, splits
from tests.support.delays import delays

MOST: Final = 0.050


def clips(count: int) -> list[Json]:
    add = {"op": "clip.add", "track": "v", "color": "#336699", "frames": 1000}
    return [add | {"clip": f"c{n}", "at": 1000 * n} for n in range(count)]


@pytest.mark.parametrize(
    "count", [80, pytest.param(900, marks=pytest.mark.slow(reason="makes a timeline as large as one may be"))]
)
async def test_nobody_waits_for_large_edits_and_answers(editor: Client, count: int) -> None:
    path = f"/api/projects/{(await editor.made('POST', '/api/projects', {'name': 'Film'}))['id']}"
    worst: dict[str, str] = {}

    async def ask(what: str, method: str, where: str, body: Json | bytes | None = None) -> tuple[int, bytes]:
        """What is measured is the service: the answer is not decoded here."""
        headers = {"Authorization": f"Bearer {editor.token}", "Content-Type": "application/json"}
        data = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        async with (
            delays() as found,
            editor.session.request(method, editor.url + path + where, data=data, headers=headers) as answer,
        ):
            got = b"".join([chunk async for chunk in answer.content.iter_any()])
        if found.worst > MOST:
            worst[what] = f"{found.worst:.3f} s, {found.ran}"
        return answer.status, got

    async def edit(what: str, *ops: Json) -> None:
        status, said = await ask(what, "POST", "/ops", {"ops": ops})
        assert status == 201, said

    await edit("clips", FILM[0], *clips(count))
    for start in range(0, count, 80):
        frames = [animated(f"c{n}", 480) for n in range(start, min(start + 80, count))]
        await edit("a megabyte of keyframes", *frames)
    await edit("a small edit of a large timeline", {"op": "clip.remove", "clip": "c0", "ripple": True})
    assert (await ask("undo", "POST", "/undo", {}))[0] == 201
    assert (await ask("revert", "POST", "/revert", {"toVersion": 1}))[0] == 201
    assert (await ask("undo of the revert", "POST", "/undo", {}))[0] == 201
    assert (await ask("fork", "POST", "/fork", {"name": "Copy"}))[0] == 201
    for what in ("timeline", "timeline?format=otio", "diff?from=1&to=2", "ops"):
        status, _ = await ask(what, "GET", f"/{what}")
        assert status == 200
    assert not worst


async def test_nobody_waits_for_bodies_that_are_refused(editor: Client) -> None:
    path = f"/api/projects/{(await editor.made('POST', '/api/projects', {'name': 'Film'}))['id']}/ops"
    bodies = {
        "arrays": [b"[[[[[[[[[[1]]]]]]]]]]"] * 45_000, "numbers": [b"1"] * 500_000, "objects": [b"{}"] * 340_000,
        "ops": [b'{"op":"clip.add","x":1}'] * 900, "strings": [b'"\\u00e9"'] * 110_000,
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {editor.token}", "Content-Type": "application/json"}
    for what, items in bodies.items():
        data = b'{"ops": [' + b",".join(items) + b"]}"
        assert len(data) <= 1 << 20
        async with (
            delays() as found,
            editor.session.post(editor.url + path, data=data, headers=headers) as answer,
        ):
            assert answer.status == 422, await answer.text()
        assert found.worst <= MOST, (what, found)


def test_what_is_encoded_in_pieces_is_the_same() -> None:
    sequence = edited(begun(), splits(9), Known({}))
    timeline = resolve(sequence, "p", "t", 1, {})
    body = msgspec.json.encode(timeline)
    assert encoded(timeline) == body
    assert pieces.timeline(body) == timeline == msgspec.json.decode(body, type=Timeline)
    assert encoded([1, "a"]) == msgspec.json.encode([1, "a"])


async def test_a_loop_that_computes_and_a_thread_that_gives_no_turns_are_seen() -> None:
    numbers = list(range(2_000_000))

    async def computes() -> None:
        await asyncio.sleep(0)
        sum(numbers)
        await asyncio.sleep(0)

    for heavy in (computes(), asyncio.to_thread(sum, numbers)):
        async with delays() as found:
            await asyncio.create_task(heavy)
        assert found.worst > 0.005
