"""A version in a browser, played by hls.js while its segments are made."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from collections.abc import AsyncIterator
from typing import Any, Final
from urllib.request import Request, urlopen

import msgspec
import pytest
from playwright.async_api import Page, Route, async_playwright

from tests.support.npm import npm
from tests.support.stacks import RunningStack
from tests.support.waiting import PATIENCE

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
HLS: Final = "hls.js@1.7.4"
PACKED: Final = "e4ab3d5d13f7cca9ef241d098f39686e19fd451831ba07dc9943482fd5ff75c7"

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
    pytest.mark.slow(reason="in a browser"),
]

#: Plays a playlist with the token on its own request only: fragments have signed links. Collects the colour in the
#: middle of what is shown at each look.
PLAY: Final = """async ([url, token]) => {
  const video = document.createElement("video");
  video.muted = true;
  video.playbackRate = 4;
  document.body.replaceChildren(video);
  const said = { colours: [], errors: [], loads: 0 };
  const hls = new Hls({
    enableWorker: false,
    xhrSetup: (xhr, address) => {
      if (address.includes(".m3u8")) xhr.setRequestHeader("Authorization", `Bearer ${token}`);
    },
  });
  hls.on(Hls.Events.ERROR, (_, data) => data.fatal && said.errors.push(data.details));
  hls.on(Hls.Events.LEVEL_LOADED, () => (said.loads += 1));
  hls.loadSource(url);
  hls.attachMedia(video);
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const look = () => {
    canvas.drawImage(video, 0, 0, 1, 1);
    said.colours.push([...canvas.getImageData(0, 0, 1, 1).data.slice(0, 3)]);
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  await new Promise((ended, failed) => {
    video.addEventListener("ended", ended);
    hls.on(Hls.Events.ERROR, (_, data) => data.fatal && failed(new Error(data.details)));
    video.play().catch(failed);
  });
  Object.assign(said, { width: video.videoWidth, height: video.videoHeight, sound: hls.levels[0].audioCodec });
  said.start = video.buffered.start(0);
  said.end = video.buffered.end(video.buffered.length - 1);
  said.holes = video.buffered.length - 1;
  hls.destroy();
  return said;
}"""


@pytest.fixture(scope="module")
def hls_js(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script, as npm has it."""
    folder = tmp_path_factory.mktemp("hls")
    data = (folder / npm("pack", "--silent", HLS, folder=folder).split()[-1]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == PACKED
    with tarfile.open(fileobj=io.BytesIO(data)) as files:
        script = files.extractfile("package/dist/hls.min.js")
        assert script is not None
        return script.read().decode()


@pytest.fixture
async def page(stack: RunningStack, hls_js: str) -> AsyncIterator[Page]:
    """A page of the stack's own origin that has hls.js."""
    async with async_playwright() as playwright:
        args = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        page = await (await browser.new_context(bypass_csp=True)).new_page()
        await page.goto(f"{stack.url}/api/docs")
        await page.add_script_tag(content=hls_js)
        yield page
        await browser.close()


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
