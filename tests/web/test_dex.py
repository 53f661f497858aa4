"""A real provider: dex (https://dexidp.io), whose tokens become actors, and whose keys change."""

from __future__ import annotations

import asyncio
import html
import re
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
from tests.support.dex import CALLBACK, Dex, dex, needs_dex
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow(reason="runs a provider, whose keys take seconds to change"), needs_dex]


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
