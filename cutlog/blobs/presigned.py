"""Links of a bucket that say under which name a browser saves the object. Pure."""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from cutlog.contract.lines import one_line


def attachment(name: str) -> str:
    """A Content-Disposition (RFC 6266) to save as `name`, whatever characters that has."""
    name = one_line(name)
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\' else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def named(url: str, secret_key: str, filename: str, method: str = "GET") -> str:
    """A link presigned by AWS Signature Version 4, signed again with `response-content-disposition` added.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    """
    return signed(url, secret_key, method, {"response-content-disposition": attachment(filename)})


def signed(url: str, secret_key: str, method: str, more: dict[str, str]) -> str:
    """The presigned `url` with `more` parameters, and the signature that these need."""
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True)) | more
    given.pop("X-Amz-Signature", None)
    query = "&".join(f"{quote(name, safe='-_.~')}={quote(given[name], safe='-_.~')}" for name in sorted(given))
    request = "\n".join((method, parts.path, query, f"host:{parts.netloc}", "", "host", "UNSIGNED-PAYLOAD"))
    _, date, region, service, end = given["X-Amz-Credential"].rsplit("/", 4)
    scope = "/".join((date, region, service, end))
    digest = hashlib.sha256(request.encode()).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", given["X-Amz-Date"], scope, digest))
    key = f"AWS4{secret_key}".encode()
    for word in (date, region, service, end, text):
        key = hmac.digest(key, word.encode(), "sha256")
    return urlunsplit((parts.scheme, parts.netloc, parts.path, f"{query}&X-Amz-Signature={key.hex()}", ""))
