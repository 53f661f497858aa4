"""Sessions of browsers: a cookie that scripts cannot read, and a value that pages of other origins cannot know."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cutlog.auth.rings import encode64

PREFIX: Final = "cs_"
"""How the value of a cookie begins."""
LONGEST: Final = 7 * 86400
"""Seconds from login after which a session ends, used or not."""
CSRF_HEADER: Final = "X-CSRF-Token"


def cookie_name(public_url: str) -> str:
    """The cookie of the stack that is reached there: cookies are shared by all ports of a host, so each stack has its
    own. Behind TLS a browser takes it from that host only, and from no other of its domain."""
    name = f"cutlog_{hashlib.sha256(public_url.rstrip('/').encode()).hexdigest()[:12]}"
    return f"__Host-{name}" if secure(public_url) else name


def cookie(public_url: str, secret: str) -> str:
    """The Set-Cookie header of a session that begins."""
    return f"{cookie_name(public_url)}={secret}; Max-Age={LONGEST}; {_attributes(public_url)}"


def no_cookie(public_url: str) -> str:
    """The Set-Cookie header of one that ends."""
    return f"{cookie_name(public_url)}=; Max-Age=0; {_attributes(public_url)}"


def secure(public_url: str) -> bool:
    """Whether browsers reach the stack by TLS."""
    return public_url.lower().startswith("https://")


def csrf_of(secret: str) -> str:
    """What unsafe requests of a session send: made of its secret, so that every service can check it by the cookie."""
    return encode64(hmac.digest(secret.encode(), b"cutlog csrf", "sha256"))


def csrf_fits(secret: str, sent: str) -> bool:
    """Whether that was sent."""
    return hmac.compare_digest(csrf_of(secret).encode(), sent.encode("utf-8", "replace"))


def _attributes(public_url: str) -> str:
    return "Path=/; HttpOnly; SameSite=Strict" + ("; Secure" if secure(public_url) else "")
