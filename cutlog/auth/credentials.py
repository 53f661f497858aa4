"""What one service holds: a folder with its own key, the public keys that it accepts and, of ops, the key that signs
tokens. The files may be replaced at any time: each is read again when it has changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Generic, TypeVar

import structlog

from cutlog.auth.rings import IDENTITY, PUBLIC, Key, KeyRing, KeysUnreadable, PublicKeys
from cutlog.auth.tokens import SERVICE_SECONDS, introduce

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 1.0
"""How often a file is looked at, at most."""

T = TypeVar("T")


class CredentialsMissing(Exception):
    """The credentials of a service can't be read."""


class KeyFile(Generic[T]):
    """A file with keys, read again when it has changed. What can't be read leaves the keys as they were."""

    def __init__(self, path: Path, read: Callable[[bytes], T]) -> None:
        """Raises CredentialsMissing."""
        self.path, self._read = path, read
        self._seen: tuple[int, int] | None = None
        self._looked = float("-inf")
        try:
            self._value = self._load()
        except (OSError, KeysUnreadable) as error:
            raise CredentialsMissing(f"{path}: {error}. `cutlog keys create` makes the keys of all services.") from None

    def now(self) -> T:
        """The keys of the file."""
        moment = time.monotonic()
        if moment - self._looked >= LOOK_SECONDS:
            self._looked = moment
            self.again()
        return self._value

    def again(self) -> T:
        """The keys of the file, which is looked at."""
        try:
            facts = self.path.stat()
            if (facts.st_mtime_ns, facts.st_ino) != self._seen:
                self._value = self._load()
        except (OSError, KeysUnreadable) as error:
            log.warning("keys.unreadable", path=str(self.path), error=str(error))
        return self._value

    def _load(self) -> T:
        facts = self.path.stat()
        value = self._read(self.path.read_bytes())
        self._seen = (facts.st_mtime_ns, facts.st_ino)
        return value


class Identity:
    """Who a service is to the others. Its key signs nothing but that."""

    def __init__(self, service: str, ring: Callable[[], KeyRing]) -> None:
        self.service, self._ring = service, ring
        self._made: tuple[Key, str, float] | None = None

    @classmethod
    def of(cls, service: str, folder: Path) -> Identity:
        """The one in a folder. Raises CredentialsMissing."""
        return cls(service, KeyFile(folder / IDENTITY, KeyRing.read).now)

    def token(self) -> str:
        """A token that is good for half a minute at least."""
        ring = self._ring()
        if self._made is None or self._made[0] != ring.newest or self._made[2] < time.monotonic():
            token = introduce(ring, self.service)
            self._made = ring.newest, token, time.monotonic() + SERVICE_SECONDS / 2
        return self._made[1]

    def headers(self) -> dict[str, str]:
        """Of a request to another service."""
        return {"Authorization": f"Bearer {self.token()}"}


class FileKeys:
    """The accepted public keys of a folder."""

    def __init__(self, folder: Path) -> None:
        """Raises CredentialsMissing."""
        self._file = KeyFile(folder / PUBLIC, PublicKeys.read)

    def now(self) -> PublicKeys:
        """Those that are known."""
        return self._file.now()

    async def newer(self) -> PublicKeys:
        """Those that there are, looked up for a key that is not known."""
        return self._file.again()
