"""Logging in with a link or a token, and what becomes of the session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
import asyncpg
import pytest

from cutlog.auth.rings import OPERATOR
from cutlog.auth.sessions import cookie_name
from tests.support.configuration import SettingsFactory
from tests.support.database import Database


class Browser:
    """Keeps its cookie and the CSRF token, and follows no redirect."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self.http, self.url, self.csrf = http, url, ""
        self.cookie: str | None = None

    async def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            sent["Cookie"] = self.cookie
        if self.csrf and method != "GET":
            sent["X-CSRF-Token"] = self.csrf
        async with self.http.request(method, self.url + path, json=body, headers=sent, allow_redirects=False) as answer:
            if (given := answer.headers.get("Set-Cookie")) is not None:
                value = given.partition(";")[0]
                self.cookie = None if value.endswith("=") else value
            found = await answer.json(content_type=None) if "json" in answer.content_type else None
            return answer.status, found, answer.headers


@pytest.fixture
async def browser(ops: str) -> AsyncIterator[Browser]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        yield Browser(http, ops)


@pytest.fixture
def own(settings_for: SettingsFactory) -> dict[str, str]:
    """What the operator of the stack sends."""
    return {"Authorization": f"Bearer {settings_for.token('service', subject=OPERATOR)}"}


async def link(browser: Browser, own: dict[str, str], **more: str) -> str:
    """The path of a new login link."""
    body = {"subject": "ann", "tenant": "acme", "role": "editor"} | more
    status, made, _ = await browser("POST", "/internal/login-codes", body, **own)
    assert status == 201, made
    assert datetime.now(UTC) < datetime.fromisoformat(made["expiresAt"]) <= datetime.now(UTC) + timedelta(minutes=10)
    assert made["url"].startswith(f"{browser.url}/login?code=")
    url = urlsplit(made["url"])
    return f"{url.path}?{url.query}"


async def test_a_login_link_begins_one_session_and_leaves_nothing_in_the_address_bar(
    browser: Browser, own: dict[str, str], settings_for: SettingsFactory
) -> None:
    path = await link(browser, own, next="/api/docs?x=1&y=2")
    assert (await browser("HEAD", path))[0] == 405, "a look at the link does not use it"
    answers = await asyncio.gather(*(browser("GET", path) for _ in range(3)))
    assert sorted(answer[0] for answer in answers) == [303, 403, 403]
    headers = next(answer[2] for answer in answers if answer[0] == 303)
    assert headers["Location"] == "/api/docs?x=1&y=2"
    given = headers["Set-Cookie"]
    assert given.startswith(f"{cookie_name(settings_for('ops').public_url)}=cs_")
    assert {"Path=/", "HttpOnly", "SameSite=Strict"} <= set(given.split("; "))
    assert headers["Cache-Control"] == "no-store"
    assert (await browser("GET", path))[1]["type"] == "/problems/login-link-invalid"
    browser.cookie = given.partition(";")[0]
    status, shown, _ = await browser("GET", "/api/session")
    assert (status, shown["subject"], shown["tenant"], shown["role"]) == (200, "ann", "acme", "editor")
    ends = datetime.fromisoformat(shown["expiresAt"]) - datetime.now(UTC)
    assert timedelta(hours=11, minutes=59) < ends <= timedelta(hours=12)
    status, problem, _ = await browser("POST", "/api/projects", {"name": "Film"})
    assert (status, problem["type"]) == (403, "/problems/csrf-token-invalid")
    browser.csrf = shown["csrf"]
    assert (await browser("POST", "/api/projects", {"name": "Film"}))[0] == 201
    assert [each["name"] for each in (await browser("GET", "/api/projects"))[1]["items"]] == ["Film"]


async def test_a_link_leads_to_no_other_site_and_a_wrong_next_does_not_use_it_up(
    browser: Browser, own: dict[str, str]
) -> None:
    path = await link(browser, own)
    for elsewhere in (
        "https://evil.example", "//evil.example", "/\\evil.example", "\\/evil.example", "evil", "", "/a\\b",
        "/%0d%0aX: y\r\n", "javascript:alert(1)", "/a b", "/é", "///x", "/\t/evil.example",
    ):  # fmt: skip
        async with browser.http.get(
            browser.url + "/login", params={**_query(path), "next": elsewhere}, allow_redirects=False
        ) as answer:
            assert answer.status == 422 and "Location" not in answer.headers, elsewhere
        body = {"subject": "a", "tenant": "t", "role": "admin", "next": elsewhere}
        assert (await browser("POST", "/internal/login-codes", body, **own))[0] == 422
    assert (await browser("GET", path))[::2][0] == 303


async def test_only_the_operator_of_the_stack_makes_login_links(
    browser: Browser, settings_for: SettingsFactory, own: dict[str, str]
) -> None:
    body = {"subject": "a", "tenant": "t", "role": "admin"}
    for who, expected in (({}, 401), ({"Authorization": f"Bearer {settings_for.token('admin')}"}, 403)):
        assert (await browser("POST", "/internal/login-codes", body, **who))[0] == expected
    for wrong in ({"subject": ""}, {"tenant": "No Id"}, {"role": "service"}):
        assert (await browser("POST", "/internal/login-codes", body | wrong, **own))[0] == 422
    assert (await browser("GET", "/login?code=guessed"))[0] == 403
    assert (await browser("GET", "/login"))[0] == 403


async def test_a_token_begins_a_session_which_its_revocation_ends(
    browser: Browser, own: dict[str, str], settings_for: SettingsFactory
) -> None:
    token = settings_for.token("editor", subject="bob")
    header = {"Authorization": f"Bearer {token}"}
    status, shown, _ = await browser("POST", "/api/session", **header, Idempotency_Key="k")
    assert (status, shown["subject"]) == (200, "bob")
    assert browser.cookie is not None
    first, browser.csrf = browser.cookie, shown["csrf"]
    status, problem, _ = await browser("POST", "/api/session", **header, Idempotency_Key="k")
    assert (status, problem["type"]) == (409, "/problems/idempotency-key-used")
    status, problem, _ = await browser("POST", "/api/session")
    assert (status, problem["type"]) == (403, "/problems/session-needs-token")
    assert (await browser("GET", "/api/session", **header))[0] == 404
    assert (await browser("POST", "/api/session", **header))[0] == 200
    assert browser.cookie != first
    entries = (await browser("GET", "/api/admin/audit?action=session", Authorization=_admin(settings_for)))[1]["items"]
    assert [each["action"] for each in entries] == ["session.began"] * 2
    body = {"tenant": "default", "id": entries[0]["credential"].partition(" ")[2]}
    assert (await browser("POST", "/internal/revocations", body, **own))[0] == 204
    for cookie in (first, browser.cookie):
        browser.cookie = cookie
        assert (await browser("GET", "/api/session"))[0] == 401


async def test_who_logs_out_or_whose_subject_is_revoked_is_out(
    browser: Browser, own: dict[str, str], settings_for: SettingsFactory
) -> None:
    for ending in ("logout", "subject"):
        assert (await browser("GET", await link(browser, own)))[0] == 303
        kept = browser.cookie
        browser.csrf = (await browser("GET", "/api/session"))[1]["csrf"]
        if ending == "logout":
            status, _, headers = await browser("DELETE", "/api/session")
            assert (status, browser.cookie) == (204, None)
            assert "Max-Age=0" in headers["Set-Cookie"]
        else:
            revoked = {"tenant": "acme", "subject": "ann"}
            assert (await browser("POST", "/internal/revocations", revoked, **own))[0] == 204
        browser.cookie, browser.csrf = kept, ""
        assert (await browser("GET", "/api/session"))[0] == 401
    audit = await browser("GET", "/api/admin/audit?action=session", Authorization=_admin(settings_for, "acme"))
    assert [each["action"] for each in audit[1]["items"]] == ["session.began", "session.ended", "session.began"]


async def test_a_session_ends_12_hours_after_its_last_use_and_7_days_after_login(
    browser: Browser, own: dict[str, str], database: Database
) -> None:
    connection = await asyncpg.connect(database.dsn("ops"))
    try:
        for aged, hours in (
            ("used_at = now() - interval '11 hours 59 minutes'", 12),
            ("used_at = now() - interval '12 hours 1 minute'", 0),
            ("created_at = now() - interval '6 days 23 hours', used_at = now() - interval '1 hour'", 1),
            ("created_at = now() - interval '7 days 1 minute'", 0),
        ):
            assert (await browser("GET", await link(browser, own)))[0] == 303
            await connection.execute(f"UPDATE session SET {aged}")
            status, shown, _ = await browser("GET", "/api/session")
            assert status == (200 if hours else 401), aged
            if hours:
                ends = datetime.fromisoformat(shown["expiresAt"]) - datetime.now(UTC)
                assert timedelta(hours=hours, minutes=-2) < ends <= timedelta(hours=hours), "it was used just now"
    finally:
        await connection.close()


async def test_a_login_link_expires_and_its_secret_is_stored_nowhere(
    browser: Browser, own: dict[str, str], database: Database
) -> None:
    path = await link(browser, own)
    connection = await asyncpg.connect(database.dsn("ops"))
    try:
        stored = [dict(row) for row in await connection.fetch("SELECT * FROM login_code")]
        code = _query(path)["code"]
        assert len(stored) == 1 and code not in str(stored) and code.encode() not in stored[0]["hash"]
        await connection.execute("UPDATE login_code SET expires_at = now()")
    finally:
        await connection.close()
    assert (await browser("GET", path))[0] == 403


def _query(path: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}


def _admin(settings_for: SettingsFactory, tenant: str = "default") -> str:
    return f"Bearer {settings_for.token('admin', tenant=tenant)}"
