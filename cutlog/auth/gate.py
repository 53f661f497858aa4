"""Makes the Actor of a credential, whatever its kind: tokens by the public keys, the rest by asking."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from cutlog.auth.actor import Actor, CredentialForbidden, CredentialRefused
from cutlog.auth.revocations import Revocation, Revocations
from cutlog.auth.rings import PublicKeys
from cutlog.auth.tickets import redeem
from cutlog.auth.tokens import KeyUnknown, check_time, is_foreign, verify

ANSWER_SECONDS: Final = 5.0
"""How long the answer to a credential is kept that others know of; a revocation takes effect at once."""
REMEMBERED: Final = 1024
OPAQUE: Final = ("ck_", "cs_")
"""How API keys and sessions begin. All else is a token: ours, or of an OpenID Connect issuer."""

JWT: Final = "ey"
"""How every JWT begins: `{"` in base64url."""

Resolve = Callable[[str], Awaitable[Actor]]
"""The actor of a credential that can't be verified alone. Raises CredentialRefused, CredentialForbidden,
CredentialUnknown."""


class Keys(Protocol):
    """The public keys that are accepted."""

    def now(self) -> PublicKeys:
        """Those that are known."""
        ...

    async def newer(self) -> PublicKeys:
        """Those that there are, looked up for a key that is not known."""
        ...


async def nobody(_: str) -> Actor:
    """Resolves no credential."""
    raise CredentialRefused("The credential is not valid.")


def by_prefix(resolvers: Mapping[str, Resolve]) -> Resolve:
    """Asks the one for how a credential begins."""

    async def resolve(credential: str) -> Actor:
        for prefix, ask in resolvers.items():
            if credential.startswith(prefix):
                return await ask(credential)
        return await nobody(credential)

    return resolve


class Gate:
    """`keys` verify tokens, `resolve` knows the rest. Whoever opened something lasting is told by `on_revoked` that
    there are new revocations."""

    def __init__(self, keys: Keys, resolve: Resolve = nobody) -> None:
        self._keys, self._resolve = keys, resolve
        self.revocations = Revocations()
        self._verified: OrderedDict[str, Actor] = OrderedDict()
        self._under: PublicKeys | None = None
        self._asked: OrderedDict[str, tuple[asyncio.Task[Actor], float]] = OrderedDict()
        self._told: list[Callable[[], None]] = []

    async def actor(self, credential: str) -> Actor:
        """Who presents it. Raises CredentialRefused, CredentialForbidden, CredentialUnknown."""
        if credential.startswith(OPAQUE) or (credential not in self._verified and is_foreign(credential)):
            actor = await self._answer(credential)
        else:
            actor = await self._token(credential)
        check_time(actor)
        self.revocations.check(actor)
        return actor

    async def admitted(self, ticket: str, path: str) -> Actor:
        """Whose ticket opens `path`, a path with its query. Raises CredentialRefused."""
        try:
            actor = redeem(self._keys.now(), ticket, path)
        except KeyUnknown:
            actor = redeem(await self._keys.newer(), ticket, path)
        check_time(actor)
        self.revocations.check(actor)
        return actor

    def on_revoked(self, tell: Callable[[], None]) -> None:
        """Calls `tell` when there are new revocations."""
        self._told.append(tell)

    def revoke(self, found: list[Revocation]) -> None:
        """These are revoked."""
        if self.revocations.add(found):
            for tell in self._told:
                tell()

    async def _token(self, token: str) -> Actor:
        keys = self._keys.now()
        if keys is not self._under:
            self._verified.clear()
            self._under = keys
        # A signature costs as much as the rest of a small request; a client sends the same token again and again.
        if (known := self._verified.get(token)) is not None:
            self._verified.move_to_end(token)
            return known
        try:
            actor = verify(keys, token)
        except KeyUnknown:
            return verify(await self._keys.newer(), token)
        self._verified[token] = actor
        if len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)
        return actor

    async def _answer(self, credential: str) -> Actor:
        now = time.monotonic()
        asked, until = self._asked.get(credential, (None, 0.0))
        if asked is None or until < now:
            asked = asyncio.ensure_future(self._resolve(credential))
            asked.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._asked[credential] = asked, now + ANSWER_SECONDS
            self._asked.move_to_end(credential)
            if len(self._asked) > REMEMBERED:
                self._asked.popitem(last=False)
        try:
            return await asyncio.shield(asked)
        except (CredentialRefused, CredentialForbidden):
            raise
        except Exception:
            self._asked.pop(credential, None)
            raise
