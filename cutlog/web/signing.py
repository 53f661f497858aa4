"""Signed links as requests bring them."""

from __future__ import annotations

from collections.abc import Mapping

from cutlog.blobs import signing
from cutlog.web.problems import LINK_EXPIRED, SIGNATURE_INVALID


def check(secret: str, key: str, query: Mapping[str, str], method: str) -> str | None:
    """The signed file name, if any. Raises Problem 403 when the URL is not ours, not for this, or too old."""
    try:
        return signing.check(secret, key, query, method)
    except signing.LinkInvalidError:
        raise SIGNATURE_INVALID(SIGNATURE_INVALID.example) from None
    except signing.LinkExpiredError:
        raise LINK_EXPIRED(LINK_EXPIRED.example) from None
