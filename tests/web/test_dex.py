"""A real provider: dex (https://dexidp.io), whose tokens become actors, and whose keys change."""

from __future__ import annotations

import asyncio
import html
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import aiohttp
import jwt
import pytest

from cutlog.auth.actor import CredentialForbidden, CredentialRefused
from cutlog.auth.code_flow import CodeFlow
from cutlog.auth.oidc import Issuers
from cutlog.auth.rings import KeyRing
from cutlog.auth.roles import Role
from cutlog.hosting.settings import OidcProvider
from cutlog.operate.stack.ports import free_ports
from cutlog.process.program import Program
from tests.support.running import start, stop
from tests.support.waiting import eventually

DEX = os.environ.get("CUTLOG_TEST_DEX") or shutil.which("dex")
PASSWORD_HASH = "$2b$10$2b2cU8CPhOTaGrs1HRQuAueS7JTT5ZHsHSzYiFPm1leZck7Mc8T4W"
"""Of `password`."""

pytestmark = [
    pytest.mark.slow(reason="runs a provider, whose keys take seconds to change"),
    pytest.mark.skipif(DEX is None, reason="dex is not on PATH (CUTLOG_TEST_DEX names it)"),
]


CALLBACK = "http://127.0.0.1/callback"


class Dex:
    """`dex serve`, with a user who logs in by password. Its keys change every few seconds."""

    def __init__(self, folder: Path, port: int, session: aiohttp.ClientSession) -> None:
        self.url = f"http://127.0.0.1:{port}/dex"
        self._folder, self._port, self._session = folder, port, session

    def program(self) -> Program:
        config = {
            "issuer": self.url,
            "storage": {"type": "memory"},
            "web": {"http": f"127.0.0.1:{self._port}"},
            "oauth2": {"passwordConnector": "local", "skipApprovalScreen": True},
            "expiry": {"signingKeys": "4s", "idTokens": "1h"},
            "enablePasswordDB": True,
            "staticClients": [
                {"id": "studio", "secret": "s", "name": "Studio", "grantTypes": ["password", "authorization_code"],
                 "redirectURIs": [CALLBACK]}
            ],
            "staticPasswords": [
                {"email": "ann@example.org", "hash": PASSWORD_HASH, "username": "acme", "userID": "ann"}
            ],
        }  # fmt: skip
        path = self._folder / f"dex{self._port}.json"
        path.write_text(json.dumps(config))
        assert DEX is not None
        return Program(name="dex", argv=[DEX, "serve", str(path)], env={})

    async def token(self) -> str:
        asked = {
            "grant_type": "password", "username": "ann@example.org", "password": "password",
            "scope": "openid profile email", "client_id": "studio", "client_secret": "s",
        }  # fmt: skip
        url = f"{self.url}/token"
        async with self._session.post(url, data=asked) as answer:
            assert answer.status == 200, await answer.text()
            return str((await answer.json())["access_token"])

    async def answers(self) -> bool:
        try:
            async with self._session.get(f"{self.url}/.well-known/openid-configuration") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def dex(folder: Path, session: aiohttp.ClientSession) -> AsyncIterator[Dex]:
    made = Dex(folder, free_ports(1)[0], session)
    program = made.program()
    process = start(program, folder / "dex.log")
    try:
        await eventually(made.answers)
        yield made
    finally:
        stop(program, process)


def provider(at: Dex, **more: object) -> OidcProvider:
    told = {"issuer": at.url, "audience": "studio", "tenant_claim": "name", "role_claim": "email"}
    return OidcProvider.model_validate(told | {"roles": {"ann@example.org": "operator"}} | more)


async def test_tokens_of_two_providers_are_actors_also_after_their_keys_changed(tmp_path: Path) -> None:
    ahead = 0.0
    async with aiohttp.ClientSession() as session, dex(tmp_path, session) as one, dex(tmp_path, session) as two:
        loop = asyncio.get_running_loop()
        issuers = Issuers(session, [provider(one), provider(two)], clock=lambda: loop.time() + ahead)
        first = await one.token()
        actor = await issuers.actor(first)
        assert (actor.tenant, actor.role, actor.credential) == ("acme", Role.operator, "oidc")
        other = await issuers.actor(await two.token())
        assert other.subject != actor.subject, "the same user of another provider is another subject"
        kid = jwt.get_unverified_header(first)["kid"]

        async def changed() -> str:
            token = await one.token()
            return token if jwt.get_unverified_header(token)["kid"] != kid else ""

        later = await eventually(changed)
        ahead = 11.0  # seconds after which an unknown key is looked up again
        assert (await issuers.actor(later)).subject == actor.subject
        assert (await issuers.actor(first)).subject == actor.subject, "the key before is still listed"
        with pytest.raises(CredentialRefused):
            await Issuers(session, [provider(one, audience="another")]).actor(later)
        with pytest.raises(CredentialForbidden):
            await Issuers(session, [provider(one, roles={"ben@example.org": "admin"})]).actor(later)


async def test_a_login_at_its_form_ends_with_an_actor_by_pkce(tmp_path: Path) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as session, dex(tmp_path, session) as one:
        told = provider(one, client_id="studio", client_secret="s", scopes=["openid", "profile", "email"])
        issuers, ring = Issuers(session, [told]), KeyRing.new()
        flow = CodeFlow(session, issuers, [told], CALLBACK, lambda: ring)
        there, kept = await flow.begin(None, "/app")
        async with session.get(there) as form:
            page, at = await form.text(), str(form.url)
        action = re.search(r'<form method="post" action="([^"]*)"', page)
        assert action is not None, page
        said = {"login": "ann@example.org", "password": "password"}
        where = urljoin(at, html.unescape(action[1]))
        while not where.startswith(CALLBACK):
            method = "POST" if said else "GET"
            async with session.request(method, where, data=said or None, allow_redirects=False) as answer:
                assert answer.status in (302, 303), await answer.text()
                where, said = urljoin(where, answer.headers["Location"]), {}
        answered = {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}
        actor, path = await flow.end(kept, answered)
        assert (actor.tenant, actor.role, path) == ("acme", Role.operator, "/app")
        with pytest.raises(CredentialRefused):
            await flow.end(kept, answered)
