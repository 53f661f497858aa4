"""Secrets of one stack, made at its first start and kept in DATA/secrets with mode 0600."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import nkeys
from nacl.signing import SigningKey


@dataclass(frozen=True)
class NatsUser:
    """An nkey pair: the seed proves, the public key names."""

    seed: str
    public: str


class EmptySecret(RuntimeError):
    """A secret of the stack is empty."""


class Secrets:
    """The secrets of a folder, each made on first use. A secret is one small file, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def jwt(self) -> str:
        """Signs bearer tokens."""
        return self._once("jwt", lambda: secrets.token_urlsafe(48))

    @property
    def files(self) -> str:
        """Signs `/files` URLs."""
        return self._once("files", lambda: secrets.token_urlsafe(48))

    def database(self, role: str) -> str:
        """Password of a PostgreSQL role (`owner`, or a service's name)."""
        return self._once(f"postgres.{role}", lambda: secrets.token_urlsafe(32))

    def service_token(self, service: str, ttl: float) -> str:
        """The bearer token with which a service asks the others, minted once, and again when it is no longer accepted:
        one of an older version lacks claims. `ttl` in seconds."""
        from cutlog.auth.roles import Role
        from cutlog.auth.tokens import TokenRefused, mint, verify

        def made() -> str:
            return mint(self.jwt, service, Role.service, ttl=ttl)

        name = f"token.{service}"
        token = self._once(name, made)
        try:
            verify(self.jwt, token)
        except TokenRefused:
            token = made()
            write_private(self.folder / name, token.encode())
        return token

    def nats(self, user: str) -> NatsUser:
        """The nkey of a NATS user (`operator`, or a service's name)."""
        seed = self._once(f"nats.{user}.nk", _seed)
        return NatsUser(seed, nkeys.from_seed(bytearray(seed.encode())).public_key.decode())

    def nats_seed_file(self, user: str) -> Path:
        """The file that holds the seed, for the `nats` CLI."""
        self.nats(user)
        return self.folder / f"nats.{user}.nk"

    def _once(self, name: str, make: Callable[[], str]) -> str:
        path = self.folder / name
        if not path.exists():
            write_private(path, make().encode())
        secret = path.read_text()
        if not secret:
            raise EmptySecret(f"{path} is empty: restore it from a backup, or delete it to have a new one made")
        return secret


def write_private(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all, readable by its owner only."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    draft.rename(path)


def write_private_json(path: Path, value: object) -> None:
    """`write_private` of a value as indented JSON."""
    write_private(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def _seed() -> str:
    return str(nkeys.encode_seed(bytes(SigningKey.generate()), nkeys.PREFIX_BYTE_USER), "ascii")
