"""Paths of files as the old backend named them: where its frontends fetch what our store has under a key. Pure."""

from __future__ import annotations

from typing import Final

from cutlog.contract.keys import ORIGINALS, OriginalKey, parse_key

UPLOADS: Final = "uploads"


def path_of(key: str) -> str:
    """The path of an object. The tenant, which stands in the key of an original, is the reader's own."""
    match parse_key(key):
        case OriginalKey() as original:
            return f"{UPLOADS}/{ORIGINALS}/{str(original).rpartition('/')[2]}"
        case other:
            return f"{UPLOADS}/{other}"
