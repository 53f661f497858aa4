"""A person logs in at a provider of OpenID Connect, in a browser, and works."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest

from cutlog.operate.stack.ports import free_ports
from tests.support.dex import dex, needs_dex
from tests.support.player import CHROMIUM, chromium
from tests.support.stacks import RunningStack

pytestmark = [
    pytest.mark.slow(reason="starts a stack, a provider and a browser"),
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
    needs_dex,
]

WHO = """async () => {
  const session = await (await fetch("/api/session")).json();
  return [session.tenant, session.role, (await fetch("/api/projects")).status];
}"""


async def test_a_browser_logs_in_at_the_provider(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    issuer = {
        "issuer": f"http://127.0.0.1:{port}/dex", "audience": "studio", "tenantClaim": "name", "roleClaim": "email",
        "roles": {"ann@example.org": "editor"}, "clientId": "studio", "clientSecret": "s",
        "scopes": ["openid", "profile", "email"],
    }  # fmt: skip
    running = RunningStack(tmp_path / "data", env={"CUTLOG_OIDC": json.dumps([issuer])})
    try:
        running.start()
        login = f"{running.url}/api/session/oidc?issuer={quote(str(issuer['issuer']), safe='')}&next=/api/docs"
        callback = f"{running.url}/api/session/oidc/callback"
        async with aiohttp.ClientSession() as session, dex(tmp_path, session, callback, port), chromium() as context:
            page = await context.new_page()
            await page.goto(login)
            assert page.url.startswith(str(issuer["issuer"])), "the provider asks who it is"
            await page.fill("input[name=login]", "ann@example.org")
            await page.fill("input[name=password]", "password")
            await page.click("button[type=submit]")
            await page.wait_for_url(f"{running.url}/api/docs")
            assert await page.evaluate(WHO) == ["acme", "editor", 200]
            cookies = {cookie["name"]: cookie for cookie in await context.cookies(running.url)}
            assert all(cookie["httpOnly"] for cookie in cookies.values()), "no script reads what logs in"
    finally:
        running.stop()
