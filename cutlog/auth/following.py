"""What a service other than ops knows of access: ops tells the accepted keys and the revocations, and says who presents
a credential that can't be verified alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
import structlog
from nats.aio.msg import Msg

from cutlog.auth.actor import Actor, CredentialForbidden, CredentialRefused, CredentialUnknown
from cutlog.auth.credentials import FileKeys, Identity
from cutlog.auth.gate import Gate
from cutlog.auth.revocations import Revocation
from cutlog.auth.rings import PublicKey, PublicKeys
from cutlog.bus.connection import Bus
from cutlog.contract.base import Wire
from cutlog.contract.subjects import ACCESS_CHANGED

log = structlog.get_logger(__name__)

FOLLOW_SECONDS: Final = 5.0
"""A change is heard of over NATS at once, and without it after so long."""
AGAIN_SECONDS: Final = 1.0
"""Keys that are not known are looked up so often at most: whoever presents one waits."""
ANSWER_WITHIN: Final = 5.0


class Access(Wire):
    """The accepted public keys, and revocations after the position that was asked for."""

    keys: list[PublicKey]
    revocations: list[Revocation]


class Presented(Wire):
    """A credential that a service was presented."""

    credential: str


class Recognized(Wire):
    """Whose it is, or why nobody's."""

    actor: Actor | None = None
    refused: str | None = None
    forbidden: str | None = None


class IdentityRefused(Exception):
    """ops does not accept the key with which this service says who it is."""


class Following:
    """Asks `ops`, the base URL of that service or None where there is none. Until it has answered, the keys are those
    of a file. While it does not answer, all stays as it was."""

    def __init__(self, session: aiohttp.ClientSession, ops: str | None, identity: Identity, files: FileKeys) -> None:
        self._session, self._ops, self.identity, self._files = session, ops, identity, files
        self._keys: PublicKeys | None = None
        self._refused = False
        self._looking: asyncio.Task[None] | None = None
        self._looked = float("-inf")
        self._woken = asyncio.Event()
        self.gate = Gate(self, self.resolve)

    def now(self) -> PublicKeys:
        """The keys that are accepted."""
        return self._files.now() if self._keys is None else self._keys

    async def newer(self) -> PublicKeys:
        """Those that ops accepts now, asked a second after it was asked for the last time."""
        if self._ops is None:
            return await self._files.newer()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look_again())
        await asyncio.shield(self._looking)
        return self.now()

    async def resolve(self, credential: str) -> Actor:
        """Asks whose a credential is."""
        found = await self._ask("POST", "/internal/credentials", Presented(credential=credential))
        if found is None:
            raise CredentialUnknown("The service that knows this credential does not answer.")
        answer = msgspec.json.decode(found, type=Recognized)
        if answer.actor is not None:
            return answer.actor
        if answer.forbidden is not None:
            raise CredentialForbidden(answer.forbidden)
        raise CredentialRefused(answer.refused or "The credential is not valid.")

    async def check(self) -> None:
        """Raises IdentityRefused. That ops does not answer is not this service's fault."""
        if self._refused:
            raise IdentityRefused("Other services do not accept this service's key.")

    def wake(self) -> None:
        """Something has changed."""
        self._woken.set()

    async def run(self, stop: asyncio.Event, seconds: float = FOLLOW_SECONDS) -> None:
        """Follows until `stop` is set."""
        while not stop.is_set():
            self._woken.clear()
            try:
                await self._look()
            except Exception:
                log.exception("access.unreadable")
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._woken.wait()

    async def _look_again(self) -> None:
        await asyncio.sleep(max(0.0, self._looked + AGAIN_SECONDS - time.monotonic()))
        await self._look()

    async def _look(self) -> None:
        self._looked = time.monotonic()
        found = await self._ask("GET", f"/internal/access?after={self.gate.revocations.position}")
        if found is None:
            return
        access = msgspec.json.decode(found, type=Access)
        keys = PublicKeys(access.keys)
        if keys != self._keys:
            self._keys = keys
        self.gate.revoke(access.revocations)

    async def _ask(self, method: str, path: str, body: Wire | None = None) -> bytes | None:
        """What ops answers, None when it does not."""
        if self._ops is None:
            return None
        headers = self.identity.headers() | ({"Content-Type": "application/json"} if body is not None else {})
        data = None if body is None else msgspec.json.encode(body)
        try:
            async with self._session.request(
                method, self._ops.rstrip("/") + path, data=data, headers=headers
            ) as response:
                content = await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.debug("access.unavailable", error=repr(error))
            return None
        refused = response.status in (401, 403)
        if refused != self._refused:
            log.warning("identity.changed", service=self.identity.service, accepted=not refused)
            self._refused = refused
        return content if response.status == 200 else None


@asynccontextmanager
async def following(folder: Path, service: str, ops: str | None, bus: Bus) -> AsyncIterator[Following]:
    """Follows what a service may know of access, from the credentials in `folder`. Raises CredentialsMissing."""
    identity, files, stop = Identity.of(service, folder), FileKeys(folder), asyncio.Event()
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_WITHIN)) as session:
        followed = Following(session, ops, identity, files)

        async def heard(_: Msg) -> None:
            followed.wake()

        deaf = await bus.subscribe(ACCESS_CHANGED, heard)
        running = asyncio.create_task(followed.run(stop))
        try:
            yield followed
        finally:
            stop.set()
            followed.wake()
            await running
            await deaf()
