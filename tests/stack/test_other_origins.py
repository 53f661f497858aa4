"""Pages of other origins in a real browser: each kind of route, on a local store and on a bucket."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
import msgspec
import pytest
from playwright.async_api import Page
from yarl import URL

from cutlog.blobs import open_blobs
from cutlog.blobs.presigned import signed
from tests.support.buckets import CREDENTIALS
from tests.support.configuration import SettingsFactory
from tests.support.house import whole
from tests.support.painting import Painter
from tests.support.player import CHROMIUM, PLAY, chromium, hls_js, site
from tests.support.stacks import CHECKOUT
from tests.support.waiting import eventually

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
    pytest.mark.slow(reason="runs all services, and a browser"),
]

#: What a frontend does with the API, as scripts of a page: each returns what the page could read.
TRIES: Final = {
    "json": """async ({api, auth, project}) => {
  const shown = await fetch(`${api}/api/projects/${project}`, {headers: auth});
  const headers = {...auth, "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID()};
  const made = await fetch(`${api}/api/projects`, {method: "POST", headers, body: JSON.stringify({name: "New"})});
  const put = await fetch(`${api}/api/admin/gc/policy`, {method: "PUT", headers, body: "{}"});
  return [shown.status, (await shown.json()).name, made.status, !!made.headers.get("Location"),
          !!made.headers.get("X-Request-Id"), put.status];
}""",
    "upload": """async ({api, auth}) => {
  const form = new FormData();
  form.append("file", new Blob(["no video"]), "a.mp4");
  const answer = await fetch(`${api}/api/videos/upload`, {method: "POST", headers: auth, body: form});
  return [answer.status, (await answer.json()).type];
}""",
    "tus": """async ({api, auth}) => {
  const tus = {...auth, "Tus-Resumable": "1.0.0"};
  const able = await fetch(`${api}/api/uploads`, {method: "OPTIONS"});
  const made = await fetch(`${api}/api/uploads`, {
    method: "POST", headers: {...tus, "Upload-Length": "5", "Upload-Metadata": `filename ${btoa("a.mp4")}`},
  });
  const where = new URL(made.headers.get("Location"), `${api}/api/uploads`);
  const added = await fetch(where, {
    method: "PATCH", headers: {...tus, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"},
    body: "hel",
  });
  const asked = await fetch(where, {method: "HEAD", headers: tus});
  const ended = await fetch(where, {method: "DELETE", headers: tus});
  return [able.headers.get("Tus-Version"), made.status, added.status, added.headers.get("Upload-Offset"),
          asked.headers.get("Upload-Offset"), asked.headers.get("Upload-Length"), ended.status];
}""",
    "file": """async ({api, auth, video}) => {
  const headers = {...auth, Accept: "application/json"};
  const led = await fetch(`${api}/api/videos/${video}/download`, {headers});
  const {url, expiresAt} = await led.json();
  const part = await fetch(url, {headers: {Range: "bytes=4-7"}});
  const attached = part.headers.get("Content-Disposition") || "";
  return [led.status, Date.parse(expiresAt) > Date.now(), part.status, await part.text(), attached.includes("clip"),
          /^bytes 4-7\\/\\d+$/.test(part.headers.get("Content-Range")), !!part.headers.get("ETag")];
}""",
    "picture": """async ({api, auth, video, project}) => {
  const headers = {...auth, Accept: "application/json"};
  const {url} = await (await fetch(`${api}/api/videos/${video}/thumbnail`, {headers})).json();
  const picture = Object.assign(new Image(), {crossOrigin: "anonymous", src: url});
  await picture.decode();
  const plain = Object.assign(new Image(), {src: url});
  await plain.decode();
  const frame = await fetch(`${api}/api/projects/${project}/versions/1/frame?at=0`, {headers: auth});
  const canvas = document.createElement("canvas");
  canvas.getContext("2d").drawImage(picture, 0, 0);
  canvas.getContext("2d").drawImage(await createImageBitmap(await frame.blob()), 0, 0);
  return [canvas.toDataURL().startsWith("data:image/png"), plain.naturalWidth > 0, !!frame.headers.get("ETag")];
}""",
    "events": """async ({api, auth, project}) => {
  const headers = {...auth, "Last-Event-ID": "0"};
  const stream = await fetch(`${api}/api/projects/${project}/events`, {headers});
  const reader = stream.body.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!said.includes("event: VersionCommitted")) said += (await reader.read()).value;
  await reader.cancel();
  return [stream.status, said.includes("event: ProjectCreated")];
}""",
    "tickets": """async ({api, auth, project}) => {
  const ticket = async (path) => {
    const body = JSON.stringify({path});
    const headers = {...auth, "Content-Type": "application/json"};
    const made = await fetch(`${api}/api/tickets`, {method: "POST", headers, body});
    return (await made.json()).url;
  };
  const frame = Object.assign(new Image(), {
    crossOrigin: "anonymous", src: await ticket(`/api/projects/${project}/versions/1/frame?at=0`),
  });
  await frame.decode();
  const canvas = document.createElement("canvas");
  canvas.getContext("2d").drawImage(frame, 0, 0);
  const stream = new EventSource(await ticket(`/api/projects/${project}/events?after=0`));
  const heard = await new Promise((heard, failed) => {
    stream.addEventListener("VersionCommitted", (event) => heard(JSON.parse(event.data).type));
    stream.onerror = () => failed(new Error("the stream failed"));
  });
  stream.close();
  const playlist = await ticket(`/api/projects/${project}/versions/1/proxy.m3u8`);
  const lines = (await (await fetch(playlist)).text()).split("\\n");
  const segment = lines.find((line) => line.startsWith("segments/"));
  return [canvas.toDataURL().startsWith("data:image/png"), heard, (await fetch(new URL(segment, playlist))).status];
}""",
    "errors": """async ({api, auth, project}) => {
  const told = [];
  for (const [path, headers] of [
    ["/api/projects", {}], ["/nothing", {}], ["/api/projects/%00", auth], ["/api/projects/p_none", auth],
    ["/api/compat/projects/%00", auth], ["/files/none", {}],
  ]) {
    const answer = await fetch(api + path, {headers});
    told.push(answer.status, typeof await answer.json());
  }
  told.push((await fetch(`${api}/api/projects`)).headers.get("WWW-Authenticate").slice(0, 6));
  return told;
}""",
    "compat": """async ({api, auth}) => {
  const list = await fetch(`${api}/api/compat/projects`, {headers: auth});
  return [list.status, (await list.json()).success];
}""",
}  # fmt: skip
READ: Final[dict[str, list[Any]]] = {
    "json": [200, "Film", 201, True, True, 403],
    "upload": [422, "/problems/invalid-media"],
    "tus": ["1.0.0", 201, 204, "3", "3", "5", 204],
    "file": [200, True, 206, "ftyp", True, True, True],
    "picture": [True, True, True],
    "events": [200, True],
    "tickets": [True, "VersionCommitted", 200],
    "errors": [401, "object", 404, "object", 404, "object", 404, "object", 404, "object", 403, "object", "Bearer"],
    "compat": [200, True],
}  # fmt: skip


async def film(url: str, token: str, clip: Path) -> dict[str, Any]:
    """What the pages are told: a project with a version of a video that is ready."""
    headers = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession(url, headers=headers) as http:

        async def made(path: str, **body: Any) -> Any:
            async with http.post(path, **body) as answer:
                assert answer.status < 300, await answer.text()
                return await answer.json()

        form = aiohttp.FormData()
        form.add_field("file", clip.read_bytes(), filename="clip.mp4")
        video = (await made("/api/videos/upload", data=form))["id"]

        async def ready() -> bool:
            async with http.get(f"/api/videos/{video}") as answer:
                return bool((await answer.json())["status"] == "ready")

        await eventually(ready)
        canvas = {"width": 320, "height": 180, "fps": [25, 1]}
        project = (await made("/api/projects", json={"name": "Film", "canvas": canvas}))["id"]
        track = {"op": "track.add", "track": "v", "kind": "video", "index": 0}
        shot = {"op": "clip.add", "clip": "c", "track": "v", "at": 0, "media": video, "in": 0, "out": 50}
        await made(f"/api/projects/{project}/ops", json={"ops": [track, shot]})
        return {"api": url, "auth": headers, "video": video, "project": project}


async def read(page: Page, told: dict[str, Any]) -> dict[str, Any]:
    """What the page could read, or the name of the error that kept it from it."""
    caught = "async (told) => {{ try {{ return await ({})(told) }} catch (error) {{ return error.name }} }}"
    return {name: await page.evaluate(caught.format(script), told) for name, script in TRIES.items()}


async def share(bucket: str, origins: list[str]) -> None:
    """Gives a bucket the rule of docs/FRONTEND.md, for these origins."""
    text = (CHECKOUT / "docs" / "FRONTEND.md").read_text(encoding="utf-8").partition("```json\n")[2].partition("```")[0]
    given = msgspec.json.decode(text)
    given["CORSRules"][0]["AllowedOrigins"] = origins
    rules = "".join(
        f"<CORSRule>{''.join(_elements(name, value) for name, value in rule.items())}</CORSRule>"
        for rule in given["CORSRules"]
    )
    link = urlsplit(await open_blobs(bucket, "").url("temp/x", "PUT"))
    own = link._replace(path="/" + link.path.split("/")[1]).geturl()
    url = signed(own, CREDENTIALS["AWS_SECRET_ACCESS_KEY"], "PUT", {"cors": ""})
    body = f"<CORSConfiguration>{rules}</CORSConfiguration>".encode()
    async with aiohttp.ClientSession() as http, http.put(URL(url, encoded=True), data=body) as answer:
        assert answer.status == 200, await answer.text()


def _elements(name: str, value: list[str] | int) -> str:
    """A setting as S3 has it in XML: lists are repeated elements, in the singular."""
    words = value if isinstance(value, list) else [value]
    singular = name.removesuffix("s") if isinstance(value, list) else name
    return "".join(f"<{singular}>{word}</{singular}>" for word in words)


@pytest.mark.parametrize("store", ["local", "bucket"])
async def test_pages_of_allowed_origins_use_every_kind_of_route_and_others_none(
    store: str, settings_for: SettingsFactory, tmp_path: Path, painted: Painter, request: pytest.FixtureRequest
) -> None:
    script = hls_js(tmp_path)
    async with AsyncExitStack() as opened:
        far, near, stranger = [
            await opened.enter_async_context(site(host)) for host in ("localhost", "127.0.0.1", "localhost")
        ]
        told_store = {}
        if store == "bucket":
            told_store["objects_url"] = request.getfixturevalue("bucket")
            await share(told_store["objects_url"], [far, near])
        url = await opened.enter_async_context(whole(settings_for, tmp_path, origins=[far, near], **told_store))
        context = await opened.enter_async_context(chromium())
        told = await film(url, settings_for.token("editor"), painted(25, 50, (320, 180), audio=True))
        for origin in (far, near):
            page = await context.new_page()
            await page.goto(origin)
            assert await read(page, told) == READ, origin
            await page.add_script_tag(content=script)
            playlist = f"{url}/api/projects/{told['project']}/versions/1/proxy.m3u8"
            played = await page.evaluate(PLAY, [playlist, settings_for.token("viewer")])
            assert (played["errors"], played["holes"]) == ([], 0)
            assert played["colours"], "the pixels of what it plays can be read"
        page = await context.new_page()
        await page.goto(stranger)
        assert await read(page, told) == dict.fromkeys(TRIES, "TypeError")
