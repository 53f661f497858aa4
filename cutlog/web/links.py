"""Links to stored files: in bodies, and as the answer of a route that leads to one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec

from cutlog.contract.base import Wire
from cutlog.web.reply import JSON, Reply
from cutlog.web.request import Request


class FileLink(Wire):
    """Where a file is, until when."""

    url: str
    expires_at: datetime


class Signs(Protocol):
    """What makes links to objects that whoever has them may follow: a store."""

    async def url(self, key: str, *, seconds: int = ..., filename: str | None = None) -> str: ...


class Links(msgspec.Struct, frozen=True):
    """Links to the objects of a store. Where the gateway serves these, absolute URLs begin with `public_url`."""

    store: Signs
    public_url: str

    async def url(self, key: str, *, seconds: int, filename: str | None = None) -> str:
        """An absolute URL that works for so many seconds; `filename` is what a browser saves the file as."""
        return self.absolute(await self.store.url(key, seconds=seconds, filename=filename))

    async def lead(self, req: Request[Any, Any], key: str, *, seconds: int, filename: str | None = None) -> Reply:
        """302 to the file; to those who name application/json in Accept, 200 with a FileLink: a script of another
        origin can't follow a redirect to a bucket, before which browsers call its origin `null`."""
        expires = datetime.now(UTC) + timedelta(seconds=seconds)
        url = await self.store.url(key, seconds=seconds, filename=filename)
        headers = {"Cache-Control": "no-store", "Vary": "Accept"}
        if JSON in (kind.partition(";")[0].strip().lower() for kind in req.accept.split(",")):
            return Reply(200, FileLink(url=self.absolute(url), expires_at=expires), headers)
        return Reply.redirect(url, headers=headers)

    def absolute(self, url: str) -> str:
        """The same, with the gateway's address before a path."""
        return self.public_url.rstrip("/") + url if url.startswith("/") else url
