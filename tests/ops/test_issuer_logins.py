"""A browser logs in at an OpenID Connect issuer: the code flow with PKCE, at an issuer that answers over HTTP."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import aiohttp
from pydantic import SecretStr

from cutlog.auth.rings import encode64
from cutlog.auth.roles import Role
from cutlog.hosting.settings import OidcProvider, Settings
from services.ops.bootstrap import serving
from tests.support.issuers import TestIssuer, issuer

START = "/api/session/oidc"


def browsing() -> aiohttp.ClientSession:
    """With cookies, of a host without a name, too."""
    return aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))


class Browser:
    """Follows redirects by hand, with its cookies."""

    def __init__(self, session: aiohttp.ClientSession, base: str) -> None:
        self._session, self.base = session, base

    async def get(self, path: str) -> tuple[int, str, str]:
        """Status, body, and where it leads."""
        url = path if path.startswith("http") else self.base + path
        async with self._session.get(url, allow_redirects=False) as answer:
            return answer.status, await answer.text(), answer.headers.get("Location", "")


def configured(at: TestIssuer, settings: Settings) -> Settings:
    told = OidcProvider(
        issuer=at.url, audience="api", roles={"staff": Role.editor}, client_id="web", client_secret=SecretStr("secret")
    )
    return settings.model_copy(update={"oidc": [told]})


async def test_a_login_begins_a_session_and_leads_on(settings: Settings) -> None:
    async with issuer() as idp:
        idp.add("k1", "ES256")
        async with serving(configured(idp, settings)) as server, browsing() as session:
            browser = Browser(session, server.url)
            status, _, there = await browser.get(f"{START}?next=/api/docs%3Fa%3D%22b")
            assert (status, there.startswith(f"{idp.url}/authorize?")) == (303, True)
            asked = {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}
            assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == (
                "code",
                "S256",
                "web",
            )
            assert asked["redirect_uri"] == f"{settings.public_url}/api/session/oidc/callback"
            answer = urlencode({"code": idp.code_for(asked), "state": asked["state"], "session_state": "x"})
            status, page, _ = await browser.get(f"{START}/callback?{answer}")
            assert status == 200, page
            assert 'url=/api/docs?a=&quot;b"' in page
            status, shown, _ = await browser.get("/api/session")
            assert status == 200 and '"tenant":"acme"' in shown and '"role":"editor"' in shown, shown
            assert (await browser.get(f"{START}/callback?{answer}"))[0] == 401, "a code works once"


async def test_what_is_no_answer_to_this_login_is_refused(settings: Settings) -> None:
    async with issuer() as idp:
        idp.add("k1", "ES256")
        async with serving(configured(idp, settings)) as server, browsing() as session:
            browser = Browser(session, server.url)

            async def begun() -> dict[str, str]:
                _, _, there = await browser.get(START)
                return {name: values[0] for name, values in parse_qs(urlsplit(there).query).items()}

            async def ended(**answer: Any) -> int:
                return (await browser.get(f"{START}/callback?{urlencode(answer)}"))[0]

            assert await ended(code="x", state="y") == 401, "no login was begun"
            asked = await begun()
            assert await ended(code=idp.code_for(asked), state="other") == 401
            assert await ended(code="unknown", state=asked["state"]) == 401
            assert await ended(error="access_denied", state=asked["state"]) == 401
            assert await ended(code=idp.code_for(asked), state=asked["state"], iss="https://other") == 401
            assert await ended(code=idp.code_for(asked | {"nonce": "x"}), state=asked["state"]) == 401
            wrong = asked | {"code_challenge": encode64(b"x" * 32)}
            assert await ended(code=idp.code_for(wrong), state=asked["state"]) == 401, "PKCE"
            assert await ended(code=idp.code_for(asked, role="root"), state=asked["state"]) == 403
            assert (await browser.get("/api/session"))[0] == 401
            for path, status in (("?next=//evil", 422), ("?next=https://evil", 422), ("?issuer=https://other", 403)):
                assert (await browser.get(START + path))[0] == status, path
            idp.down = True
            assert await ended(code=idp.code_for(asked), state=asked["state"]) == 503


async def test_without_issuers_there_is_no_such_login(settings: Settings) -> None:
    async with serving(settings) as server, browsing() as session:
        browser = Browser(session, server.url)
        assert [(await browser.get(path))[0] for path in (START, f"{START}/callback?code=x")] == [404, 404]
        assert re.search("No issuer is configured", (await browser.get(START))[1])
