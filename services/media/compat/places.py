"""Where what stands at a path of the old backend is in our store: videos are ours to know, all else is asked of ops."""

from __future__ import annotations

import re
from typing import Final

import aiohttp
import msgspec
from sqlalchemy.ext.asyncio import AsyncEngine

from cutlog.auth.credentials import Identity
from cutlog.contract.answers.internal import Object
from cutlog.contract.keys import ARCHIVE, ORIGINALS, ArchivedVideoKey, UnknownKeyError, originals_of, parse_key
from cutlog.web.problems import not_found, unavailable
from services.media.sql import statement

SECONDS: Final = 5.0
_HAS_KEY: Final = statement("compat_has_key")
_ORIGINAL: Final = re.compile(rf"{ORIGINALS}/([0-9a-f]{{64}}\.[0-9]{{1,18}}\.[a-z0-9]{{1,8}})")


class Places:
    """`ops` is the base URL of that service, `identity` this one's own."""

    def __init__(self, engine: AsyncEngine, ops: str | None, identity: Identity) -> None:
        self._engine, self._ops, self._identity = engine, ops, identity

    async def key_at(self, tenant: str, path: str) -> str:
        """The key of a tenant's file. Raises Problem 404; 503 while ops does not answer."""
        if (named := _ORIGINAL.fullmatch(path)) is not None:
            key = f"{originals_of(tenant)}/{named[1]}"
        elif _archived(path) is not None:
            key = path
        else:
            return await self._asked(tenant, path)
        async with self._engine.connect() as connection:
            if not (await connection.execute(_HAS_KEY, {"tenant": tenant, "key": key})).scalar_one():
                raise not_found("The file")
        return key

    async def _asked(self, tenant: str, path: str) -> str:
        if self._ops is None:
            raise not_found("The file")
        where = f"{self._ops.rstrip('/')}/internal/tenants/{tenant}/uploads"
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS)) as session,
                session.get(where, params={"path": path}, headers=self._identity.headers()) as response,
            ):
                if response.status in (404, 422):
                    raise not_found("The file")
                response.raise_for_status()
                return msgspec.json.decode(await response.read(), type=Object).key
        except (aiohttp.ClientError, OSError, TimeoutError, msgspec.MsgspecError):
            raise unavailable("The ops service does not answer.") from None


def _archived(path: str) -> ArchivedVideoKey | None:
    """The key of a video in the archive, if the path is one."""
    if not path.startswith(f"{ARCHIVE}/"):
        return None
    try:
        key = parse_key(path)
    except UnknownKeyError:
        return None
    return key if isinstance(key, ArchivedVideoKey) else None
