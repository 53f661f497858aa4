"""Origins (RFC 6454) as an operator writes them: of the gateway itself, and of pages that may use it. Pure."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

_PORTS: Final = {"http": 80, "https": 443}
_HOST: Final = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]")


def origin_of(text: str) -> str:
    """`HTTPS://App.example.com:443` → `https://app.example.com`, as a browser sends it in `Origin`.

    Raises ValueError, with a sentence, for anything but scheme, host and port.
    """
    if "*" in text:
        raise ValueError("every origin must be named: `*` would let the pages of any site act with what users hold")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"{text!r} is not a URL such as https://app.example.com:8443") from None
    if parts.scheme not in _PORTS or not parts.netloc or not text.isprintable():
        raise ValueError(f"{text!r} does not begin with http:// or https:// and a host")
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc or text.endswith(("?", "#")):
        raise ValueError(f"{text!r} has more than a scheme, a host and a port; leave out the rest, `/` at the end too")
    host = parts.netloc.lower().rpartition(":")[0] if port is not None else parts.netloc.lower().removesuffix(":")
    if not _HOST.fullmatch(host):
        raise ValueError(f"{host!r} is not a host name; write an international one in Punycode (xn--…)")
    return f"{parts.scheme}://{host}" + ("" if port in (None, _PORTS[parts.scheme]) else f":{port}")
