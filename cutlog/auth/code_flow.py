"""Logging in at an OpenID Connect issuer: the authorization code flow with PKCE.

Sources: OpenID Connect Core 1.0 section 3.1, RFC 7636 (PKCE), RFC 9207 (`iss` in the answer).
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import urlencode, urlsplit

import aiohttp
import msgspec

from cutlog.auth.actor import Actor, CredentialRefused, CredentialUnknown
from cutlog.auth.oidc import Issuers, IssuerUnavailable, Registered
from cutlog.auth.rings import KeyRing, PublicKeys, encode64
from cutlog.auth.tokens import opened, sign

STATE_SECONDS: Final = 600
AUDIENCE: Final = "cutlog:login"
"""So that the state of a login is no token, and a token no state."""
_REQUIRED: Final = ("aud", "exp", "state", "nonce", "verifier", "iss", "next")
EXCHANGE_SECONDS: Final = 10.0


class Secret(Protocol):
    """A text that does not show itself."""

    def get_secret_value(self) -> str: ...


class Client(Registered, Protocol):
    """An issuer at which cutlog is registered."""

    @property
    def client_secret(self) -> Secret | None: ...
    @property
    def scopes(self) -> Sequence[str]: ...


class LoginRefused(CredentialRefused):
    """The login at the issuer is not valid."""


class CodeFlow:
    """Logins at those of `clients` that have a client id. `callback` is the URL to which issuers send browsers back."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        issuers: Issuers,
        clients: Sequence[Client],
        callback: str,
        ring: Callable[[], KeyRing],
    ) -> None:
        self._session, self._issuers, self._callback, self._ring = session, issuers, callback, ring
        self._clients = {each.issuer: each for each in clients if each.client_id}

    async def begin(self, issuer: str | None, next_path: str) -> tuple[str, str]:
        """Where to send the browser, and the state that its cookie keeps. Without an issuer it is the only one. Raises
        LoginRefused, CredentialUnknown."""
        named = issuer or (next(iter(self._clients)) if len(self._clients) == 1 else "")
        client = self._clients.get(named)
        if client is None:
            raise LoginRefused("No issuer of this name takes logins here.")
        where = await self._endpoint(named, "authorization_endpoint")
        state, nonce, verifier = (encode64(secrets.token_bytes(32)) for _ in range(3))
        asked = {
            "response_type": "code", "client_id": client.client_id, "redirect_uri": self._callback,
            "scope": " ".join(client.scopes), "state": state, "nonce": nonce, "code_challenge_method": "S256",
            "code_challenge": encode64(hashlib.sha256(verifier.encode()).digest()),
        }  # fmt: skip
        kept: dict[str, Any] = {
            "aud": AUDIENCE, "exp": int(time.time()) + STATE_SECONDS, "state": state, "nonce": nonce,
            "verifier": verifier, "iss": named, "next": next_path,
        }  # fmt: skip
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}", sign(self._ring(), kept)

    async def end(self, kept: str, answer: Mapping[str, str | None]) -> tuple[Actor, str]:
        """Who has logged in, and the path to go on at. `answer` is the query with which the browser came back. Raises
        LoginRefused, CredentialForbidden, CredentialUnknown."""
        claims = self._kept(kept)
        if not secrets.compare_digest(str(answer.get("state")).encode(), str(claims["state"]).encode()):
            raise LoginRefused("This answer is not to the login that this browser began. Log in again.")
        issuer = str(claims["iss"])
        if answer.get("iss") not in (None, issuer):
            raise LoginRefused("Another issuer has answered. Log in again.")
        if answer.get("error") is not None:
            raise LoginRefused(f"The issuer says: {answer.get('error_description') or answer['error']}")
        client, code = self._clients.get(issuer), answer.get("code")
        if client is None or not code:
            raise LoginRefused("The issuer's answer has no code. Log in again.")
        found = await self._exchange(client, code, str(claims["verifier"]))
        identified = await self._issuers.identified(client, str(found.get("id_token")), str(claims["nonce"]))
        if isinstance(identified, Actor):
            return identified, str(claims["next"])
        try:  # tenant and role may be in the access token alone
            return await self._issuers.actor(str(found.get("access_token"))), str(claims["next"])
        except CredentialRefused:
            raise identified from None

    def _kept(self, kept: str) -> dict[str, Any]:
        try:
            _, claims = opened(PublicKeys(self._ring().public()), kept, AUDIENCE, _REQUIRED)
        except CredentialRefused:
            raise LoginRefused("This browser began no login, or too long ago. Log in again.") from None
        if claims["exp"] <= time.time():
            raise LoginRefused("The login took longer than ten minutes. Log in again.")
        return claims

    async def _exchange(self, client: Client, code: str, verifier: str) -> dict[str, Any]:
        where = await self._endpoint(client.issuer, "token_endpoint")
        form = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": self._callback,
            "client_id": client.client_id or "", "code_verifier": verifier,
        }  # fmt: skip
        if client.client_secret is not None:
            form["client_secret"] = client.client_secret.get_secret_value()
        try:
            timeout = aiohttp.ClientTimeout(total=EXCHANGE_SECONDS)
            async with self._session.post(where, data=form, timeout=timeout, allow_redirects=False) as response:
                body = await response.content.read(1 << 20)
                if response.status in (400, 401):
                    raise LoginRefused("The issuer does not accept its code. Log in again.")
                if response.status != 200:
                    raise CredentialUnknown("The issuer does not answer as it should.")
            return msgspec.json.decode(body, type=dict[str, Any])
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError):
            raise CredentialUnknown("The issuer does not answer.") from None

    async def _endpoint(self, issuer: str, name: str) -> str:
        try:
            url = (await self._issuers.described(issuer)).get(name)
        except IssuerUnavailable as error:
            raise CredentialUnknown(str(error)) from None
        if not isinstance(url, str) or urlsplit(url).scheme not in ("https", urlsplit(issuer).scheme):
            raise CredentialUnknown(f"The issuer names no {name}.")
        return url
