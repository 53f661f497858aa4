"""The keys of uploads, whether they are in their place or in the archive. Pure."""

from __future__ import annotations

from cutlog.contract.keys import ArchivedVideoKey, Content, OriginalKey, UnknownKeyError, parse_key


def archived_video(media_id: str, key: str) -> ArchivedVideoKey:
    """The key in the archive of the original at `key`, or of one that is in the archive already. Raises
    UnknownKeyError."""
    match parse_key(key):
        case OriginalKey(content=content, suffix=suffix):
            return ArchivedVideoKey(media_id, content.sha256, content.generation, suffix)
        case ArchivedVideoKey(sha256=sha256, generation=generation, suffix=suffix):
            return ArchivedVideoKey(media_id, sha256, generation, suffix)
        case _:
            raise UnknownKeyError(f"not the key of an original: {key[:512]!r}")


def original_of(key: str) -> Content:
    """The content of the original at `key`. Raises UnknownKeyError."""
    match parse_key(key):
        case OriginalKey(content=content):
            return content
        case _:
            raise UnknownKeyError(f"not the key of an original: {key[:512]!r}")
