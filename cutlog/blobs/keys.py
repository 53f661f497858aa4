"""What a key may look like. Checked before any store sees it, so no key can leave the store."""

from __future__ import annotations

import re
from typing import Final

MAX_KEY: Final = 512
#: Words of letters, digits, `.`, `_`, `-`, joined by slashes; none starts with a dot.
_KEY: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,199})*")


class InvalidKeyError(ValueError):
    """The key is not a path of plain words inside the store."""


def check_key(key: str) -> str:
    """The key itself. Raises InvalidKeyError."""
    if len(key) > MAX_KEY or _KEY.fullmatch(key) is None:
        raise InvalidKeyError(f"not a key of the store: {key[:MAX_KEY]!r}")
    return key


def check_prefix(prefix: str) -> str:
    """A prefix of whole words, with or without its final slash; empty for everything. Raises InvalidKeyError."""
    bare = prefix.removesuffix("/")
    return check_key(bare) if bare else bare
