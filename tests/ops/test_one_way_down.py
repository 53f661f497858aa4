"""A change to a project goes one way down: asked for as data, kept as data, and with HTTP at the top only."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import msgspec

from tests.ops.conftest import Client

TOP = ("/services/ops/api/", "/services/ops/compat/", "/cutlog/web/", "/aiohttp/")
"""Folders of code that speaks HTTP."""
HELD = (("/project/commit.py", "commit"), ("/log/append.py", "_transaction"))
"""What runs while others wait for the project, or for the transaction that appends for all."""

SRT = "1\n00:00:00,000 --> 00:00:01,000\nHello\n\n2\n00:00:01,000 --> 00:00:02,000\n<font color=red>There</font>\n"


@contextmanager
def watched() -> Iterator[tuple[set[str], set[str]]]:
    """What of each place was entered meanwhile, and which functions of HTTP code were called from there."""
    entered: set[str] = set()
    found: set[str] = set()

    def look(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call":
            return
        entered.update(place for place, name in HELD if code.co_filename.endswith(place) and code.co_name == name)
        if any(folder in code.co_filename for folder in TOP):
            caller = frame.f_back
            while caller is not None:
                below = caller.f_code
                if any(below.co_filename.endswith(place) and below.co_name == name for place, name in HELD):
                    found.add(f"{code.co_filename}:{code.co_qualname}")
                    break
                caller = caller.f_back

    sys.setprofile(look)
    try:
        yield entered, found
    finally:
        sys.setprofile(None)


async def test_no_http_code_runs_while_others_wait_and_each_answer_is_given_again_byte_for_byte(
    editor: Client, media: Callable[..., Awaitable[str]]
) -> None:
    video = await media("v_1")
    json = "application/json"

    async def send(path: str, body: bytes, key: str, kind: str) -> tuple[int, bytes, str | None]:
        headers = {"Authorization": f"Bearer {editor.token}", "Idempotency-Key": key, "Content-Type": kind}
        async with editor.session.post(editor.url + path, data=body, headers=headers) as response:
            return response.status, await response.read(), response.headers.get("Idempotent-Replayed")

    clip = {"op": "clip.add", "clip": "c", "track": "v", "at": 0, "media": video, "in": 0, "out": 60}
    cut = [{"op": "track.add", "track": "v", "kind": "video"}, clip]
    captions = {"op": "captions.import", "track": "t", "format": "srt", "content": SRT}
    requests: list[tuple[str, Any, int]] = [
        ("/api/projects", {"name": "Film", "id": "p1"}, 201),
        ("/api/projects/p1/ops", {"ops": [*cut, {"op": "track.add", "track": "t", "kind": "video"}]}, 201),
        ("/api/projects/p1/ops", {"ops": [captions]}, 201),
        ("/api/projects/p1/timeline?format=srt&track=t&dryRun=false", SRT.encode(), 201),
        ("/api/projects/p1/versions/1/pin", {"pinned": True, "reason": "cut", "profile": "mp4"}, 200),
        ("/api/projects/p1/export", {"version": 1}, 202),
        ("/api/projects/p1/revert", {"toVersion": 1}, 201),
        ("/api/projects/p1/fork", {"name": "Other"}, 201),
        ("/api/compat/projects", {"title": "Old", "videoId": video, "settings": {"fps": 30}}, 201),
        ("/api/compat/projects/p1/ops", {"ops": [{"type": "effect", "effect": "mute", "parameters": {}}]}, 201),
        ("/api/compat/projects/p1/export", {"version": 2}, 202),
    ]  # fmt: skip
    with watched() as (entered, found):
        for number, (path, body, status) in enumerate(requests):
            raw, kind = (body, "*/*") if isinstance(body, bytes) else (msgspec.json.encode(body), json)
            first = await send(path, raw, f"k{number}", kind)
            assert (first[0], first[2]) == (status, None), (path, first)
            again = await send(path, raw, f"k{number}", kind)
            assert again == (status, first[1], "true"), path
    assert entered == {place for place, _ in HELD}
    assert found == set()
    assert (await editor.made("GET", "/api/projects/p1"))["currentVersion"] == 5
