"""The brake: in one run no more than a part of all there is of a class may be deleted, whatever plans say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final, assert_never

import msgspec
from sqlalchemy import TextClause
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.blobs import BlobStore
from cutlog.contract.answers.collection import Candidate, Class, Policy
from services.gc.errors import GcError
from services.gc.report import store
from services.gc.sql import statement

_EXPORTS: Final = statement("brake_exports")
_PROXIES: Final = statement("brake_proxies")
_VIDEOS: Final = statement("brake_videos")

FLOOR: Final = 1
"""So many objects of a class may always go, or a small installation could delete nothing; but none at all where
`maxDeleteFraction` is 0."""


class BrakedError(GcError):
    """The run would delete more than `maxDeleteFraction` allows."""


class Share(msgspec.Struct, frozen=True):
    """Of `count` objects with `size` bytes, `chosen` with `chosen_size` bytes are to go."""

    what: str
    count: int
    size: int
    chosen: int
    chosen_size: int


def pull(policy: Policy, share: Share) -> None:
    """Raises BrakedError when too large a part of a class is to go, by number or by bytes."""
    most = policy.max_delete_fraction
    too_many = share.chosen > most * share.count or share.chosen_size > most * share.size
    if too_many and (share.chosen > FLOOR or most == 0):
        raise BrakedError(
            f"{share.chosen} of {share.count} {share.what} ({share.chosen_size} of {share.size} bytes) would be "
            f"deleted; maxDeleteFraction is {most}. Delete fewer at a time, or use a policy that allows more."
        )


async def brake(
    connection: AsyncConnection, blobs: BlobStore, tenant: str, policy: Policy, lines: Iterable[Candidate]
) -> None:
    """Looks at what is to go by its classes. Raises BrakedError, ObjectUnreadable."""
    async for share in _shares(connection, blobs, tenant, lines):
        pull(policy, share)


async def _shares(
    connection: AsyncConnection, blobs: BlobStore, tenant: str, lines: Iterable[Candidate]
) -> AsyncIterator[Share]:
    chosen: dict[Class, list[Candidate]] = {}
    for line in lines:
        chosen.setdefault(line.class_, []).append(line)
    for class_, of_class in chosen.items():
        match class_:
            case "export":
                yield await _counted(connection, "exports", _EXPORTS, tenant, [line.id for line in of_class])
            case "proxy":
                yield await _counted(connection, "proxies", _PROXIES, tenant, [line.key for line in of_class])
            case "video":
                yield await _counted(connection, "videos", _VIDEOS, tenant, [line.id for line in of_class])
            case "segment":
                segments = await store.segments(connection, blobs, tenant)
                yield _summed("segments", [(each.key, each.size) for each in segments], of_class)
            case "preview":
                previews = await store.previews(connection, blobs, tenant)
                yield _summed("previews", [(each.key, each.size) for each in previews], of_class)
            case "leftover":
                beside = [(head.key, head.size) async for head, _ in store.beside(connection, blobs, tenant)]
                yield _summed("objects among uploads and in the archive", beside, of_class)
            case _:
                assert_never(class_)


async def _counted(
    connection: AsyncConnection, what: str, statement: TextClause, tenant: str, chosen: list[str]
) -> Share:
    counted = await connection.execute(statement, {"tenant": tenant, "chosen": chosen})
    return Share(what, *map(int, counted.one()))


def _summed(what: str, there: Sequence[tuple[str, int]], lines: Iterable[Candidate]) -> Share:
    keys = {line.key for line in lines}
    chosen = [size for key, size in there if key in keys]
    return Share(what, len(there), sum(size for _, size in there), len(chosen), sum(chosen))
