"""Which part of a file a request wants: conditions and ranges of RFC 9110. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

import msgspec

_RANGE: Final = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*")
_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"')


class Slice(msgspec.Struct, frozen=True):
    """The bytes [start, end). `partial`: they were asked for as a range."""

    start: int
    end: int
    partial: bool


class NotModified(msgspec.Struct, frozen=True):
    """The client has it."""


class Unsatisfiable(msgspec.Struct, frozen=True):
    """The range begins beyond the end."""


def wanted(headers: Mapping[str, str], size: int, etag: str, modified: datetime) -> Slice | NotModified | Unsatisfiable:
    """What to send of a file. Several ranges at once, and ranges nobody understands, get the whole file."""
    if _is_known(headers, etag, modified):
        return NotModified()
    match = _RANGE.fullmatch(headers.get("Range", ""))
    if match is None or match.groups() == ("", "") or not _still(headers.get("If-Range"), etag, modified):
        return Slice(0, size, partial=False)
    first, last = match.groups()
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return Slice(0, size, partial=False)
    return Slice(start, end, partial=True) if start < end else Unsatisfiable()


def http_date(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)


def _is_known(headers: Mapping[str, str], etag: str, modified: datetime) -> bool:
    if (tags := headers.get("If-None-Match")) is not None:
        return tags.strip() == "*" or etag in _TAG.findall(tags)
    return _not_after(headers.get("If-Modified-Since"), modified)


def _still(condition: str | None, etag: str, modified: datetime) -> bool:
    """Whether a range continues what the client has. Weak tags do not prove that."""
    if condition is None:
        return True
    if condition.strip().startswith(('"', "W/")):
        return condition.strip() == f'"{etag}"'
    return condition.strip() == http_date(modified)


def _not_after(date: str | None, modified: datetime) -> bool:
    if date is None:
        return False
    try:
        since = parsedate_to_datetime(date)
    except ValueError:
        return False
    return modified.replace(microsecond=0) <= (since if since.tzinfo else since.replace(tzinfo=UTC))
