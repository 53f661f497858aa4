"""Each route of docs/ROLES.md, called with every role and without one, and with the objects of another tenant."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from cutlog.auth.roles import Role
from cutlog.hosting.settings import OidcProvider
from tests.support.configuration import SettingsFactory
from tests.support.house import services
from tests.support.issuers import AUDIENCE, TestIssuer, issuer
from tests.support.painting import Painter
from tests.support.roles import Row, table

pytestmark = pytest.mark.slow(reason="runs all services")

ROLES: Final = ("viewer", "editor", "operator", "admin")
TUS: Final = {"Tus-Resumable": "1.0.0"}
SHA: Final = "0" * 64


MARKER = [{"op": "marker.add", "marker": "m", "at": 1}]


@dataclass(frozen=True)
class Call:
    """What a route needs beside its path, so that nothing but the credential is wrong."""

    query: str = ""
    json: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    data: bytes | None = None


def call(row: Row, ids: dict[str, str]) -> Call:
    """For a row, with the ids of objects that a body names."""
    exports, videos = {"exportIds": [ids["export"]]}, {"videoIds": [ids["video"]]}
    offset = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nno video\r\n--x--\r\n'
    calls = {
        ("POST", "/api/projects"): Call(json={"name": "New"}),
        ("POST", "/api/compat/projects"): Call(json={"name": "New"}),
        ("POST", "/api/projects/{project}/ops"): Call(json={"ops": [{"op": "track.remove", "track": "none"}]}),
        ("POST", "/api/compat/projects/{project}/ops"): Call(json={"ops": [{"type": "none"}]}),
        ("POST", "/api/projects/{project}/revert"): Call(json={"toVersion": 1}),
        ("POST", "/api/projects/{project}/fork"): Call(json={"name": "Fork"}),
        ("POST", "/api/projects/{project}/export"): Call(json={"version": 1}),
        ("POST", "/api/projects/{project}/timeline"): Call("?format=edl", data=b"TITLE: x\n"),
        ("GET", "/api/projects/{project}/diff"): Call("?from=1&to=1"),
        ("GET", "/api/projects/{project}/versions/{n}/frame"): Call("?at=0"),
        ("POST", "/api/projects/{project}/drafts"): Call(json={"ops": MARKER}),
        ("PUT", "/api/projects/{project}/drafts/{draft}"): Call(json={"ops": MARKER}),
        ("GET", "/api/projects/{project}/drafts/{draft}/frame"): Call("?at=0"),
        ("POST", "/api/keys"): Call(json={"name": "robot", "role": "viewer"}),
        ("POST", "/api/tickets"): Call(json={"path": "/api/projects"}),
        ("POST", "/api/uploads"): Call(headers={**TUS, "Upload-Length": "5"}),
        ("PATCH", "/api/uploads/{upload}"): Call(headers=offset, data=b"hello"),
        ("POST", "/api/uploads/{upload}"): Call(headers={**offset, "X-HTTP-Method-Override": "PATCH"}, data=b"hello"),
        ("DELETE", "/api/uploads/{upload}"): Call(headers=TUS),
        ("POST", "/api/videos/check"): Call(json={"sha256": SHA, "size": 1}),
        ("POST", "/api/videos/examine"): Call(json=videos),
        ("POST", "/api/videos/upload"): Call(headers=form, data=part),
        ("POST", "/api/compat/videos/upload"): Call(headers=form, data=part),
        ("POST", "/api/admin/gc/calculate"): Call(json={}),
        ("GET", "/api/admin/gc/explain"): Call(f"?id={ids['export']}"),
        ("PUT", "/api/admin/gc/policy"): Call(json={}),
        ("POST", "/api/admin/gc/archive"): Call(json={"planId": ids["plan"]}),
        ("POST", "/api/admin/gc/restore"): Call(json=exports),
        ("POST", "/api/admin/gc/delete"): Call(json=exports | {"confirm": SHA}),
        ("POST", "/api/admin/gc/videos/archive"): Call(json=videos),
        ("POST", "/api/admin/gc/videos/restore"): Call(json=videos),
        ("POST", "/api/admin/gc/videos/delete"): Call(json=videos | {"confirm": SHA}),
    }
    return calls.get((row.method, row.template), Call(json=None if row.method == "GET" else {}))


class House:
    """All services, asked as the gateway would: each request comes from an address of its own, so that no limit of
    failed logins is met."""

    def __init__(self, urls: dict[str, str], http: aiohttp.ClientSession) -> None:
        self.urls, self.http = urls, http
        self._addresses = itertools.count(1)

    async def ask(self, method: str, path: str, credential: dict[str, str], how: Call = Call()) -> tuple[int, bytes]:
        number = next(self._addresses)
        headers = {"X-Forwarded-For": f"203.0.{number >> 8}.{number & 255}"} | credential | how.headers
        url = self.urls[service_of(path)] + path + how.query
        async with self.http.request(
            method, url, headers=headers, json=how.json, data=how.data, allow_redirects=False
        ) as answer:
            if answer.content_type == "text/event-stream":
                return answer.status, b""
            return answer.status, await answer.read()

    async def made(self, method: str, path: str, credential: dict[str, str], **more: Any) -> Any:
        status, body = await self.ask(method, path, credential, Call(**more))
        assert status < 300, (method, path, body)
        return json.loads(body or b"null")


def service_of(path: str) -> str:
    """Whose route it is, as the gateway has it."""
    if path.startswith(("/api/videos", "/api/uploads", "/files/", "/api/compat/videos", "/api/compat/uploads")):
        return "media"
    if path.startswith(("/api/admin/gc", "/api/admin/storage", "/api/compat/admin/gc")):
        return "gc"
    rendered = re.fullmatch(
        r"/api/projects/[^/]+/(versions/[^/]+/(frame|proxy\.m3u8|segments/.*)|drafts/[^/]+/frame)", path
    )
    return "render" if rendered else "ops"


@asynccontextmanager
async def house(settings_for: SettingsFactory, at: TestIssuer) -> AsyncIterator[House]:
    """With an issuer of access tokens, at which nobody can log in."""
    told = {"issuer": at.url, "audience": AUDIENCE, "tenantClaim": "tenant", "roleClaim": "role"}
    provider = OidcProvider.model_validate(told | {"roles": {role: role for role in ROLES}})
    jar = aiohttp.DummyCookieJar()
    async with services(settings_for, oidc=[provider]) as urls, aiohttp.ClientSession(cookie_jar=jar) as http:
        yield House(urls, http)


async def owned(at: House, token: dict[str, str], clip: Path) -> dict[str, str]:
    """Ids of one object of each kind, of the token's tenant."""
    form = aiohttp.FormData()
    form.add_field("file", clip.read_bytes(), filename="clip.mp4")
    video = (await at.made("POST", "/api/videos/upload", token, data=form))["id"]
    headers = {**TUS, "Upload-Length": "5"}
    async with at.http.post(f"{at.urls['media']}/api/uploads", headers=token | headers) as answer:
        upload = answer.headers["Location"].rpartition("/")[2]
    project = (await at.made("POST", "/api/projects", token, json={"name": "Secret"}))["id"]
    track = {"op": "track.add", "track": "v", "kind": "video"}
    shot = {"op": "clip.add", "clip": "c", "track": "v", "at": 0, "media": video, "in": 0, "out": 5}
    await at.made("POST", f"/api/projects/{project}/ops", token, json={"ops": [track, shot]})
    draft = (await at.made("POST", f"/api/projects/{project}/drafts", token, json={"ops": MARKER}))["id"]
    export = (await at.made("POST", f"/api/projects/{project}/export", token, json={}))["id"]
    plan = (await at.made("POST", "/api/admin/gc/calculate", token, json={}))["planId"]
    await at.made("PUT", "/api/admin/gc/policy", token, json={"ttlDays": 77})
    run = (await at.made("GET", "/api/admin/gc/runs", token))["items"][0]["runId"]
    key = (await at.made("POST", "/api/keys", token, json={"name": "robot", "role": "viewer"}))["id"]
    return {
        "key": key, "project": project, "video": video, "upload": upload, "export": export, "plan": plan, "run": run,
        "draft": draft,
    }  # fmt: skip


async def credentials_of(
    at: House, role: str, bearer: Callable[[str], dict[str, str]], issued: TestIssuer
) -> dict[str, dict[str, str]]:
    """What requests with a role send: a token, an API key, a session, or an access token of an issuer."""
    key = (await at.made("POST", "/api/keys", bearer("admin"), json={"name": "robot", "role": role}))["key"]
    async with at.http.post(f"{at.urls['ops']}/api/session", headers=bearer(role)) as answer:
        assert answer.status == 200
        csrf, cookie = (await answer.json())["csrf"], answer.headers["Set-Cookie"].partition(";")[0]
    session = {"Cookie": cookie, "X-CSRF-Token": csrf}
    access = issued.token("k", tenant="other", role=[role])
    return {
        "token": bearer(role), "key": {"Authorization": f"Bearer {key}"}, "session": session,
        "oidc": {"Authorization": f"Bearer {access}"},
    }  # fmt: skip


def expected_by_kind(row: Row, kind: str) -> int | None:
    """Where the kind of the credential counts, not its role alone: keys make no keys, and only tokens make sessions,
    which alone can be looked at."""
    match row.method, row.template:
        case "POST", "/api/keys" if kind == "key":
            return 403
        case "POST", "/api/session":
            return 200 if kind in ("token", "oidc") else 403
        case "GET", "/api/session":
            return 200 if kind == "session" else 404
        case _:
            return None


async def seen(at: House, token: dict[str, str], ids: dict[str, str]) -> dict[str, Any]:
    """What the owner sees of these objects, but for what renders change."""
    paths = {
        "project": f"/api/projects/{ids['project']}", "ops": f"/api/projects/{ids['project']}/ops",
        "video": f"/api/videos/{ids['video']}", "upload": f"/api/uploads/{ids['upload']}",
        "drafts": f"/api/projects/{ids['project']}/drafts",
        "exports": f"/api/projects/{ids['project']}/exports", "policy": "/api/admin/gc/policy",
        "runs": "/api/admin/gc/runs",
    }  # fmt: skip
    found = {name: await at.made("GET", path, token) for name, path in paths.items()}
    project, video = found.pop("project"), found.pop("video")
    exports = [(each["id"], each["pinned"]) for each in found.pop("exports")["items"]]
    drafts = [(each["id"], each["revision"]) for each in found.pop("drafts")["items"]]
    return found | {
        "drafts": drafts, "project": (project["name"], project["currentVersion"]), "exports": exports,
        "video": (video["refCount"], video["uses"]),
    }  # fmt: skip


async def test_a_role_opens_what_the_table_says_and_no_object_of_another_tenant(
    settings_for: SettingsFactory, painted: Painter
) -> None:
    def bearer(role: str, tenant: str = "other") -> dict[str, str]:
        return {"Authorization": f"Bearer {settings_for.token(role, tenant=tenant)}"}

    forged = {"Authorization": f"Bearer {settings_for.token('admin')[:-8]}AAAAAAAA"}
    rows, told = table(), 0
    async with issuer() as issued, house(settings_for, issued) as at:
        issued.add("k", "EdDSA")
        owner = bearer("admin", "acme")
        ids = await owned(at, owner, painted(25, 25, (160, 90)))
        before = await seen(at, owner, ids)
        kinds = {role: await credentials_of(at, role, bearer, issued) for role in ROLES}
        for row in rows:
            if (row.method, row.template) == ("DELETE", "/api/session"):
                continue  # it would end what is asked with; tests/ops/test_sessions.py
            path, how = row.path(**ids), call(row, ids)

            async def status(credential: dict[str, str], row: Row = row, path: str = path, how: Call = how) -> int:
                found, body = await at.ask(row.method, path, credential, how)
                assert found < 500, (row, body)
                assert b"Secret" not in body and b'"ttlDays":77' not in body, row
                return found

            if row.needs in ("anyone", "link"):
                expected = 403 if row.needs == "link" else 204 if row.method == "OPTIONS" else 200
                # Nobody can log in at the issuer, and nobody was sent there.
                expected = {"/api/session/oidc": 403, "/api/session/oidc/callback": 401}.get(row.template, expected)
                assert [await status(each) for each in ({}, bearer("admin"))] == [expected] * 2, row
                told += 2
                continue
            assert [await status({}), await status(forged)] == [401, 401], row
            assert await status(bearer("service")) == 403, row
            for role, credentials in kinds.items():
                for kind, credential in credentials.items():
                    found = await status(credential)
                    if not Role[role].covers(Role[row.needs]):
                        assert found == 403, (row, role, kind)
                    elif row.names_object:
                        assert found == 404, (row, role, kind)
                    elif (by_kind := expected_by_kind(row, kind)) is not None:
                        assert found == by_kind, (row, role, kind)
                    else:
                        assert found not in (401, 403, 404) or "gc" in row.template, (row, role, kind)
                    told += 1
                if row.method == "GET":
                    made = await at.made("POST", "/api/tickets", bearer(role), json={"path": path + how.query})
                    opened, _ = await at.ask("GET", made["url"].removeprefix(at.urls["ops"]), {})
                    assert opened == await status(bearer(role)), (row, role)
                    told += 1
        assert told >= 4 * 4 * len([row for row in rows if row.needs in ROLES]) > 900
        assert await seen(at, owner, ids) == before
