"""Signed links as requests bring them."""

from __future__ import annotations

from collections.abc import Mapping

from cutlog.blobs import signing
from cutlog.web.problems import Problem


def check(secret: str, key: str, query: Mapping[str, str], method: str) -> str | None:
    """The signed file name, if any. Raises Problem 403 when the URL is not ours, not for this, or too old."""
    try:
        return signing.check(secret, key, query, method)
    except signing.LinkInvalidError:
        raise Problem(
            403, "signature-invalid", "The link is not valid", "Ask for a new one where you found it."
        ) from None
    except signing.LinkExpiredError:
        raise Problem(403, "link-expired", "The link has expired", "Ask for a new one where you found it.") from None
