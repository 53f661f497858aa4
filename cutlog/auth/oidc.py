"""Access tokens of OpenID Connect issuers. Only ops verifies them; other services ask it.

Sources: OpenID Connect Discovery 1.0, RFC 7517 (keys), RFC 8725 (what to check of a JWT).
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import aiohttp
import msgspec
import structlog

from cutlog.auth.actor import (
    MAX_SUBJECT,
    Actor,
    CredentialExpired,
    CredentialForbidden,
    CredentialRefused,
    CredentialUnknown,
    check_names,
)
from cutlog.auth.rings import encode64
from cutlog.auth.roles import LADDER, Role
from cutlog.auth.tokens import LEEWAY_SECONDS, parts_of

log = structlog.get_logger(__name__)

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
MAX_TOKEN: Final = 12 * 1024
FETCH_SECONDS: Final = 5.0
UNKNOWN_SECONDS: Final = 10.0
"""For a key that is not known, an issuer's keys are fetched so often at most."""
FRESH_SECONDS: Final = 600.0
"""After which keys are fetched again, while the old ones are used."""
STALE_SECONDS: Final = 86400.0
"""For how long keys are used of an issuer that does not answer."""
MAX_DOCUMENT: Final = 1 << 20
MIN_RSA_BITS: Final = 2048
Clock = Callable[[], float]
REFUSED: Final = "The token is not valid."


class Provider(Protocol):
    """An issuer, and what its tokens say: of several roles the highest counts."""

    @property
    def issuer(self) -> str: ...
    @property
    def audience(self) -> str: ...
    @property
    def tenant_claim(self) -> str: ...
    @property
    def role_claim(self) -> str: ...
    @property
    def roles(self) -> Mapping[str, Role]: ...


class Registered(Provider, Protocol):
    """An issuer at which cutlog has a client id."""

    @property
    def client_id(self) -> str | None: ...


class IssuerUnavailable(Exception):
    """An issuer does not answer, or not as it should."""


class Issuer:
    """The keys of one issuer, found through discovery."""

    def __init__(self, session: aiohttp.ClientSession, url: str, clock: Clock, seconds: float) -> None:
        self._session, self.url, self._clock, self._seconds = session, url, clock, seconds
        self._keys: dict[str, Mapping[str, Any]] = {}
        self._described: Mapping[str, Any] = {}
        self._fetched = self._tried = float("-inf")
        self._fetching: asyncio.Task[None] | None = None

    async def key(self, kid: str | None, algorithm: str) -> Mapping[str, Any] | None:
        """The JWK of that id; without one the only key that fits. None: there is none. Raises IssuerUnavailable."""
        age = self._clock() - self._fetched
        found = self._found(kid, algorithm)
        if found is not None and age < FRESH_SECONDS:
            return found
        if found is not None and age < STALE_SECONDS:
            self._fetch()  # what is known is good enough for this request
            return found
        if self._clock() - self._tried >= UNKNOWN_SECONDS or self._fetching is not None:
            await asyncio.shield(self._fetch())
        if self._clock() - self._fetched >= STALE_SECONDS:
            raise IssuerUnavailable(f"{self.url} does not answer.")
        return self._found(kid, algorithm)

    async def described(self) -> Mapping[str, Any]:
        """The document of discovery. Raises IssuerUnavailable."""
        if not self._described:
            await asyncio.shield(self._fetch())
        if not self._described:
            raise IssuerUnavailable(f"{self.url} does not answer.")
        return self._described

    def _found(self, kid: str | None, algorithm: str) -> Mapping[str, Any] | None:
        fitting = [key for key in self._keys.values() if _fits(key, algorithm)]
        if kid is None:
            return fitting[0] if len(fitting) == 1 else None
        return next((key for key in fitting if key.get("kid") == kid), None)

    def _fetch(self) -> asyncio.Task[None]:
        if self._fetching is None:
            self._tried = self._clock()
            self._fetching = asyncio.create_task(self._update())
            self._fetching.add_done_callback(self._done)
        return self._fetching

    def _done(self, _: asyncio.Task[None]) -> None:
        self._fetching = None

    async def _update(self) -> None:
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._document(self.url.rstrip("/") + "/.well-known/openid-configuration")
                if found.get("issuer") != self.url:
                    raise IssuerUnavailable(f"it says that it is {found.get('issuer')!r}")
                keys = (await self._document(_same_scheme(self.url, found.get("jwks_uri")))).get("keys")
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError, IssuerUnavailable) as error:
            log.warning("oidc.unavailable", issuer=self.url, error=repr(error))
            return
        listed = [key for key in keys if isinstance(key, dict)] if isinstance(keys, list) else []
        self._described = found
        self._keys = {str(key.get("kid", number)): key for number, key in enumerate(listed)}
        self._fetched = self._clock()

    async def _document(self, url: str) -> dict[str, Any]:
        async with self._session.get(url, allow_redirects=False) as response:
            if response.status != 200:
                raise IssuerUnavailable(f"{url} answers {response.status}")
            body = b""
            async for chunk in response.content.iter_chunked(1 << 16):
                body += chunk
                if len(body) > MAX_DOCUMENT:
                    raise IssuerUnavailable(f"{url} is too large")
        return msgspec.json.decode(body, type=dict[str, Any])


class Issuers:
    """Makes actors of the tokens of these issuers, of which one has `seconds` to answer. Loads `cryptography`."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        providers: Sequence[Provider],
        *,
        clock: Clock = monotonic,
        seconds: float = FETCH_SECONDS,
    ) -> None:
        import jwt

        self._jwt = jwt
        self._providers = providers
        self._issuers = {each.issuer: Issuer(session, each.issuer, clock, seconds) for each in providers}

    async def actor(self, token: str) -> Actor:
        """Whose a token is. Raises CredentialRefused, CredentialForbidden for one without a tenant or a known role, and
        CredentialUnknown while its issuer's keys can't be had."""
        issuer = self._issuer_of(token)
        audiences = [each.audience for each in self._providers if each.issuer == issuer.url]
        claims = await self._claims(issuer, token, audiences)
        named = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        provider = next(each for each in self._providers if each.issuer == issuer.url and each.audience in named)
        return _actor(provider, claims, token)

    async def described(self, issuer: str) -> Mapping[str, Any]:
        """What an issuer says of itself. Raises IssuerUnavailable."""
        return await self._issuers[issuer].described()

    async def identified(self, client: Registered, token: str, nonce: str) -> Actor | CredentialForbidden:
        """Whom an ID token identifies, or why not who has access. Raises CredentialRefused, CredentialUnknown."""
        issuer = self._issuer_of(token)
        if issuer.url != client.issuer:
            raise CredentialRefused("The token is of another issuer.")
        claims = await self._claims(issuer, token, [client.client_id or ""])
        if claims.get("nonce") != nonce:
            raise CredentialRefused("The token is not of this login.")
        try:
            return _actor(client, claims, token)
        except CredentialForbidden as forbidden:
            return forbidden

    def _issuer_of(self, token: str) -> Issuer:
        if len(token) > MAX_TOKEN:
            raise CredentialRefused("The token is too long.")
        issuer = self._issuers.get(str(parts_of(token)[1].get("iss")))
        if issuer is None:
            raise CredentialRefused("The token's issuer is not one of those that are configured.")
        return issuer

    async def _claims(self, issuer: Issuer, token: str, audiences: list[str]) -> dict[str, Any]:
        header, _ = parts_of(token)
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS or not isinstance(kid, str | None):
            raise CredentialRefused(f"The token must be signed with {', '.join(ALGORITHMS)}.")
        try:
            key = await issuer.key(kid, algorithm)
        except IssuerUnavailable as error:
            raise CredentialUnknown(str(error)) from None
        if key is None:
            raise CredentialRefused("The token is signed with a key that its issuer does not list.")
        return self._verified(token, key, algorithm, issuer.url, audiences)

    def _verified(
        self, token: str, key: Mapping[str, Any], algorithm: str, issuer: str, audiences: list[str]
    ) -> dict[str, Any]:
        jwt = self._jwt
        try:
            material = jwt.PyJWK(dict(key), algorithm).key
            if algorithm == "RS256" and material.key_size < MIN_RSA_BITS:
                raise CredentialRefused("The issuer's key is too short.")
            claims: dict[str, Any] = jwt.decode(
                token, material, algorithms=[algorithm], audience=audiences, issuer=issuer, leeway=LEEWAY_SECONDS,
                options={"require": ["iss", "aud", "exp", "sub"], "strict_aud": False},
            )  # fmt: skip
            return claims
        except jwt.ExpiredSignatureError:
            raise CredentialExpired("The token has expired.") from None
        except jwt.ImmatureSignatureError:
            raise CredentialRefused("The token is not valid yet.") from None
        except jwt.InvalidAudienceError:
            raise CredentialRefused("The token is for another audience.") from None
        except jwt.MissingRequiredClaimError as error:
            raise CredentialRefused(f"The token has no claim {error.claim!r}.") from None
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
            raise CredentialRefused(REFUSED) from None


def _actor(provider: Provider, claims: Mapping[str, Any], token: str) -> Actor:
    tenant, said = _claim(claims, provider.tenant_claim), _claim(claims, provider.role_claim)
    named = said if isinstance(said, list) else [said]
    roles = [provider.roles[name] for name in named if isinstance(name, str) and name in provider.roles]
    place = urlsplit(provider.issuer)
    subject = f"oidc:{place.netloc}{place.path.rstrip('/')}:{claims['sub']}"
    try:
        check_names(subject, tenant)
    except ValueError:
        what = provider.tenant_claim if len(subject) <= MAX_SUBJECT and subject.isprintable() else "sub"
        raise CredentialForbidden(f"The token's claim {what!r} is missing or not usable as a name.") from None
    if not roles:
        raise CredentialForbidden(f"The token's claim {provider.role_claim!r} names no role that is known here.")
    issued = claims.get("iat")
    name = claims.get("jti")
    identity = name if isinstance(name, str) and 0 < len(name) <= 64 else hashlib.sha256(token.encode()).digest()[:16]
    return Actor(
        subject=subject,
        tenant=str(tenant),
        role=max(roles, key=LADDER.index),
        credential="oidc",
        id=f"o_{identity if isinstance(identity, str) else encode64(identity)}",
        issued=float(issued) if isinstance(issued, int | float) else 0.0,
        expires=float(claims["exp"]),
    )


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by a path with dots where there is none of that name."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _fits(key: Mapping[str, Any], algorithm: str) -> bool:
    kinds = {"RS256": ("RSA", None), "ES256": ("EC", "P-256"), "EdDSA": ("OKP", "Ed25519")}
    kind, curve = kinds[algorithm]
    return (
        key.get("kty") == kind
        and (curve is None or key.get("crv") == curve)
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
    )


def _same_scheme(issuer: str, url: Any) -> str:
    """Where the keys are: an issuer with TLS names no place without."""
    if not isinstance(url, str) or urlsplit(url).scheme not in ("https", urlsplit(issuer).scheme):
        raise IssuerUnavailable(f"its jwks_uri is {url!r}")
    return url
