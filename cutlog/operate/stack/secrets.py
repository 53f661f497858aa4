"""Secrets of one stack, made at its first start and kept in DATA/secrets with mode 0600."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
import nkeys
from nacl.signing import SigningKey

from cutlog.auth.rings import IDENTITY, OPERATOR, PUBLIC, SIGNING, KeyRing, KeysUnreadable, PublicKeys
from cutlog.process.program import Account

ISSUER = "ops"
"""The service that signs tokens."""


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
    def signing(self) -> KeyRing:
        """Signs bearer tokens. ops has it, and who may read this folder."""
        return self.ring("signing")

    def ring(self, name: str) -> KeyRing:
        """The keys of a service, or of the `operator`, with which they say who they are. Raises EmptySecret."""
        content = self._once(f"keys.{name}", lambda: KeyRing.new().encode().decode())
        try:
            return KeyRing.read(content.encode())
        except KeysUnreadable as error:
            where = self.folder / f"keys.{name}"
            raise EmptySecret(f"{where}: {error}: restore it from a backup, or delete it for a new one") from None

    def rotate(self, services: Iterable[str]) -> None:
        """Puts a new key in the place of the oldest of every ring."""
        for name in ("signing", OPERATOR, *services):
            write_private(self.folder / f"keys.{name}", self.ring(name).rotated().encode())

    def forget_shared(self) -> None:
        """Removes the secret with which releases up to 0.1 signed tokens, and those of services: nothing takes them
        any more."""
        for path in (self.folder / "jwt", *self.folder.glob("token.*")):
            path.unlink(missing_ok=True)

    @property
    def files(self) -> str:
        """Signs `/files` URLs."""
        return self._once("files", lambda: secrets.token_urlsafe(48))

    def database(self, role: str) -> str:
        """Password of a PostgreSQL role (`owner`, or a service's name)."""
        return self._once(f"postgres.{role}", lambda: secrets.token_urlsafe(32))

    def public(self, services: Iterable[str]) -> PublicKeys:
        """The public keys that services accept."""
        owners = sorted({*services, OPERATOR})
        own = [key for owner in owners for key in self.ring(owner).public(owner)]
        return PublicKeys([*self.signing.public(), *own])

    def hand_out(self, folder: Path, services: Iterable[str], account: Account | None = None) -> None:
        """Writes what each service holds to `folder`/SERVICE, a folder of the `account` if one is given. Public keys
        are written before those that sign, so that no signature comes before the key that verifies it."""
        names = sorted(services)
        public = self.public(names).jwks(services=True)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if account is not None:
            folder.chmod(0o711)
        for name in names:
            (folder / name).mkdir(mode=0o700, exist_ok=True)
            if account is not None:
                os.chown(folder / name, account.uid, account.gid)
            write_private(folder / name / PUBLIC, public)
        for name in names:
            write_private(folder / name / IDENTITY, self.ring(name).encode())
            if name == ISSUER:
                write_private(folder / name / SIGNING, self.signing.encode())

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
    """Writes a file whole or not at all, readable by its owner only. Root writes for the owner of the folder."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o600)
        if os.geteuid() == 0:
            owner = path.parent.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    draft.rename(path)


def write_private_json(path: Path, value: object) -> None:
    """`write_private` of a value as indented JSON."""
    write_private(path, msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def _seed() -> str:
    return str(nkeys.encode_seed(bytes(SigningKey.generate()), nkeys.PREFIX_BYTE_USER), "ascii")
