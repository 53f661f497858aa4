"""What an object is to the store: the one definition by which gc offers objects and fsck finds those that nobody keeps.

Pure. What is referred to is known from rows; what follows from that for an object is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, assert_never

import msgspec

from cutlog.contract.keys import (
    ARCHIVE,
    CACHE,
    DERIVED,
    ORIGINALS,
    ArchivedExportKey,
    ArchivedVideoKey,
    CacheKey,
    Content,
    ExportKey,
    ImportKey,
    ObjectKey,
    OriginalKey,
    PartKey,
    ProxyKey,
    ReceiptKey,
    RenditionKey,
    SliceKey,
    StreamKey,
    ThumbnailKey,
)

COLLECTED: Final = (ORIGINALS, DERIVED, CACHE, ARCHIVE)
"""Prefixes below which gc looks for what it may offer; a key there that it does not know stops its plans."""

Place = Literal["kept", "segment", "preview", "receipt", "superseded", "leftover", "stray"]
"""- `kept`: something refers to it.
- `segment`: a file of the render cache that renders are made of. gc offers it when no kept render is, after a time.
- `preview`: a frame or thumbnail that was made because a viewer asked for it. gc offers it after a time.
- `receipt`: what a render was made of. It stays.
- `superseded`: a rendition of an earlier examination. Only what is under way may need it; gc offers it after a day.
- `leftover`: nothing refers to it, and nothing will. gc offers it after a day.
- `stray`: nothing is known to refer to it, but somebody may write or need it. gc does not offer it."""


class Held(msgspec.Struct, frozen=True):
    """What rows refer to: `keys`, of files that are on their way too; the `contents` of videos that are not deleted;
    and as `owners` the ids of exports and videos, of deleted ones too. `revisions`: of contents that were examined
    again, which examination's renditions are theirs."""

    keys: frozenset[str] = frozenset()
    contents: frozenset[Content] = frozenset()
    owners: frozenset[str] = frozenset()
    revisions: Mapping[Content, int] = {}


def place(key: ObjectKey, held: Held) -> Place:
    """What an object is, by its key and what is held."""
    if str(key) in held.keys:
        return "kept"
    match key:
        case CacheKey(kind="jpeg" | "png"):
            return "preview"
        case CacheKey():
            return "segment"
        case ReceiptKey():
            return "receipt"
        case ThumbnailKey(content=content, revision=revision):
            return _made(held, content, revision, "preview")
        case (
            RenditionKey(content=content, revision=revision)
            | StreamKey(content=content, revision=revision)
            | SliceKey(content=content, revision=revision)
        ):
            # Only media knows which renditions a video has, and it may be making them just now.
            return _made(held, content, revision, "stray")
        case OriginalKey():
            return "leftover"
        case ArchivedExportKey(export_id=owner) | ArchivedVideoKey(media_id=owner):
            return "leftover" if owner in held.owners else "stray"
        case ProxyKey() | ExportKey() | ImportKey() | PartKey():
            return "stray"
        case unknown:
            assert_never(unknown)


def _made(held: Held, content: Content, revision: int, where: Place) -> Place:
    """What was made of a video: where it is, unless a later examination, or nobody, has taken its place."""
    if content not in held.contents:
        return "leftover"
    return where if revision >= held.revisions.get(content, 0) else "superseded"
