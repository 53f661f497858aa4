"""A backup, while edits go on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

import cutlog
from cutlog.db.holds import holding
from cutlog.operate.backup.copying import ObjectUnusable, Saving, Tell
from cutlog.operate.backup.place import DATABASE, FORMAT, Manifest, Place
from cutlog.operate.backup.source import (
    Named,
    Source,
    moving_files,
    named,
    passing,
    proofs,
    reaching,
    save_records,
    save_secrets,
    snapshot,
)
from cutlog.operate.stack.dump import dump

ATTEMPTS: Final = 5
"""Snapshots that are taken until one has all that it names: films that are rendered again replace their files."""
AGAIN: Final = (1.0, 3.0)
"""Seconds after which an object that seems wrong is looked at again: what was under way has ended by then."""


class TooMuchChange(Exception):
    """Objects changed faster than they could be copied."""


class Made(msgspec.Struct, frozen=True, rename="camel"):
    """A backup that was made: where, up to which event, what it holds, and how much of that had to be copied."""

    name: str
    folder: str
    position: int
    objects: int
    bytes: int
    copied_objects: int
    copied_bytes: int
    lacking: tuple[str, ...]
    forgotten: tuple[str, ...]


async def backup(
    source: Source,
    root: Path,
    *,
    read: bool = True,
    secrets: bool = True,
    damaged: bool = False,
    keep: int | None = None,
    tell: Tell = lambda key, size: None,
    again: Sequence[float] = AGAIN,
) -> Made:
    """Makes one in the folder `root`.

    With `read` files that are there are read before they are trusted. `damaged`: objects that are lost or broken are
    left out and named, in place of an error. `keep`: so many backups stay, the newest.

    Raises NoPlace, PlaceBusy, ObjectUnusable, TooMuchChange, AlreadyHeld, LeaseLost, DatabaseFailed, OSError.
    """
    of = proofs()
    async with AsyncExitStack() as parts:
        place = parts.enter_context(Place.made(root))
        engine, mover = reaching(source.owner, "public"), reaching(source.owner, moving_files(of))
        parts.push_async_callback(engine.dispose)
        parts.push_async_callback(mover.dispose)
        saving = Saving(source.blobs, place, read=read, tell=tell)
        async with snapshot(engine) as (connection, _):
            now = await named(connection, of)
        place.belongs_to(now.log)
        await saving.all(now.items.values(), now.sources)  # what changes meanwhile is copied below

        async def look() -> Named:
            async with snapshot(engine) as (connection, _):
                return await named(connection, of)

        changed: set[str] = set()
        for _ in range(ATTEMPTS):
            async with holding(mover):
                place.draft.mkdir(mode=0o700, exist_ok=True)
                if source.data is not None:
                    await asyncio.to_thread(save_records, source.data, place.draft)
                at = datetime.now(UTC)
                async with snapshot(engine) as (connection, moment):
                    now = await named(connection, of)
                    await dump(source.owner, place.draft / DATABASE, moment, passing(of))
                faults = await saving.all(now.items.values(), now.sources)
                lost, changed = await _lost(faults, now, look, saving, again)
            if lost and not damaged:
                key, why = min(lost.items())
                raise ObjectUnusable(f"{key}: {why}{_others(len(lost) - 1)}")
            if not changed:
                break
        else:
            raise TooMuchChange(
                f"{len(changed)} differed from the snapshot in each of {ATTEMPTS} attempts; try again later"
            )
        if secrets and source.data is not None:
            save_secrets(source.data, place.draft)
        items = sorted((item for key, item in now.items.items() if key not in lost), key=lambda item: item.key)
        manifest = Manifest(
            format=FORMAT, version=cutlog.__version__, at=at, log=now.log, position=now.position, objects=len(items),
            bytes=sum(item.size for item in items), files={}, lacking=tuple(sorted(lost)),
        )  # fmt: skip
        name = place.publish(manifest, items)
        place.belongs_to(now.log)
        gone = place.forget(keep) if keep is not None else []
    return Made(
        name=name, folder=str(root), position=now.position, objects=len(items), bytes=manifest.bytes,
        copied_objects=saving.copied.objects, copied_bytes=saving.copied.bytes, lacking=manifest.lacking,
        forgotten=tuple(gone),
    )  # fmt: skip


async def _lost(
    faults: Mapping[str, str], then: Named, look: Callable[[], Awaitable[Named]], saving: Saving, again: Sequence[float]
) -> tuple[dict[str, str], set[str]]:
    """Which objects are lost or broken, since they are not as the database still names them, and why; and for which the
    snapshot is too old, since it names them otherwise by now."""
    left, changed = dict(faults), set[str]()
    for pause in again if faults else ():
        await asyncio.sleep(pause)
        now = await look()
        changed |= {key for key in left if now.items.get(key) != then.items[key]}
        left = await saving.all([then.items[key] for key in left if key not in changed], now.sources)
    return left, changed


def _others(number: int) -> str:
    return f" (and {number} others)" if number else ""
