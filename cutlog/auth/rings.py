"""Signing keys (Ed25519) and their public halves (JWK sets, RFC 7517 and RFC 8037).

A ring holds the key that signs and the one before it, whose signatures are still accepted: a new key is put in use
while requests go on.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from typing import Final, Literal

import msgspec
from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

KEPT: Final = 2
"""Keys of a ring that are accepted at a time."""
OPERATOR: Final = "operator"
"""Who runs the stack: its commands say so to services, and may call all of `/internal/`."""
IDENTITY: Final = "identity.json"
"""A service's own ring, in the folder of what it holds."""
SIGNING: Final = "signing.json"
"""The ring that signs tokens: ops has it."""
PUBLIC: Final = "public.json"
"""The public keys that it accepts."""


class KeysUnreadable(ValueError):
    """These are no keys of cutlog."""


def encode64(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode64(text: str) -> bytes:
    """Of exactly what `encode64` writes. Raises ValueError."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("this is not base64url") from None
    if encode64(raw) != text:  # bits that decoding drops
        raise ValueError("this is not base64url")
    return raw


class PublicKey(msgspec.Struct, frozen=True, omit_defaults=True):
    """A public key. `service` names the service whose own it is; without one it verifies tokens."""

    kid: str
    x: str
    service: str = ""
    kty: Literal["OKP"] = msgspec.field(default="OKP")
    crv: Literal["Ed25519"] = msgspec.field(default="Ed25519")
    use: Literal["sig"] = msgspec.field(default="sig")
    alg: Literal["EdDSA"] = msgspec.field(default="EdDSA")

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether this key made the signature."""
        try:
            VerifyKey(decode64(self.x)).verify(message, signature)
        except (BadSignatureError, ValueError, TypeError):
            return False
        return True


class _Members(msgspec.Struct, frozen=True):
    """A JWK as it is written: with every member."""

    kty: str
    crv: str
    use: str
    alg: str
    kid: str
    x: str


class _OwnedMembers(_Members, frozen=True):
    service: str


class _Set(msgspec.Struct, frozen=True):
    keys: list[PublicKey]


class PublicKeys:
    """The public keys that are accepted, by kid."""

    def __init__(self, keys: Iterable[PublicKey] = ()) -> None:
        self._keys: Mapping[str, PublicKey] = {key.kid: key for key in keys}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKeys) and self._keys == other._keys

    def __hash__(self) -> int:
        return hash(frozenset(self._keys))

    def get(self, kid: str) -> PublicKey | None:
        """The key of that kid."""
        return self._keys.get(kid)

    def all(self) -> list[PublicKey]:
        """All of them."""
        return list(self._keys.values())

    def jwks(self, *, services: bool = False) -> bytes:
        """As a JWK set; those of services are for services."""
        return msgspec.json.encode(
            {"keys": [_members(key) for key in self._keys.values() if services or not key.service]}
        )

    @classmethod
    def read(cls, content: bytes) -> PublicKeys:
        """Raises KeysUnreadable."""
        try:
            found = cls(msgspec.json.decode(content, type=_Set).keys)
            for key in found._keys.values():
                if len(decode64(key.x)) != 32:
                    raise ValueError("an Ed25519 key has 32 bytes")
        except ValueError as error:
            raise KeysUnreadable(str(error)) from None
        return found


def _members(key: PublicKey) -> _Members:
    common = (key.kty, key.crv, key.use, key.alg, key.kid, key.x)
    return _OwnedMembers(*common, key.service) if key.service else _Members(*common)


class Key(msgspec.Struct, frozen=True):
    """A signing key: the seed in base64url."""

    seed: str

    @classmethod
    def new(cls) -> Key:
        return cls(encode64(secrets.token_bytes(32)))

    def public(self, service: str = "") -> PublicKey:
        """Its public half. The kid is a digest of the key."""
        raw = bytes(self._signing().verify_key)
        return PublicKey(encode64(hashlib.sha256(raw).digest()[:12]), encode64(raw), service)

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        return self._signing().sign(message).signature

    def _signing(self) -> SigningKey:
        return SigningKey(decode64(self.seed))

    def __repr__(self) -> str:
        return "Key(…)"


class KeyRing(msgspec.Struct, frozen=True):
    """Keys, the newest first, which signs."""

    keys: tuple[Key, ...]

    @classmethod
    def new(cls) -> KeyRing:
        return cls((Key.new(),))

    def rotated(self) -> KeyRing:
        """With a new key, and without those older than the one before it."""
        return KeyRing((Key.new(), *self.keys[: KEPT - 1]))

    @property
    def newest(self) -> Key:
        return self.keys[0]

    def public(self, service: str = "") -> list[PublicKey]:
        """The public halves."""
        return [key.public(service) for key in self.keys]

    def encode(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def read(cls, content: bytes) -> KeyRing:
        """Raises KeysUnreadable."""
        try:
            ring = msgspec.json.decode(content, type=cls)
            if not 0 < len(ring.keys) <= KEPT:
                raise ValueError(f"a ring has 1 to {KEPT} keys")
            ring.public()
        except (ValueError, TypeError) as error:
            raise KeysUnreadable(str(error)) from None
        return ring
