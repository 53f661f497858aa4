"""A frontend of the old backend, as a script over HTTP: what docs/COMPATIBILITY.md says is what it is answered."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from tests.backfill.conftest import cutlog
from tests.backfill.legacy_store import effects
from tests.support.painting import Painter
from tests.support.stacks import CHECKOUT, RunningStack
from tests.support.waiting import eventually

PAGE = CHECKOUT / "docs" / "COMPATIBILITY.md"
BASE = "/api/compat"
ROW = re.compile(r"^\| `(GET|POST) (\S+)` \| (.*) \| (\d{3}) (.*) \|$", re.MULTILINE)
CODE = re.compile(r"`([^`]*)`")
NAME = re.compile(r"[A-Z][A-Z0-9]*")
BOUND = ("VIDEO", "PROJECT", "EXPORT", "SECOND", "STORED", "USER", "SHA256", "OTHER")
"""Words of the page that stand for one value throughout; the others stand for any of their kind."""
FREE = ("ops", "settings")
"""Members that hold what a frontend sent."""


class Call(NamedTuple):
    """A row of the page: what is sent, and what is answered."""

    method: str
    path: str
    request: str
    status: int
    answer: str

    @property
    def sent(self) -> Any:
        """The JSON that the request has, if it has any."""
        found = CODE.search(self.request)
        return json.loads(found[1]) if found and found[1].startswith("{") else None

    @property
    def answered(self) -> Any:
        found = CODE.search(self.answer)
        assert found is not None
        return found[1] if self.status == 206 else json.loads(found[1])


def calls() -> list[Call]:
    """The rows of the page, in order."""
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return [Call(method, path, request, int(status), answer) for method, path, request, status, answer in rows]


@dataclass
class Frontend:
    """What it knows: its base URL and token, and `values` for the words of the page."""

    session: aiohttp.ClientSession
    url: str
    token: str
    files: dict[str, bytes]
    values: dict[str, str] = field(default_factory=dict)

    async def send(self, method: str, path: str, **more: Any) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self.token}"} | more.pop("headers", {})
        async with self.session.request(method, f"{self.url}{path}", headers=headers, **more) as answer:
            return answer.status, await answer.read()

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and body of a call below the base URL."""
        status, raw = await self.send(method, BASE + path, **({} if body is None else {"json": body}))
        return status, json.loads(raw)

    async def done(self, method: str, path: str, body: Any = None) -> Any:
        """The data of a call that succeeds."""
        status, answer = await self.ask(method, path, body)
        assert status < 300 and answer["success"] is True, (path, status, answer)
        return answer["data"]

    async def make(self, call: Call) -> tuple[int, bytes]:
        """Sends what a row says."""
        if call.request.startswith("form "):
            form = aiohttp.FormData()
            for name, value in call.sent.items():
                if value in self.files:
                    form.add_field(name, self.files[value], filename="holiday.mp4")
                else:
                    form.add_field(name, value)
            return await self.send(call.method, call.path, data=form)
        path = call.path.replace("{version}", "1")
        if named := re.search(r"of `uploads/([^`]*)`", call.request):
            path = path.replace("{path}", self.filled(named[1]))
        path = re.sub(r"\{(\w+)\}", lambda found: self.values[found[1].upper()], path)
        if (ranged := re.match(r"`Range: ([^`]*)`", call.request)) is not None:
            return await self.send(call.method, path, headers={"Range": ranged[1]})
        body = self.filled(call.sent)
        return await self.send(call.method, path, **({} if body is None else {"json": body}))

    def filled(self, value: Any) -> Any:
        """A value of the page with the words in it that are known."""
        match value:
            case str():
                return NAME.sub(lambda found: self.values.get(found[0], found[0]), value)
            case dict():
                return {key: self.filled(each) for key, each in value.items()}
            case list():
                return [self.filled(each) for each in value]
            case _:
                return value

    def differs(self, expected: Any, found: Any, at: str = "") -> Iterator[str]:
        """Where an answer is not what the page says. A word that is not known yet is learnt."""
        if isinstance(expected, str) and NAME.fullmatch(expected):
            yield from self._word(expected, found, at)
        elif isinstance(expected, dict) and isinstance(found, dict):
            if expected.keys() != found.keys():
                yield f"{at}: {sorted(expected.keys() ^ found.keys())}"
            for key in filter(found.__contains__, expected):  # in their order, as words are learnt on the way
                yield from self.differs(expected[key], found[key], f"{at}/{key}")
        elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
            for number, (one, other) in enumerate(zip(expected, found, strict=True)):
                yield from self.differs(one, other, f"{at}/{number}")
        elif self.filled(expected) != found:
            yield f"{at}: {found!r}, not {self.filled(expected)!r}"

    def _word(self, word: str, found: Any, at: str) -> Iterator[str]:
        if word in BOUND:
            if self.values.setdefault(word, found) != found:
                yield f"{at}: {found!r}, not {self.values[word]!r}"
        elif word in ("BYTES", "MB"):
            if isinstance(found, bool) or not isinstance(found, int | float):
                yield f"{at}: {found!r} is no number"
        elif word == "TIME":
            datetime.fromisoformat(found)
        elif not isinstance(found, str) or not found:
            yield f"{at}: {found!r} is no text"


def like(expected: Any, found: Any, at: str = "") -> Iterator[str]:
    """Where an answer has another shape than the page says: other names, or values of another kind."""
    if isinstance(expected, dict) and isinstance(found, dict):
        if expected.keys() != found.keys():
            yield f"{at}: {sorted(expected.keys() ^ found.keys())}"
        for key in (expected.keys() & found.keys()) - set(FREE):
            yield from like(expected[key], found[key], f"{at}/{key}")
    elif isinstance(expected, list) and isinstance(found, list):
        for each in found if expected else ():
            yield from like(expected[0], each, f"{at}/…")
    elif None not in (expected, found) and expected not in ("BYTES", "MB") and type(expected) is not type(found):
        yield f"{at}: {found!r}, not like {expected!r}"


@pytest.fixture
async def frontend(stack: RunningStack, painted: Painter) -> Any:
    """One of a tenant of its own, whose archive has no days of grace."""
    file = painted(fps=25, frames=50, size=(160, 90), audio=True, tag=1).read_bytes()
    token = stack.token("admin", tenant=f"f-{secrets.token_hex(6)}")
    async with aiohttp.ClientSession() as session:
        made = Frontend(session, stack.url, token, {"FILE": file})
        policy = {"archiveGraceDays": 0, "maxDeleteFraction": 1.0}
        status, answer = await made.send("PUT", "/api/admin/gc/policy", json=policy)
        assert status == 200, answer
        yield made


@pytest.mark.slow(reason="needs the whole stack; tests of ops, media and gc have each route")
async def test_every_call_of_the_page_is_answered_as_it_stands_there(frontend: Frontend, painted: Painter) -> None:
    table = calls()
    assert len(table) >= 29 and len({(call.method, call.path) for call in table}) >= 16
    other = painted(fps=25, frames=25, size=(160, 90), tag=7).read_bytes()
    form = aiohttp.FormData()
    form.add_field("video", other, filename="unused.mp4")
    assert (await frontend.send("POST", f"{BASE}/videos/upload", data=form))[0] == 201
    for call in table:
        found: list[Any] = []

        async def fits(call: Call = call, found: list[Any] = found) -> bool:
            """Whether the answer is that of the page. What is still being made is asked for again."""
            status, raw = await frontend.make(call)
            wrong = [f"status {status}"] if status != call.status else []
            if call.status == 206:
                wrong += [] if raw == call.answered.encode() else [repr(raw[:40])]
            elif status == call.status:
                body = json.loads(raw)
                wrong += [] if body["success"] is (status < 300) else [f"success {body['success']}"]
                wrong += frontend.differs(call.answered, body["data"] if status < 300 else body)
            found[:] = [*wrong, raw[:600]] if wrong else []
            waits = "until" in call.request or status == 503 or call.method == "GET"
            if wrong and not waits:  # to ask again would hide what was wrong
                pytest.fail(f"{call.method} {call.path} {call.request}: {found}")
            return not wrong

        try:
            await eventually(fits)
        except AssertionError as error:
            raise AssertionError(f"{call.method} {call.path} {call.request}: {found}") from error


@pytest.mark.slow(reason="moves a store in by the command, and renders two of its projects")
async def test_an_old_frontend_goes_on_with_a_store_that_moved_in(
    stack: RunningStack, frontend: Frontend, painted: Painter, tmp_path: Path
) -> None:
    clips = [painted(fps=25, frames=50, size=(160, 90), audio=tag == 1, tag=tag) for tag in (1, 2)]
    ids = effects(tmp_path / "legacy", (clips[0].read_bytes(), clips[1].read_bytes()), 2.0)
    tenant = json.loads(_claims(frontend.token))["tenant"]
    result = cutlog("backfill", tmp_path / "legacy", "--data", stack.data, "--tenant", tenant)
    assert result.returncode == 0, result.stderr
    await goes_on(frontend, ids["looks"], ids["old"], ids["va"], tmp_path / "legacy" / "uploads")


async def goes_on(frontend: Frontend, project: str, unversioned: str, video: str, uploads: Path) -> None:
    """Works with a project that moved in, with one from before there were versions, and with a video."""
    shapes = {(call.method, call.path.partition("?")[0], call.status): call.answered for call in calls()}

    async def done(method: str, path: str, body: Any = None, *, of: str, status: int = 200) -> Any:
        found, answer = await frontend.ask(method, path, body)
        assert (found, answer["success"]) == (status, status < 300), (path, answer)
        data = answer["data"] if status < 300 else answer
        assert list(like(shapes[method, BASE + of, status], data)) == [], path
        return data

    listed = await done("GET", "/projects?limit=100", of="/projects")
    assert {each["_id"] for each in listed["projects"]} >= {project, unversioned}
    row = await done("GET", f"/projects/{project}", of="/projects/{project}")
    version = row["currentVersion"]
    operations = (await done("GET", f"/projects/{project}/ops", of="/projects/{project}/ops"))["operations"]
    assert [each["version"] for each in operations] == list(range(1, version + 1))
    assert operations[0]["ops"] == [{"type": "effect", "effect": "snow", "parameters": {"density": 50, "size": 3}}], (
        "what could not be translated is as it was"
    )
    await done("GET", f"/videos/{video}", of="/videos/{video}")
    assert {each["_id"] for each in (await done("GET", "/videos", of="/videos"))["videos"]} >= {video}

    # Each file of a row is there, and is the file that it was; ranges too.
    rows = (await done("GET", f"/projects/{project}/exports", of="/projects/{project}/exports"))["exports"]
    old = (await done("GET", f"/projects/{unversioned}/exports", of="/projects/{project}/exports"))["exports"]
    for each in (*rows, *old):
        status, raw = await frontend.send("GET", f"{BASE}/{each['filePath']}", headers={"Range": "bytes=0-"})
        assert (status, len(raw)) == (206, each["size"]), each
    before = (uploads / "videos" / f"{unversioned}_final.mp4").read_bytes()
    assert (await frontend.send("GET", f"{BASE}/uploads/videos/{unversioned}_final.mp4"))[1] == before
    status, raw = await frontend.send("GET", f"{BASE}/uploads/{row['latestProxyKey']}")
    assert (status, raw) == (200, (uploads / row["latestProxyKey"]).read_bytes())

    # The old unpin unpins what the import pinned.
    (pinned,) = [each for each in old if each["pinned"]]
    pin = f"/projects/{unversioned}/versions/{pinned['version']}/pin"
    for wanted in (False, True, False):
        answer = await done("POST", pin, of="/projects/{project}/versions/{version}/pin")
        assert answer["pinned"] is wanted
        rows_ = (await frontend.done("GET", f"/projects/{unversioned}/exports"))["exports"]
        assert [each["pinned"] for each in rows_] == [wanted]
    again = await done(
        "POST", f"/projects/{unversioned}/export", {"version": pinned["version"]}, of="/projects/{project}/export"
    )
    assert again["exportId"] == pinned["id"], "what was rendered there is not rendered again"

    # It is edited on, rendered and exported here.
    refused = {"ops": [{"type": "effect", "effect": "snow", "parameters": {"density": 50}}]}
    answer = await done("POST", f"/projects/{project}/ops", refused, of="/projects/{project}/ops", status=400)
    assert "vignette" in answer["message"]
    edit = {"ops": [{"type": "effect", "effect": "trim", "params": {"start": 0.4, "end": 1.2}}]}
    made = await done("POST", f"/projects/{project}/ops", edit, of="/projects/{project}/ops", status=201)
    assert made["version"] == version + 1

    async def rendered() -> bool:
        now = await frontend.done("GET", f"/projects/{project}")
        return bool(now["latestProxyKey"] == f"proxy/{project}/v{version + 1}_proxy.mp4")

    await eventually(rendered)
    await done("POST", f"/projects/{project}/export", {}, of="/projects/{project}/export", status=202)

    async def ready() -> bool:
        return (await frontend.ask("POST", f"/projects/{project}/export", {}))[0] == 200

    await eventually(ready)
    newest = (await frontend.done("GET", f"/projects/{project}/exports"))["exports"][0]
    assert (newest["version"], newest["duration"]) == (version + 1, 0.8)

    # What is not pinned is collected, imported exports too; the newest of a project stays.
    first = next(each for each in rows if each["version"] == 1)
    if first["pinned"]:
        assert (await frontend.done("POST", f"/projects/{project}/versions/1/pin"))["pinned"] is False
    gc = "/admin/gc"

    async def calculated() -> bool:
        return (await frontend.ask("POST", f"{gc}/calculate", {"ttlDays": 0, "keepLatestN": 0}))[0] == 200

    await eventually(calculated)
    candidates = (await done("GET", f"{gc}/candidates", of=f"{gc}/candidates"))["candidates"]
    assert first["id"] in {each["exportId"] for each in candidates}
    chosen = {"exportIds": [first["id"]]}
    archived = await done("POST", f"{gc}/archive", chosen, of=f"{gc}/archive")
    where = archived["archivedExports"][0]["filePath"]
    status, raw = await frontend.send("GET", f"{BASE}/{where}")
    assert (status, raw) == (200, (uploads.parent / first["filePath"]).read_bytes())
    deleted = await done("POST", f"{gc}/delete", chosen | {"confirmed": True}, of=f"{gc}/delete")
    assert (deleted["deleted"], deleted["spaceSaved"]) == (1, first["size"])
    assert (await frontend.send("GET", f"{BASE}/{where}"))[0] == 404
    await done("GET", f"{gc}/unused-videos", of=f"{gc}/unused-videos")


def _claims(token: str) -> str:
    import base64

    body = token.split(".")[1]
    return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()
