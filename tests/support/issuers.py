"""An OpenID Connect issuer of a test: discovery, keys, and access tokens that say what they are told to."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from cutlog.auth.rings import encode64

AUDIENCE = "studio"


class TestIssuer:
    """`keys` are those that it lists. It counts what it is asked; `down` answers 503, `slow` never."""

    __test__ = False

    def __init__(self) -> None:
        self.url = ""
        self.keys: dict[str, Any] = {}
        self.algorithms: dict[str, str] = {}
        self.asked = 0
        self.codes: dict[str, tuple[dict[str, str], dict[str, Any]]] = {}
        self.down = self.slow = False

    def add(self, kid: str, algorithm: str) -> None:
        """A new key, which is listed."""
        made: Any
        match algorithm:
            case "RS256":
                made = rsa.generate_private_key(65537, 2048)
            case "ES256":
                made = ec.generate_private_key(ec.SECP256R1())
            case _:
                made = ed25519.Ed25519PrivateKey.generate()
        self.keys[kid], self.algorithms[kid] = made, algorithm

    def token(self, kid: str, *, key: Any = None, algorithm: str | None = None, **claims: Any) -> str:
        """Signed with that key; a claim of None is left out."""
        now = int(time.time())
        whole = {
            "iss": self.url, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 300, "tenant": "acme",
            "role": ["staff"],
        } | claims  # fmt: skip
        said = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(said, key or self.keys[kid], algorithm or self.algorithms[kid], headers={"kid": kid})

    def code_for(self, asked: dict[str, str], **claims: Any) -> str:
        """A code for who has logged in, as a browser that was asked so would bring it back."""
        code = f"code{len(self.codes)}"
        self.codes[code] = asked, claims
        return code

    async def _exchange(self, request: web.Request) -> web.Response:
        form = await request.post()
        if self.down:
            return web.Response(status=503)
        asked, claims = self.codes.pop(str(form["code"]), ({}, {}))
        challenge = encode64(hashlib.sha256(str(form["code_verifier"]).encode()).digest())
        client = (form["client_id"], form.get("client_secret"), form["redirect_uri"])
        if challenge != asked.get("code_challenge") or client != ("web", "secret", asked["redirect_uri"]):
            return web.json_response({"error": "invalid_grant"}, status=400)
        kid = next(iter(self.keys))
        said = self.token(kid, **({"aud": "web", "nonce": asked["nonce"]} | claims))
        return web.json_response({"id_token": said, "access_token": "opaque", "token_type": "Bearer"})

    async def _answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        if self.slow:
            await asyncio.Event().wait()
        if self.down:
            return web.Response(status=503)
        if request.path.endswith("openid-configuration"):
            ends = {"authorization_endpoint": f"{self.url}/authorize", "token_endpoint": f"{self.url}/token"}
            return web.json_response({"issuer": self.url, "jwks_uri": f"{self.url}/jwks"} | ends)
        return web.json_response({"keys": [self._jwk(kid) for kid in self.keys]})

    def _jwk(self, kid: str) -> dict[str, Any]:
        kinds: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}
        found = kinds[self.algorithms[kid]].to_jwk(self.keys[kid].public_key(), as_dict=True)
        return {**found, "kid": kid, "use": "sig", "alg": self.algorithms[kid]}


@asynccontextmanager
async def issuer() -> AsyncIterator[TestIssuer]:
    """One that serves."""
    made = TestIssuer()
    app = web.Application()
    app.router.add_get("/.well-known/openid-configuration", made._answer)
    app.router.add_get("/jwks", made._answer)
    app.router.add_post("/token", made._exchange)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        made.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield made
    finally:
        await runner.cleanup()
