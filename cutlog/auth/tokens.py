"""Bearer tokens: JWT (RFC 7519) signed with HS256 and nothing else."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Final

import msgspec

from cutlog.auth.roles import Role
from cutlog.contract.ids import is_id
from cutlog.process.importing import without

with without("cryptography"):  # which PyJWT takes for signatures of kinds that we refuse: 8 MiB
    import jwt

ALGORITHM: Final = "HS256"
AUDIENCE: Final = "cutlog"
"""What every token is for (`aud`): one that the same secret signed for something else opens nothing here."""
DEFAULT_TENANT: Final = "default"
LEEWAY_SECONDS: Final = 5
MAX_TOKEN: Final = 4096
MAX_SUBJECT: Final = 255


class Actor(msgspec.Struct, frozen=True):
    """Who asks: `subject` as the token names it, the tenant whose things they see, and their role."""

    subject: str
    tenant: str
    role: Role


class TokenRefused(Exception):
    """The token is not valid."""


class TokenExpired(TokenRefused):
    """The token was ours, and has expired."""


def mint(secret: str, subject: str, role: Role, tenant: str = DEFAULT_TENANT, ttl: float = 12 * 3600) -> str:
    """A new token, valid for `ttl` seconds. Raises ValueError when `verify` would refuse its claims."""
    if not secret:
        raise ValueError("the secret that signs tokens is empty")
    now = int(time.time())
    _check_names(subject, tenant)
    claims = {
        "aud": AUDIENCE, "sub": subject, "tenant": tenant, "role": role.value, "iat": now, "exp": now + int(ttl),
    }  # fmt: skip
    return jwt.encode(claims, secret, algorithm=ALGORITHM)


def verify(secret: str, token: str) -> Actor:
    """The actor of a token. Raises TokenRefused, with a sentence that gives nothing of the token away; TokenExpired
    when nothing but its time is wrong."""
    if not secret:
        raise TokenRefused("This service has no secret, so it accepts no token.")
    if len(token) > MAX_TOKEN:
        raise TokenRefused("The token is too long.")
    actor, expires = _opened(secret, token)
    if expires <= time.time() - LEEWAY_SECONDS:
        raise TokenExpired("The token has expired.")
    return actor


def expiry(secret: str, token: str) -> int:
    """When a token that `verify` took expires, in seconds since the epoch. Raises TokenRefused."""
    return _opened(secret, token)[1]


# Checking a signature costs as much as the rest of a small request; a client sends the same token again and again.
@lru_cache(maxsize=1024)
def _opened(secret: str, token: str) -> tuple[Actor, int]:
    """The actor and when the token expires, in seconds since the epoch. A refusal is not remembered."""
    try:
        claims = jwt.decode(
            token,
            secret,
            algorithms=[ALGORITHM],
            leeway=LEEWAY_SECONDS,
            audience=AUDIENCE,
            options={"require": ["aud", "sub", "tenant", "role", "iat", "exp"]},
        )
    except jwt.ExpiredSignatureError:
        raise TokenExpired("The token has expired.") from None
    except jwt.MissingRequiredClaimError as error:
        raise TokenRefused(f"The token has no claim {error.claim!r}; ask for a new one.") from None
    except jwt.InvalidAudienceError:
        raise TokenRefused(f"The token's audience is not {AUDIENCE!r}; ask for a new one.") from None
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError):
        raise TokenRefused("The token is not one of ours, or was changed.") from None
    subject, tenant, role = claims["sub"], claims["tenant"], claims["role"]
    try:
        _check_names(subject, tenant)
        return Actor(subject, tenant, Role(role)), int(claims["exp"])
    except ValueError:
        raise TokenRefused("The token's claims are not valid.") from None


def _check_names(subject: object, tenant: object) -> None:
    if not isinstance(subject, str) or not 0 < len(subject) <= MAX_SUBJECT or not subject.isprintable():
        raise ValueError(f"subject must be 1 to {MAX_SUBJECT} printable characters")
    if not isinstance(tenant, str) or not is_id(tenant):
        raise ValueError("tenant must be an id")
