"""One run: everything is looked at; what seems wrong is looked at again a little later; then it is mended, if asked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from cutlog.hosting.proof import Kept
from cutlog.operate.fsck import objects, rows, stream
from cutlog.operate.fsck.objects import Wanted
from cutlog.operate.fsck.report import Finding, Report
from cutlog.operate.fsck.stack import Stack, reached

AGAIN: Final = (1.0, 3.0)
"""Seconds: what was under way has ended by then."""


@dataclass
class _Look:
    findings: list[Finding]
    must: Wanted


async def fsck(data: Path, *, repair: bool = False, read: bool = True, again: Sequence[float] = AGAIN) -> Report:
    """Looks at the stack that runs on `data`; what is wrong is looked at again after `again` seconds each.

    `read`: objects byte by byte, else by their sizes. Raises NotRunning.
    """
    async with reached(data) as stack:
        return await proven(stack, repair=repair, read=read, again=again)


async def proven(stack: Stack, *, repair: bool = False, read: bool = True, again: Sequence[float] = AGAIN) -> Report:
    """The same of a stack, or of some of its services."""
    seen: dict[str, int] = {}
    look = await _look(stack, read, seen)
    for pause in again:
        if not look.findings:
            break
        await asyncio.sleep(pause)
        before = {(finding.check, finding.name) for finding in look.findings}
        look = await _look(stack, read, {})
        look.findings = [finding for finding in look.findings if (finding.check, finding.name) in before]
    found = await _repaired(stack, look) if repair else look.findings
    return Report(tuple(found), seen)


async def _look(stack: Stack, read: bool, seen: dict[str, int]) -> _Look:
    found: list[Finding] = []
    async with stack.engine.connect() as connection:
        await connection.execution_options(isolation_level="REPEATABLE READ")
        async with connection.begin() as transaction:
            must = await objects.wanted(stack.proofs, connection)
            found += [finding async for finding in rows.faults(stack, connection)]
            found += [finding async for finding in rows.counts(stack, connection)]
            found += [finding async for finding in stream.differing(stack, connection, seen)]
            found += [finding async for finding in rows.projections(stack, connection, must, seen)]
            await transaction.rollback()
    found += [finding async for finding in rows.remembered(stack)]
    found += [finding async for finding in objects.damaged(stack, must, read, seen)]
    found += [finding async for finding in objects.strays(stack, must)]
    if read:
        found += [finding async for finding in objects.torn(stack, seen)]
    return _Look(found, must)


async def _repaired(stack: Stack, look: _Look) -> list[Finding]:
    """The same findings, those mended that can be, the log's own first: all else follows from it."""
    found: list[Finding] = []
    derived: dict[str, str] = {}
    made: dict[tuple[str | None, str], str | None] = {}
    for finding in sorted(look.findings, key=lambda finding: _turn(stack, look.must, finding)):
        match finding.check:
            case "projection" if "." in finding.name:
                service = finding.name.partition(".")[0]
                if service not in derived:
                    derived[service] = await rows.derive_again(stack, service)
                found.append(_with_repair(finding, derived[service]))
            case "stream":
                found.append(_with_repair(finding, await stream.published_again(stack)))
            case "snapshot":
                found.append(_with_repair(finding, await _forgotten(stack, finding.name)))
            case "cache":
                await stack.blobs.delete(finding.name)
                found.append(_with_repair(finding, "removed; it is made again when it is needed"))
            case "object":
                kept = look.must.kept[finding.name]
                if (whose := (kept.made_by, kept.owner)) not in made:
                    made[whose] = await _made(stack, kept)
                found.append(_with_repair(finding, made[whose]))
            case _:
                found.append(finding)
    return found


def _with_repair(finding: Finding, done: str | None) -> Finding:
    return finding if done is None else msgspec.structs.replace(finding, repaired=done, remedy=None)


def _turn(stack: Stack, must: Wanted, finding: Finding) -> int:
    """Rows come first, then caches, then what is made of originals, and last what is made of that."""
    if finding.check != "object":
        return 0
    maker = must.kept[finding.name].made_by
    return 2 if maker is not None and stack.proofs[maker].cache is not None else 1


async def _made(stack: Stack, kept: Kept) -> str | None:
    if kept.made_by is None or (mend := stack.proofs[kept.made_by].mend) is None:
        return None
    return await mend(stack.houses[kept.made_by], kept)


async def _forgotten(stack: Stack, name: str) -> str | None:
    for service, proof in stack.proofs.items():
        if proof.forget is not None:
            await proof.forget(stack.houses[service].engine, name)
            return "forgotten; it is computed again"
    return None
