"""What other stores and their frontends say, as commands: versions of a store that moves in, and single edits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

import msgspec

from cutlog.contract.ids import is_id
from cutlog.contract.imports import Written
from cutlog.contract.letters import ANY
from cutlog.contract.limits import MAX_OPS
from cutlog.contract.ops import Op
from services.ops.decide.commands import CommitOps
from services.ops.decide.importing import ImportVersions
from services.ops.decide.project_state import ProjectState
from services.ops.decide.refusals import NotTranslatedError
from services.ops.edits.sources import Material
from services.ops.legacy.draft import Draft
from services.ops.legacy.reading import UntranslatableError
from services.ops.legacy.translate import meant, opened_with
from services.ops.legacy.wording import instead, settled, unwrapped
from services.ops.project.asked import OldBatch, OldVersions
from services.ops.project.catalog import Catalog, Shelf

DEEPEST: Final = 8


class Moving:
    """The media that versions of another store may use: those of a shelf, and those that a dry run looked into. What
    failed to be processed was shown there."""

    trusted = False
    letters = ANY

    def __init__(self, shelf: Shelf, rehearsed: Mapping[str, Material]) -> None:
        self._shelf, self._rehearsed, self.budget = shelf, rehearsed, shelf.budget

    def get(self, media: str, /) -> Material | None:
        """Facts of a media."""
        found = self._shelf.get(media)
        return self._rehearsed.get(media) if found is None else msgspec.structs.replace(found, failed=False)

    def sha256(self, media: str) -> str:
        """SHA-256 of the content; the id of one that is not here."""
        return self._shelf.sha256(media) if self._shelf.get(media) is not None else media


async def versions(asked: OldVersions, state: ProjectState | None, catalog: Catalog, tenant: str) -> ImportVersions:
    """The versions with the media that they use."""
    used = state.sequence.uses if state is not None else ()
    # What another store showed is history: its texts are not doubted, whatever they are made of.
    shelf = await catalog.shelf(tenant, set(asked.videos.values()) | set(used), ANY)
    moving = Moving(shelf, asked.rehearsed)
    return ImportVersions(
        asked.run, asked.source, asked.legacy_id, asked.name, asked.canvas, asked.created_at, asked.versions,
        asked.videos, moving, moving.sha256, asked.conventions, asked.videos.get(asked.film or ""), asked.seconds,
        asked.metadata,
    )  # fmt: skip


async def batch(asked: OldBatch, state: ProjectState, catalog: Catalog, tenant: str) -> CommitOps:
    """Our ops that the old ones mean. Raises NotTranslatedError: none is half done."""
    named = set(_words(asked.sent)) | ({asked.film} if asked.film else set())
    called = await catalog.aliases(tenant, named)
    meaning = {each: called.get(each, each) for each in named}
    shelf = await catalog.shelf(tenant, chain(state.sequence.uses, meaning.values()))
    videos = {each: media for each, media in meaning.items() if shelf.get(media) is not None}
    made = _meant(asked.sent, state, shelf, videos, meaning.get(asked.film or ""))
    typed = msgspec.convert(made, tuple[Op, ...])
    return CommitOps(typed, tuple(made), shelf, shelf.sha256, written=Written(ops=asked.sent))


def _meant(
    sent: tuple[dict[str, Any], ...], state: ProjectState, shelf: Shelf, videos: dict[str, str], film: str | None
) -> list[dict[str, Any]]:
    """What ops mean in ours, for the next version of a project, which begins as `film` if there is one. Raises
    NotTranslatedError."""
    version, sequence = state.version + 1, state.sequence
    made: list[dict[str, Any]] = []
    if version == 1 and film is not None:
        try:
            made, sequence = opened_with(film, None, sequence, shelf)
        except UntranslatableError as error:
            raise NotTranslatedError(f"Video {film} cannot be added to the timeline: {error}.") from None
    given = [unwrapped(op) for op in sent]
    seconds = float(sequence.duration / sequence.canvas.fps.fraction)
    try:
        conventions = settled(given, seconds, whole_film=film is not None)
    except UntranslatableError as error:
        raise NotTranslatedError(f"{error}.") from None
    for index, op in enumerate(given):
        draft = Draft(sequence, videos, shelf, f"c{version}-{index}")
        try:
            meant(op, draft, conventions)
        except UntranslatableError as error:
            raise NotTranslatedError(f"ops[{index}]: {error}. Nothing was changed. {instead(op, sequence)}") from None
        made += draft.ops
        sequence = draft.sequence
        if len(made) > MAX_OPS:
            raise NotTranslatedError(f"The ops lead to more than {MAX_OPS} changes of clips; send fewer at once.")
    return made


def _words(value: Any, depth: int = 0) -> Iterator[str]:
    """Everything in ops that could be the id of a video."""
    match value:
        case str() if is_id(value):
            yield value
        case Mapping() if depth < DEEPEST:
            for each in value.values():
                yield from _words(each, depth + 1)
        case list() | tuple() if depth < DEEPEST:
            for each in value:
                yield from _words(each, depth + 1)
        case _:
            pass
