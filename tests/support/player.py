"""Chromium, and hls.js in it."""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import web
from playwright.async_api import BrowserContext, async_playwright

from tests.support.npm import npm

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
HLS: Final = "hls.js@1.7.4"
PACKED: Final = "e4ab3d5d13f7cca9ef241d098f39686e19fd451831ba07dc9943482fd5ff75c7"

#: Plays a playlist with the token, if any, on its own request only: fragments have signed links. Collects the colour in
#: the middle of what is shown at each look.
PLAY: Final = """async ([url, token]) => {
  const video = document.createElement("video");
  video.muted = true;
  video.playbackRate = 4;
  document.body.replaceChildren(video);
  const said = { colours: [], errors: [], loads: 0 };
  const hls = new Hls({
    enableWorker: false,
    xhrSetup: (xhr, address) => {
      if (token && address.includes(".m3u8")) xhr.setRequestHeader("Authorization", `Bearer ${token}`);
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


def hls_js(folder: Path) -> str:
    """The script, as npm has it."""
    data = (folder / npm("pack", "--silent", HLS, folder=folder).split()[-1]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == PACKED
    with tarfile.open(fileobj=io.BytesIO(data)) as files:
        script = files.extractfile("package/dist/hls.min.js")
        assert script is not None
        return script.read().decode()


@asynccontextmanager
async def chromium(*, bypass_csp: bool = False) -> AsyncIterator[BrowserContext]:
    """A browser with nothing in it, which plays without being clicked."""
    async with async_playwright() as playwright:
        args = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=args)
        yield await browser.new_context(bypass_csp=bypass_csp)
        await browser.close()


@asynccontextmanager
async def site(host: str) -> AsyncIterator[str]:
    """The origin of a server with one empty page."""

    async def page(_: web.BaseRequest) -> web.Response:
        return web.Response(text="<!doctype html><title>A frontend</title>", content_type="text/html")

    runner = web.ServerRunner(web.Server(page))
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
