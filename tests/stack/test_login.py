"""Logging in with the URL that `cutlog up` prints, and what a browser does with the session."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from tests.support.painting import Painter
from tests.support.player import CHROMIUM, PLAY, chromium, hls_js, site
from tests.support.stacks import CHECKOUT, RunningStack
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
    pytest.mark.slow(reason="starts a stack of its own, and a browser"),
]

#: What a page of the same site does, with its cookie alone.
USE: Final = """async (clip) => {
  const {csrf, subject} = await (await fetch("/api/session")).json();
  const proof = {"X-CSRF-Token": csrf};
  const json = {...proof, "Content-Type": "application/json"};
  const post = (path, body) => fetch(path, {method: "POST", headers: json, body: JSON.stringify(body)});
  const form = new FormData();
  form.append("file", new Blob([Uint8Array.from(atob(clip), (c) => c.charCodeAt(0))]), "clip.mp4");
  const unproved = await fetch("/api/videos/upload", {method: "POST", body: form});
  const sent = await fetch("/api/videos/upload", {method: "POST", body: form, headers: proof});
  const video = (await sent.json()).id;
  await new Promise((ready) => new EventSource(`/api/videos/${video}/events`).addEventListener("ready", ready));
  const project = (await (await post("/api/projects", {name: "Film"})).json()).id;
  const shot = {op: "clip.add", clip: "c", track: "v", at: 0, media: video, in: 0, out: 50};
  const stream = new EventSource(`/api/projects/${project}/events?after=0`);
  const rendered = new Promise((rendered) => stream.addEventListener("ProxyRendered", rendered));
  const track = {op: "track.add", track: "v", kind: "video"};
  const edited = await post(`/api/projects/${project}/ops`, {ops: [track, shot]});
  await rendered;
  stream.close();
  const load = async (path) => { const image = new Image(); image.src = path; await image.decode(); return image; };
  const canvas = document.createElement("canvas");
  canvas.getContext("2d").drawImage(await load(`/api/videos/${video}/thumbnail`), 0, 0);
  canvas.getContext("2d").drawImage(await load(`/api/projects/${project}/versions/1/frame?at=3`), 0, 0);
  const player = document.createElement("video");
  player.src = `/api/projects/${project}/versions/1/proxy`;
  await new Promise((there, failed) => { player.onloadeddata = there; player.onerror = failed; });
  const download = await fetch(`/api/videos/${video}/download`, {headers: {Range: "bytes=4-7"}});
  return {
    subject, cookie: document.cookie, unproved: unproved.status, edited: edited.status, width: player.videoWidth,
    canvas: canvas.toDataURL().startsWith("data:image/png"), range: [download.status, await download.text()], project,
  };
}"""
#: What a page elsewhere reads, if its browser sends the cookie.
READ: Final = """async (api) => {
  const answer = await fetch(`${api}/api/session`, {credentials: "include"});
  return [answer.status, (await answer.json()).subject ?? null];
}"""
LOGOUT: Final = """async () => {
  const {csrf} = await (await fetch("/api/session")).json();
  const ended = await fetch("/api/session", {method: "DELETE", headers: {"X-CSRF-Token": csrf}});
  return [ended.status, (await fetch("/api/projects")).status, (await fetch("/api/videos")).status];
}"""


@asynccontextmanager
async def stack(data: Path, *origins: str) -> AsyncIterator[RunningStack]:
    """`cutlog up`."""
    running = RunningStack(data, env={"CUTLOG_CORS_ORIGINS": " ".join(origins)})
    try:
        running.start()
        yield running
    finally:
        running.stop()


def login(data: Path, *more: str) -> Any:
    """What `cutlog login` prints."""
    command = [sys.executable, "-m", "cutlog", "login", "--data", str(data), *more]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=CHECKOUT).stdout


async def test_a_browser_logs_in_with_the_url_and_needs_nothing_else(tmp_path: Path, painted: Painter) -> None:
    script, clip = hls_js(tmp_path), painted(25, 50, (320, 180), audio=True)
    async with site("127.0.0.1") as near, site("localhost") as far, stack(tmp_path / "data", near, far) as running:
        printed = await eventually(lambda: re.search(r"^login (\S+)$", running.output, re.MULTILINE))
        assert printed is not None and printed[1].startswith(f"{running.url}/login?code=")
        async with chromium(bypass_csp=True) as context:
            page = await context.new_page()
            await page.goto(printed[1])
            assert page.url == f"{running.url}/api/docs", "nothing of the code is left"
            await page.wait_for_function("document.getElementById('who').textContent === 'admin · admin · logged in'")
            done = await page.evaluate(USE, _encoded(clip))
            assert done.pop("project")
            assert done == {
                "subject": "admin", "cookie": "", "unproved": 403, "edited": 201, "width": 854, "canvas": True,
                "range": [206, "ftyp"],
            }  # fmt: skip
            await page.add_script_tag(content=script)
            projects = await page.evaluate("async () => (await (await fetch('/api/projects')).json()).items[0].id")
            played = await page.evaluate(PLAY, [f"/api/projects/{projects}/versions/1/proxy.m3u8", None])
            assert (played["errors"], played["width"]) == ([], 854)
            elsewhere = await context.new_page()
            await elsewhere.goto(near)
            assert await elsewhere.evaluate(READ, running.url) == [200, "admin"], "another port is the same site"
            await elsewhere.goto(far)
            assert await elsewhere.evaluate(READ, running.url) == [401, None], "another site is not"
            again = await context.new_page()
            answer = await again.goto(printed[1])
            assert answer is not None and answer.status == 403, "it works once"
            assert await page.evaluate(LOGOUT) == [204, 401, 401]
            other = json.loads(
                login(running.data, "--subject", "eve", "--role", "viewer", "--next", "/api/docs", "--json")
            )
            await page.goto(other["url"])
            assert await page.evaluate(READ, running.url) == [200, "eve"]


async def test_behind_tls_the_cookie_is_for_tls_and_links_begin_with_the_public_url(tmp_path: Path) -> None:
    public = "https://cut.example.com"
    running = RunningStack(tmp_path / "data", env={"CUTLOG_PUBLIC_URL": public})
    try:
        running.start()
        url = json.loads(login(running.data, "--json"))["url"]
        assert url.startswith(f"{public}/login?code=")
        async with (
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http,
            http.get(running.url + url.removeprefix(public), allow_redirects=False) as answer,
        ):
            cookie = answer.headers["Set-Cookie"]
            assert answer.status == 303
            assert cookie.startswith("__Host-cutlog_") and "Secure" in cookie.split("; ")
    finally:
        running.stop()


def _encoded(clip: Path) -> str:
    return base64.b64encode(clip.read_bytes()).decode()
