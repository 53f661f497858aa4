"""Signed URLs of files on the local store: one key, one method, until a time (HMAC-SHA256)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlencode

PREFIX: Final = "/files/"


class LinkInvalidError(Exception):
    """The link is not one of ours, or is for something else."""


class LinkExpiredError(Exception):
    """The link was ours, and has expired."""


def sign(secret: str, key: str, expires: int, method: str = "GET", filename: str | None = None) -> str:
    """The path and query that give `method` on the object `key` until `expires` (seconds since the epoch).

    GET covers HEAD. `filename` is what a browser saves the download as; it is signed with the rest.
    """
    query = {"expires": str(expires)}
    if filename is not None:
        query["filename"] = filename
    query["signature"] = _signature(secret, key, expires, method, filename)
    return f"{PREFIX}{quote(key, safe='/')}?{urlencode(query)}"


def check(secret: str, key: str, query: Mapping[str, str], method: str, now: float | None = None) -> str | None:
    """The signed file name, if any. Raises LinkInvalidError, LinkExpiredError."""
    expires, filename = query.get("expires", ""), query.get("filename")
    signature = query.get("signature", "")
    plausible = expires.isascii() and expires.isdigit() and len(expires) <= 12
    wanted = _signature(secret, key, int(expires) if plausible else 0, method, filename)
    if not plausible or not hmac.compare_digest(wanted.encode(), signature.encode("utf-8", "replace")):
        raise LinkInvalidError(str(LinkInvalidError.__doc__))
    if int(expires) <= (time.time() if now is None else now):
        raise LinkExpiredError(str(LinkExpiredError.__doc__))
    return filename


def _signature(secret: str, key: str, expires: int, method: str, filename: str | None) -> str:
    method = "GET" if method == "HEAD" else method
    parts = [method, key, str(expires), *([] if filename is None else [filename])]
    # Each part goes in with its length, so no two lists of parts are signed alike.
    message = b"".join(len(raw).to_bytes(4) + raw for raw in (part.encode("utf-8", "replace") for part in parts))
    digest = hmac.new(secret.encode(), message, hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
