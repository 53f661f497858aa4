"""Our own tokens: JWT (RFC 7519) signed with EdDSA (RFC 8037) and nothing else. ops signs those of people; a service
signs short-lived ones of its own, which say who it is and open `/internal` only."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from cutlog.auth.actor import DEFAULT_TENANT, Actor, CredentialExpired, CredentialKind, CredentialRefused, check_names
from cutlog.auth.rings import KeyRing, PublicKey, PublicKeys, decode64, encode64
from cutlog.auth.roles import Role

ALGORITHM: Final = "EdDSA"
AUDIENCE: Final = "cutlog"
"""What every token is for (`aud`): one that the same key signed for something else opens nothing here."""
LEEWAY_SECONDS: Final = 5
MAX_TOKEN: Final = 4096
MAX_TTL: Final = 366 * 86400
"""Longest life of a token, in seconds: as long as a revocation must be remembered."""
SERVICE_SECONDS: Final = 60
"""Life of the token with which a service says who it is."""
_REQUIRED: Final = ("aud", "sub", "tenant", "role", "iat", "exp", "jti")


class TokenRefused(CredentialRefused):
    """The token is not valid."""


class TokenExpired(TokenRefused, CredentialExpired):
    """The token was ours, and has expired."""


class KeyUnknown(TokenRefused):
    """The token was signed with a key that is not accepted."""


def mint(ring: KeyRing, subject: str, role: Role, tenant: str = DEFAULT_TENANT, ttl: float = 12 * 3600) -> str:
    """A new token, valid for `ttl` seconds. Raises ValueError when `verify` would refuse its claims."""
    if ttl > MAX_TTL:
        raise ValueError(f"a token is valid for {MAX_TTL // 86400} days at most")
    check_names(subject, tenant)
    if role is Role.service:
        raise ValueError("a service's token is signed with its own key")
    return _minted(ring, subject, role, tenant, ttl, "t_")


def introduce(ring: KeyRing, service: str, ttl: float = SERVICE_SECONDS) -> str:
    """The token with which a service says who it is, signed with its own key."""
    return _minted(ring, service, Role.service, DEFAULT_TENANT, ttl, "i_")


def _minted(ring: KeyRing, subject: str, role: Role, tenant: str, ttl: float, prefix: str) -> str:
    now = round(time.time(), 3)
    return sign(
        ring,
        {
            "aud": AUDIENCE, "sub": subject, "tenant": tenant, "role": role.value, "iat": now,
            "exp": round(now + ttl, 3), "jti": prefix + encode64(secrets.token_bytes(12)),
        },
    )  # fmt: skip


def sign(ring: KeyRing, claims: dict[str, Any], **header: Any) -> str:
    """A JWT with these claims."""
    key = ring.newest
    head = {"alg": ALGORITHM, "typ": "JWT", "kid": key.public().kid} | header
    message = f"{encode64(msgspec.json.encode(head))}.{encode64(msgspec.json.encode(claims))}"
    return f"{message}.{encode64(key.sign(message.encode()))}"


def key_id(token: str) -> str:
    """The `kid` that a token names, not verified. Raises TokenRefused."""
    head = _json(token.partition(".")[0])
    kid = head.get("kid")
    if head.get("alg") == "HS256":
        raise TokenRefused(
            "The token is of a release whose tokens are no longer accepted (HS256). Get a new one with `cutlog token`."
        )
    if head.get("alg") != ALGORITHM or not isinstance(kid, str) or "crit" in head:
        raise TokenRefused("The token is not one of ours, or was changed.")
    return kid


def parts_of(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a JWT, of which nothing is verified. Raises TokenRefused."""
    parts = token.split(".")
    if len(parts) != 3:
        raise TokenRefused("The token is not one of ours, or was changed.")
    return _json(parts[0]), _json(parts[1])


def is_foreign(token: str) -> bool:
    """Whether a JWT says that it is of an issuer. Ours do not."""
    try:
        return "iss" in parts_of(token)[1]
    except TokenRefused:
        return False


def verify(keys: PublicKeys, token: str) -> Actor:
    """The actor of a token. Raises TokenRefused, with a sentence that gives nothing of the token away; KeyUnknown, so
    that newer keys are looked for; TokenExpired when nothing but its time is wrong."""
    key, claims = opened(keys, token, AUDIENCE, _REQUIRED)
    try:
        actor = _actor(key, claims)
    except (ValueError, TypeError, OverflowError):
        raise TokenRefused("The token's claims are not valid.") from None
    check_time(actor)
    return actor


def opened(keys: PublicKeys, token: str, audience: str, required: Iterable[str]) -> tuple[PublicKey, dict[str, Any]]:
    """The key that signed a JWT and its claims, once the signature, the audience and that they are there are checked.
    Raises TokenRefused, KeyUnknown."""
    if len(token) > MAX_TOKEN:
        raise TokenRefused("The token is too long.")
    key = keys.get(key_id(token))
    if key is None:
        raise KeyUnknown("The key of the token is not accepted, or not any more. Get a new token with `cutlog token`.")
    message, _, signature = token.rpartition(".")
    try:
        genuine = key.verifies(message.encode(), decode64(signature))
    except ValueError:
        genuine = False
    if not genuine:
        raise TokenRefused("The token is not one of ours, or was changed.")
    claims = _json(message.partition(".")[2])
    for name in required:
        if claims.get(name) is None:
            raise TokenRefused(f"The token has no claim {name!r}; ask for a new one.")
    if claims["aud"] != audience:
        raise TokenRefused(f"The token's audience is not {audience!r}; ask for a new one.")
    return key, claims


def check_time(actor: Actor) -> None:
    """Raises TokenExpired, once the credential of an actor has."""
    if actor.expires is not None and actor.expires <= time.time() - LEEWAY_SECONDS:
        raise TokenExpired("The token has expired.")


def _actor(key: PublicKey, claims: dict[str, Any]) -> Actor:
    subject, tenant, issued, expires, identity = (claims[name] for name in ("sub", "tenant", "iat", "exp", "jti"))
    check_names(subject, tenant)
    role = Role(claims["role"])
    if not all(isinstance(each, int | float) and not isinstance(each, bool) for each in (issued, expires)):
        raise ValueError("times are numbers")
    if issued > time.time() + LEEWAY_SECONDS or not isinstance(identity, str) or not 0 < len(identity) <= 64:
        raise ValueError("it comes from the future, or can't be revoked")
    own = role is Role.service
    if own != bool(key.service) or (own and subject != key.service) or expires - issued > MAX_TTL:
        raise ValueError("a key signs for whom it is, and nobody else")
    kind: CredentialKind = "service" if own else "token"
    return Actor(subject, tenant, role, None, kind, identity, float(issued), float(expires))


def _json(part: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(decode64(part), type=dict[str, Any])
    except (ValueError, RecursionError):
        raise TokenRefused("The token is not one of ours, or was changed.") from None
