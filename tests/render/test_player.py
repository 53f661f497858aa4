"""A version in a browser, played by hls.js while its segments are made."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.request import Request, urlopen

import msgspec
import pytest
from playwright.async_api import Page, Route

from tests.support.player import CHROMIUM, PLAY, chromium, hls_js
from tests.support.stacks import RunningStack
from tests.support.waiting import PATIENCE

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
    pytest.mark.slow(reason="in a browser"),
]


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    return hls_js(tmp_path_factory.mktemp("hls"))


@pytest.fixture
async def page(stack: RunningStack, script: str) -> AsyncIterator[Page]:
    """A page of the stack's own origin that has hls.js."""
    async with chromium(bypass_csp=True) as context:
        page = await context.new_page()
        await page.goto(f"{stack.url}/api/docs")
        await page.add_script_tag(content=script)
        yield page


class Editor:
    """Makes a project of colours by HTTP."""

    def __init__(self, stack: RunningStack) -> None:
        self._stack = stack
        self.token = stack.token("editor")
        canvas = {"width": 320, "height": 180, "fps": [25, 1]}
        self.path = f"/api/projects/{self._call('/api/projects', {'name': 'Played', 'canvas': canvas})['id']}"
        self.edit({"op": "track.add", "track": "t", "kind": "video", "index": 0})

    def edit(self, *ops: dict[str, object]) -> int:
        return int(self._call(f"{self.path}/ops", {"ops": ops})["version"])

    def playlist(self, version: int, query: str = "") -> list[str]:
        return [f"{self._stack.url}{self.path}/versions/{version}/proxy.m3u8{query}", self._stack.token("viewer")]

    def _call(self, path: str, body: object) -> Any:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        with urlopen(
            Request(f"{self._stack.url}{path}", msgspec.json.encode(body), headers), timeout=PATIENCE
        ) as reply:
            return msgspec.json.decode(reply.read())


def colour(number: int, color: str) -> dict[str, object]:
    return {"op": "clip.add", "clip": f"c{number}", "track": "t", "at": 50 * number, "color": color, "frames": 50,
            "mode": "place"}  # fmt: skip


def names(colours: list[list[int]]) -> list[str]:
    """What was seen, each colour once as long as it stayed: the strongest of red, green and blue."""
    seen = ["rgb"[max(range(3), key=each.__getitem__)] for each in colours]
    return [name for number, name in enumerate(seen) if number == 0 or seen[number - 1] != name]


async def test_hls_js_plays_a_version_from_its_first_frame_while_segments_are_made(
    stack: RunningStack, page: Page
) -> None:
    editor = Editor(stack)
    version = editor.edit(colour(0, "#d01010"), colour(1, "#10d010"), colour(2, "#1010d0"))
    url, token = editor.playlist(version)
    loads: list[int] = []

    async def early(route: Route) -> None:
        """At first no more than the beginning: as while the end is encoded, however fast this machine is."""
        reply = await route.fetch()
        body = await reply.text()
        loads.append(body.count("#EXTINF"))
        if len(loads) == 1:
            body = "#EXTINF".join(body.split("#EXTINF")[:6]).replace("#EXT-X-ENDLIST\n", "")
        await route.fulfill(response=reply, body=body)

    await page.route("**/proxy.m3u8", early)
    # Nobody waits for the proxy.
    played = await page.evaluate(PLAY, [url, token])
    assert played["errors"] == []
    assert (played["width"], played["height"], played["holes"]) == (854, 480, 0)
    assert names(played["colours"]) == ["r", "g", "b"]
    assert played["end"] - played["start"] == pytest.approx(150 / 25, abs=1024 / 48_000)
    assert (len(loads) > 1, loads[-1]) == (True, 6)


async def test_hls_js_plays_the_newest_edit_first(stack: RunningStack, page: Page) -> None:
    editor = Editor(stack)
    editor.edit(colour(0, "#d01010"), colour(1, "#10d010"))
    version = editor.edit({"op": "clip.remove", "clip": "c1"}, colour(1, "#1010d0") | {"clip": "c1b"})
    played = await page.evaluate(PLAY, editor.playlist(version, "?from=edit"))
    assert played["errors"] == []
    assert names(played["colours"]) == ["b"]
    assert played["end"] - played["start"] == pytest.approx(50 / 25, abs=2 * 1024 / 48_000)
