"""What a service offers to be proven by: which rows it derives from events, which objects it holds on to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:  # services are loaded to be run: what only fsck needs comes with fsck
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

    from cutlog.blobs import BlobStore
    from cutlog.bus.shadow import Derived
    from cutlog.contract.belonging import Held
    from cutlog.contract.envelope import RawEvent
    from cutlog.ffmpeg import Ffmpeg
    from cutlog.hosting.settings import Settings


class Unreadable(Exception):
    """Another build wrote the object, or nobody of cutlog; the garbage collector stops at it."""


class Kept(msgspec.Struct, frozen=True):
    """An object that must be there: `what` of whose (`owner`), with its bytes and its SHA-256 in hex. `made_by` is the
    service that can make it again."""

    key: str
    size: int
    sha256: str
    what: str
    owner: str
    made_by: str | None = None


class Fault(msgspec.Struct, frozen=True):
    """Something that is not as it must be: `name` says of what, `detail` what was found."""

    name: str
    detail: str


@dataclass(frozen=True)
class House:
    """A service's part of a stack: `engine` is on its schema with all rights, `settings` are as it gets them."""

    engine: AsyncEngine
    blobs: BlobStore
    settings: Settings

    async def ffmpeg(self) -> Ffmpeg:
        """The stack's own build. Raises SandboxUnavailableError, BinaryNotFoundError."""
        from cutlog.ffmpeg import Ffmpeg

        return await Ffmpeg.find(self.settings)


@dataclass(frozen=True)
class Proof:
    """Functions get a connection, or an engine, on which the service's tables are found without their schema.

    - `derived`: the rows that follow from events; `held`: the objects that must be there, as such rows say that are
      right.
    - `events(connection, after, limit)`: the log, in order. Only the service that keeps it has this.
    - `kept`: the objects that must be there, as rows say that follow from no event. `loose`: keys that somebody works
      on just now, and with a slash at the end folders. `moved`: keys of files that the log has sent on their way and
      that have not arrived, by the key where they arrive.
    - `faults`: what else must hold in the service's rows. Told, and never mended.
    - `counts`: references to each media, as the service counts them; all services must count the same.
    - `stale`: what the service remembers so as not to compute it again, and remembers wrongly; `forget` drops it.
    - `owns`: prefixes of the store below which there is nothing but what somebody keeps. `belonging`: what the garbage
      collector knows to be referred to, by which it says what else there may be.
    - `cache`: the prefix below which all can be made again; `sound(key, data)`: whether an object of it is whole.
      Raises Unreadable for what this build cannot judge.
    - `mend(house, kept)`: makes an object again, or has it made; what was done, or None where it can't be done.
    - `passing`: tables that speak of what is under way, and is over when the database is restored from a backup.
    """

    derived: Derived | None = None
    held: Callable[[AsyncConnection], AsyncIterator[Kept]] | None = None
    events: Callable[[AsyncConnection, int, int], Awaitable[Sequence[RawEvent]]] | None = None
    kept: Callable[[AsyncConnection], AsyncIterator[Kept]] | None = None
    loose: Callable[[AsyncConnection], Awaitable[set[str]]] | None = None
    moved: Callable[[AsyncConnection], Awaitable[dict[str, str]]] | None = None
    faults: Callable[[AsyncConnection], AsyncIterator[Fault]] | None = None
    counts: Callable[[AsyncConnection], Awaitable[dict[str, int]]] | None = None
    stale: Callable[[AsyncEngine], AsyncIterator[Fault]] | None = None
    forget: Callable[[AsyncEngine, str], Awaitable[None]] | None = None
    owns: Sequence[str] = field(default=())
    cache: str | None = None
    belonging: Callable[[AsyncConnection], Awaitable[Held]] | None = None
    sound: Callable[[str, bytes], bool] | None = None
    mend: Callable[[House, Kept], Awaitable[str | None]] | None = None
    passing: Sequence[str] = field(default=())
