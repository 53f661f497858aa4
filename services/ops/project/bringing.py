"""Files of other programs, as ops for one state of a project."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence as Several
from itertools import chain
from typing import Any, Final

import msgspec

from cutlog.contract.answers.edits import Loss, Missing
from cutlog.contract.ops import Op
from cutlog.contract.timeline import TextSource
from services.ops.decide.commands import CommitOps
from services.ops.decide.project_state import ProjectState
from services.ops.edits.errors import EditError
from services.ops.edits.sequence import Sequence
from services.ops.interchange import batch
from services.ops.interchange.captions import added, letters_on
from services.ops.interchange.clips import Absent
from services.ops.interchange.converter import FileRefusedError
from services.ops.interchange.losses import Ledger
from services.ops.interchange.reading import Draft, canvas_of, read
from services.ops.project.asked import CaptionsFile, TimelineFile
from services.ops.project.catalog import Catalog
from services.ops.project.errors import MediaMissingError, NothingToImportError, VersionTooLargeError

MAX_OPS_BYTES: Final = 3 << 20
"""Bytes of the ops of one version that were made here: PostgreSQL and NATS hold an event of twice that."""

Brought = tuple[CommitOps, tuple[Loss, ...], tuple[Missing, ...]]
"""The command, what of the file is not kept, and which media it names in vain."""


async def timeline(asked: TimelineFile, state: ProjectState, catalog: Catalog, tenant: str) -> Brought:
    """The ops that a timeline becomes. Raises MalformedError, ImportRefusedError."""
    draft = await asyncio.to_thread(_draft, asked, state.sequence)
    if draft.missing and asked.missing == "refuse":
        raise MediaMissingError(draft.missing)
    shelf = await catalog.shelf(tenant, chain(state.sequence.uses, await asyncio.to_thread(_media, draft)))
    built = batch.Batch(state.sequence, shelf, draft.losses)
    await asyncio.to_thread(built.build, draft, asked.mode)
    ops, losses = tuple(built.ops), draft.losses.report()
    stored, size = await asyncio.to_thread(_stored, ops)
    message = asked.message or f"import {asked.format}{f': {draft.name}' if draft.name else ''}"[:2_000]
    command = CommitOps(ops, stored, shelf, shelf.sha256, asked.expected_version, message, size=size)
    return command, losses, tuple(draft.missing)


async def captions(asked: CaptionsFile, state: ProjectState, catalog: Catalog, tenant: str) -> Brought:
    """The op that a file of captions becomes. Raises FileRefusedError, ImportRefusedError."""
    ledger, sequence = Ledger(), state.sequence
    shelf = await catalog.shelf(tenant, sequence.uses)
    letters = letters_on(asked.track, sequence, shelf)
    try:
        op = await asyncio.to_thread(
            added, asked.track, asked.format, asked.file, sequence.canvas.fps, letters, ledger
        )  # fmt: skip
    except EditError as error:
        raise FileRefusedError(f"{error.detail[0].upper()}{error.detail[1:]}.") from None
    message = asked.message or f"import {asked.format}"
    stored, size = await asyncio.to_thread(_stored, (op,))
    command = CommitOps((op,), stored, shelf, shelf.sha256, asked.expected_version, message, size=size)
    return command, ledger.report(), ()


def as_stored(ops: Several[Op]) -> tuple[dict[str, Any], ...]:
    """Ops that were made here, as the log keeps them. Raises NothingToImportError, VersionTooLargeError."""
    return _stored(ops)[0]


def _stored(ops: Several[Op]) -> tuple[tuple[dict[str, Any], ...], int]:
    """The same, and their bytes as JSON."""
    if not ops:
        raise NothingToImportError
    stored, size = [], 2
    for op in ops:  # each by itself: meanwhile, other threads get their turns
        encoded = msgspec.json.encode(op)
        size += len(encoded) + 1
        if size <= MAX_OPS_BYTES:
            stored.append(msgspec.json.decode(encoded, type=dict[str, Any]))
    if size > MAX_OPS_BYTES:
        raise VersionTooLargeError(len(ops), size, MAX_OPS_BYTES)
    return tuple(stored), size


def _draft(asked: TimelineFile, sequence: Sequence) -> Draft:
    told = asked.timeline
    canvas, exact = (sequence.canvas, False) if asked.mode == "append" else canvas_of(told, sequence.canvas)
    absent: Absent = "skip" if asked.missing == "skip" else "color"
    return read(told, canvas, exact, asked.library, sequence.taken.__contains__, Ledger(asked.losses), absent)


def _media(draft: Draft) -> list[str]:
    """The media of a draft."""
    shown = [getattr(clip.source, "media", None) for track in draft.tracks for clip in track.clips]
    used = [effect.params.get("media") for track in draft.tracks for clip in track.clips for effect in clip.effects]
    texts = [clip.source.text for track in draft.tracks for clip in track.clips if isinstance(clip.source, TextSource)]
    fonts = [*(text.font for text in texts), *(track.caption_font for track in draft.tracks)]
    return [media for media in (*shown, *used, *fonts) if isinstance(media, str)]
