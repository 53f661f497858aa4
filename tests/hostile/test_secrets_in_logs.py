"""No secret and no token gets into a log: every kind of traffic, then a search of all that was logged."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import re
import secrets
import signal
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, quote, urlsplit

import aiohttp
import asyncpg
import nats
import nkeys
import pytest
from nacl.signing import SigningKey

from cutlog.auth.rings import KeyRing
from cutlog.auth.roles import Role
from cutlog.auth.tokens import introduce, mint
from cutlog.blobs.signing import sign
from cutlog.operate.cli.bearer import ask_ops
from cutlog.operate.stack.postgres import Postgres
from tests.support.painting import Painter
from tests.support.stacks import RunningStack
from tests.support.waiting import eventually

TRACK = {"op": "track.add", "track": "v", "kind": "video"}
CLIP = {"op": "clip.add", "clip": "c", "track": "v", "at": 0, "color": "#ff0000", "frames": 30}
NONE: Final[Mapping[str, str]] = {}
TELLING: Final = 16
"""Characters of a secret that are enough to call it told."""


class Traffic:
    """Sends requests, and remembers in `used` what no log may hold."""

    def __init__(self, stack: RunningStack, session: aiohttp.ClientSession) -> None:
        self.stack, self.session, self.used = stack, session, set[str]()
        address = urlsplit(stack.url)
        self.address = str(address.hostname), int(address.port or 0)
        self.token = self.noted(stack.token("admin"))

    def noted(self, secret: str) -> str:
        """The secret, noted. Of a token what nobody else can make counts: its signature."""
        self.used.add(secret.rpartition(".")[2])
        return secret

    def link(self, url: str) -> str:
        """A signed link, noted."""
        self.noted(parse_qs(urlsplit(url).query)["signature"][0])
        return url

    async def ask(
        self, method: str, path: str, status: int, token: str = "", headers: Mapping[str, str] = NONE, **body: Any
    ) -> tuple[Any, str]:
        """The answer as JSON, if it is such, and where it leads."""
        headers = {"Authorization": f"Bearer {token or self.token}", **headers}
        async with self.session.request(method, path, headers=headers, allow_redirects=False, **body) as answer:
            raw = await answer.read()
            assert answer.status == status, (method, path, answer.status, raw[:500])
            return json.loads(raw) if "json" in answer.content_type else None, answer.headers.get("Location", "")

    async def abort(self, request: str, *, answered: bool = True) -> None:
        """Sends a request and resets the connection, after the first bytes of the answer or at once."""
        reader, writer = await asyncio.open_connection(*self.address)
        writer.write(request.replace("\n", "\r\n").encode())
        await writer.drain()
        if answered:
            await reader.readline()
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async def logins(self) -> None:
        """Tokens that are good, of another role, expired, forged and none at all, in headers and queries."""
        secret = self.stack.secrets.signing
        for role, tenant in (("viewer", "default"), ("editor", "acme"), ("operator", "default")):
            await self.ask("GET", "/api/projects", 200, self.noted(self.stack.token(role, tenant=tenant)))
        refused = (
            mint(secret, "late", Role.admin, ttl=-60), mint(KeyRing.new(), "eve", Role.admin),
            secrets.token_urlsafe(30), f"a.b.{secrets.token_urlsafe(30)}",
            mint(secret, "x", Role.admin)[:-20] + secrets.token_urlsafe(15),
        )  # fmt: skip
        for token in refused:
            self.noted(token)
            await self.ask("GET", "/api/projects", 401, token)
            await self.ask("GET", f"/api/projects/p_1/events?access_token={token}", 401, token)
            await self.ask("POST", "/api/videos/upload", 401, token, data=aiohttp.FormData({"file": io.BytesIO(b"x")}))
        for route in ("/api/projects", "/nothing", "/internal/openapi.json", "/api/projects/%00", "/files/x"):
            async with self.session.get(f"{route}?access_token={self.token}&signature={self.token}") as answer:
                assert answer.status in (401, 403, 404, 422), route
        await self.browser()
        password = self.noted(secrets.token_urlsafe(20))
        basic = self.noted(base64.b64encode(f"ann:{password}".encode()).decode())
        for authorization in (f"Basic {basic}", f"bearer  {self.token}x"):
            async with self.session.get("/api/projects", headers={"Authorization": authorization}) as answer:
                assert answer.status == 401
        for name in ("ops", "media", "render", "gc"):
            ring = self.stack.secrets.ring(name)
            self.noted(ring.newest.seed)
            own = self.noted(introduce(ring, name))
            await self.ask("GET", "/internal/openapi.json", 404, own)
            await self.ask("GET", "/api/projects", 403, own)

    async def browser(self) -> None:
        """A login link, used and guessed, the session that it makes, and tickets, good and changed."""
        asked = {"subject": "ann", "tenant": "default", "role": "admin"}
        made = await asyncio.to_thread(ask_ops, self.stack.data, "/internal/login-codes", asked)
        code = self.noted(parse_qs(urlsplit(made["url"]).query)["code"][0])
        async with self.session.get(f"/login?code={code}", allow_redirects=False) as answer:
            assert answer.status == 303
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
        self.noted(cookie.partition("=")[2])
        for path in (f"/login?code={code}", f"/login?code={self.noted(secrets.token_urlsafe(32))}"):
            async with self.session.get(path, allow_redirects=False) as answer:
                assert answer.status == 403
        forged = f"{cookie[:-20]}{self.noted(secrets.token_urlsafe(15))}"
        async with self.session.get("/api/session", headers={"Cookie": forged}) as answer:
            assert answer.status == 401
        async with self.session.get("/api/session", headers={"Cookie": cookie}) as answer:
            proof = {"Cookie": cookie, "X-CSRF-Token": self.noted((await answer.json())["csrf"])}
        async with self.session.post("/api/tickets", headers=proof, json={"path": "/api/projects"}) as answer:
            url = (await answer.json())["url"]
        self.noted(url)
        for link, status in ((url, 200), (url[:-20] + self.noted(secrets.token_urlsafe(15)), 401)):
            async with self.session.get(urlsplit(link)._replace(scheme="", netloc="").geturl()) as answer:
                assert answer.status == status

    async def streams(self, project: str) -> None:
        """Event streams that are read, and broken off in every way."""
        path = f"/api/projects/{project}/events?access_token={self.token}"
        async with self.session.get(path) as stream:
            assert stream.status == 200
            await stream.content.readline()
        for answered in (True, False) * 4:
            await self.abort(f"GET {path} HTTP/1.1\nHost: x\n\n", answered=answered)
        both = f"Authorization: Bearer {self.token}\nCookie: t={self.token}"
        await self.abort(f"GET {path} HTTP/1.1\nHost: x\n{both}\n\n")
        await self.abort(f"GET {path}\x00 HTTP/1.1\nHost: x\n\n")
        await self.abort(f"{self.token} {path} HTTP/9.9\nHost: {self.token}\n\n", answered=False)

    async def files(self, clip: Path, project: str) -> None:
        """Uploads, and links that are followed, broken off, changed and too old."""
        form = aiohttp.FormData()
        form.add_field("file", clip.read_bytes(), filename=clip.name)
        video, _ = await self.ask("POST", "/api/videos/upload", 201, data=form)
        head = f"POST /api/videos/upload HTTP/1.1\nHost: x\nAuthorization: Bearer {self.token}\nContent-Length: 90000\n"
        await self.abort(f"{head}Content-Type: multipart/form-data; boundary=b\n\n--b\nxyz", answered=False)
        tus = {"Tus-Resumable": "1.0.0", "Upload-Length": "9", "Upload-Metadata": "filename YQ=="}
        await self.ask("POST", "/api/uploads", 201, headers=tus)
        _, url = await self.ask("GET", f"/api/videos/{video['id']}/download", 302)
        async with self.session.get(self.link(url)) as answer:
            assert (answer.status, await answer.read()) == (200, clip.read_bytes())
        for answered in (True, False):
            await self.abort(f"GET {url} HTTP/1.1\nHost: x\n\n", answered=answered)
        wrong = self.noted(secrets.token_urlsafe(32))
        old = self.link(sign(self.stack.secrets.files, "videos/x.mp4", int(time.time()) - 60))
        for refused in (re.sub(r"signature=[\w-]+", f"signature={wrong}", url), old):
            async with self.session.get(refused) as answer:
                assert answer.status == 403
        playlist = f"/api/projects/{project}/versions/1/proxy.m3u8"

        async def plays() -> str | None:
            async with self.session.get(playlist, headers={"Authorization": f"Bearer {self.token}"}) as answer:
                return await answer.text() if answer.status == 200 else None

        for segment in re.findall(r"segments/[^\s\"]+", str(await eventually(plays))):
            url = self.link(f"/api/projects/{project}/versions/1/{segment}")
            async with self.session.get(url) as answer:
                assert answer.status == 200
            await self.abort(f"GET {url} HTTP/1.1\nHost: x\n\n")

    async def behind(self) -> None:
        """NATS and PostgreSQL, with credentials that are wrong, and with right ones for what is refused."""
        state = self.stack.state
        host = urlsplit(state.nats_url)
        seed = self.noted(nkeys.encode_seed(bytes(SigningKey.generate()), nkeys.PREFIX_BYTE_USER).decode())
        password, token = self.noted(secrets.token_urlsafe(20)), self.noted(secrets.token_urlsafe(20))
        for wrong in ({"nkeys_seed_str": seed}, {"user": "ops", "password": password}, {"token": token}):
            with pytest.raises((nats.errors.Error, OSError, asyncio.TimeoutError)):
                await nats.connect(f"nats://{host.netloc}", allow_reconnect=False, max_reconnect_attempts=0, **wrong)
        mine = await nats.connect(f"nats://{host.netloc}", nkeys_seed_str=self.stack.secrets.nats("media").seed)
        await mine.publish("evt.x", self.token.encode())
        await mine.flush()
        await mine.close()
        for role in ("cutlog_ops", "postgres", "nobody"):
            with pytest.raises(asyncpg.PostgresError):
                await asyncpg.connect(
                    host="127.0.0.1", port=state.postgres_port, user=role, password=password, database="cutlog"
                )
        owner = Postgres.at(self.stack.data / "postgres", state.postgres_port, self.stack.secrets.database("owner"))
        connection = await asyncpg.connect(owner.url())
        with pytest.raises(asyncpg.PostgresError):
            await connection.fetch("SELECT no_such_function($1::text)", "x")
        await connection.close()


def forms(secret: str) -> Iterator[bytes]:
    """How a secret may be written: its beginning, as it is and in the usual encodings."""
    start = secret.strip()[:TELLING]
    for text in {start, quote(start, safe=""), start.encode().hex(), json.dumps(start)[1:-1]}:
        yield text.encode()
    raw = secret.strip().encode()
    yield base64.b64encode(raw)[:TELLING]
    yield base64.urlsafe_b64encode(raw)[:TELLING]


def logs(stack: RunningStack) -> dict[str, bytes]:
    """Everything that is a log below DATA, and what `cutlog up` printed."""
    found = {path.name: path.read_bytes() for path in (stack.data / "logs").rglob("*") if path.is_file()}
    found |= {str(path): path.read_bytes() for path in stack.data.rglob("*.log*") if path.is_file()}
    return found | {"up": stack.output.encode()}


@pytest.mark.slow(reason="a stack of its own, with parts that are killed")
async def test_no_secret_and_no_token_gets_into_any_log(tmp_path: Path, painted: Painter) -> None:
    stack = RunningStack(tmp_path / "alone", env={"CUTLOG_LOG_LEVEL": "debug"})
    stack.start()
    try:
        async with aiohttp.ClientSession(stack.url) as session:
            traffic = Traffic(stack, session)
            project, _ = await traffic.ask("POST", "/api/projects", 201, json={"name": "Film"})
            await traffic.ask("POST", f"/api/projects/{project['id']}/ops", 201, json={"ops": [TRACK, CLIP]})
            await traffic.logins()
            await traffic.streams(project["id"])
            await traffic.files(painted(25, 30), project["id"])
            await traffic.behind()
            # Streams that break because what is behind them dies, and requests that find nobody there.
            async with session.get(f"/api/projects/{project['id']}/events?access_token={traffic.token}") as stream:
                await stream.content.readline()
                for part in ("ops", "ops-2", "media"):
                    os.kill(stack.pids[part], signal.SIGKILL)
                with pytest.raises((aiohttp.ClientError, AssertionError)):
                    assert await stream.content.read() and not stream.content.at_eof()
            await traffic.abort(f"GET /files/x?signature={traffic.token} HTTP/1.1\nHost: x\n\n", answered=False)

            async def back() -> bool:
                async with session.get("/api/projects", headers={"Authorization": f"Bearer {traffic.token}"}) as answer:
                    return answer.status == 200

            await eventually(back)
    finally:
        stack.stop()
    own = [path.read_text() for path in (stack.data / "secrets").iterdir()]
    assert len(own) > 10 and len(traffic.used) > 20
    # A token's payload is no secret, and its header is the same in all.
    kept = traffic.used | {secret.rpartition(".")[2] for secret in own}
    assert all(len(secret.strip()) >= TELLING for secret in kept)
    written = logs(stack)
    written["either ops"] = written["ops.log"] + written["ops-2.log"]
    for name, line in (
        ("gateway.log", b"REDACTED"), ("postgres.log", b"password authentication failed"), ("nats.log", b"uthenti"),
        ("either ops", project["id"].encode()), ("ops.log", b'"debug"'), ("media.log", b"/files/"), ("up", b"ready http://"),
    ):  # fmt: skip
        assert line in written[name], f"{name} tells of what was done"
    told = [(name, form) for secret in kept for form in forms(secret) for name, text in written.items() if form in text]
    assert told == []
