"""Rows: the log by itself, what is derived from it, and what services remember of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from cutlog.bus.shadow import Derived, Read, differences, fold, hold, shadows, size, swap
from cutlog.bus.tables import reached
from cutlog.contract.envelope import RawEvent, UnknownEventTypeError
from cutlog.operate.fsck.objects import Wanted
from cutlog.operate.fsck.report import Finding
from cutlog.operate.fsck.stack import Stack

_HEAD: Final = "SELECT position FROM head"


async def projections(
    stack: Stack, connection: AsyncConnection, must: Wanted, seen: dict[str, int]
) -> AsyncIterator[Finding]:
    """Compares the rows of each service with a fresh fold up to where it says that it is. Adds to `must` the objects
    that such a fold holds on to."""
    for service, proof in stack.proofs.items():
        if (derived := proof.derived) is None:
            continue
        until = await _until(stack, connection, service, derived)
        async with shadows(connection, service, derived):
            try:
                position = await fold(connection, _reading(stack, connection), derived, until)
            except (UnknownEventTypeError, msgspec.ValidationError) as error:
                yield Finding("log", service, f"an event can't be read: {error}", remedy="run the build that wrote it")
                continue
            if position < until:
                detail = f"it says that it has read {until} events, and the log ends at {position}"
                yield Finding("projection", service, detail, remedy="restore the newer database, or rebuild it")
            seen["events"] = max(seen.get("events", 0), position)
            if proof.held is not None:
                must.kept |= {kept.key: kept async for kept in proof.held(connection)}
            for table in derived.tables:
                rows = await size(connection, table)
                seen["rows"] = seen.get("rows", 0) + rows
                async for what, row in differences(connection, service, table):
                    yield Finding(
                        "projection", f"{service}.{table}", f"{what}: {row}", remedy="cutlog fsck --repair derives it"
                    )


async def derive_again(stack: Stack, service: str) -> str:
    """The rows of a service made anew from the log, in one transaction that its writers wait for."""
    derived = stack.proofs[service].derived
    assert derived is not None, "what differs was derived"
    async with stack.engine.begin() as connection:
        await connection.exec_driver_sql(f'SET LOCAL search_path = "{service}"')
        await hold(connection, derived)
        until = await _until(stack, connection, service, derived)
        async with shadows(connection, service, derived):
            await fold(connection, _reading(stack, connection), derived, until)
            await swap(connection, service, derived)
    return f"derived again from {until} events"


async def faults(stack: Stack, connection: AsyncConnection) -> AsyncIterator[Finding]:
    """What else must hold in a service's rows."""
    for service, proof in stack.proofs.items():
        if proof.faults is None:
            continue
        await connection.exec_driver_sql(f'SET LOCAL search_path = "{service}"')
        async for fault in proof.faults(connection):
            yield Finding("log" if service == stack.log else "count", fault.name, fault.detail)


async def counts(stack: Stack, connection: AsyncConnection) -> AsyncIterator[Finding]:
    """References to media as each service counts them, compared with those that the log's keeper counts."""
    counted: dict[str, dict[str, int]] = {}
    for service, proof in stack.proofs.items():
        if proof.counts is not None:
            await connection.exec_driver_sql(f'SET LOCAL search_path = "{service}"')
            counted[service] = await proof.counts(connection)
    truth = counted.pop(stack.log, {})
    for service, theirs in counted.items():
        for media in sorted(truth.keys() | theirs.keys()):
            if truth.get(media, 0) != theirs.get(media, 0):
                detail = f"{service} counts {theirs.get(media, 0)} references, the log {truth.get(media, 0)}"
                yield Finding("count", media, detail, remedy="find out why; counts are never repaired automatically")


async def remembered(stack: Stack) -> AsyncIterator[Finding]:
    """What services remember, compared with what the log says."""
    for service, proof in stack.proofs.items():
        if proof.stale is not None:
            async for fault in proof.stale(stack.houses[service].engine):
                yield Finding("snapshot", fault.name, fault.detail, remedy="cutlog fsck --repair forgets it")


def _reading(stack: Stack, connection: AsyncConnection) -> Read:
    """Reads the log's own tables on a connection that sees others'."""
    events = stack.proofs[stack.log].events
    assert events is not None, "somebody keeps the log"

    async def read(after: int, limit: int) -> Sequence[RawEvent]:
        path = (await connection.exec_driver_sql("SHOW search_path")).scalar_one()
        await connection.exec_driver_sql(f'SET LOCAL search_path = "{stack.log}"')
        page = await events(connection, after, limit)
        await connection.exec_driver_sql(f"SET LOCAL search_path = {path}")
        return page

    return read


async def _until(stack: Stack, connection: AsyncConnection, service: str, derived: Derived) -> int:
    schema = stack.log if derived.checkpoint is None else service
    await connection.exec_driver_sql(f'SET LOCAL search_path = "{schema}"')
    if derived.checkpoint is not None:
        return await reached(connection, derived.checkpoint)
    return int((await connection.exec_driver_sql(_HEAD)).scalar_one_or_none() or 0)
