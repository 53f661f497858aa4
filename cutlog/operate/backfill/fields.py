"""Values as legacy stores really hold them: ids as text, numbers or objects, dates as text or milliseconds. Pure."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from datetime import UTC, datetime
from typing import Any, Final

from cutlog.contract.ids import is_id

Row = dict[str, Any]

MILLISECONDS: Final = 100_000_000_000
"""From here on a number is a date in milliseconds; below, in seconds: 1973 in the one, the year 5138 in the other."""
BEYOND: Final = 10**12
"""No count of anything in a store is as large."""
_DIGITS: Final = 300
"""Digits of the longest number that is read as it is."""
_HEX64: Final = re.compile(r"[0-9a-fA-F]{64}")


def identity(row: Row, *names: str) -> str | None:
    """The id of a row, or the one that it refers to: the first of `names` that holds one. Numbers become text."""
    for name in names:
        value = row.get(name)
        if isinstance(value, dict):
            value = value.get("$oid", value.get("id", value.get("_id")))
        if isinstance(value, bool) or value is None:
            continue
        if isinstance(value, int | float):
            if isinstance(value, float) and not value.is_integer():
                continue
            return str(int(value))
        if isinstance(value, str) and value.strip():
            return value.strip()
    return None


def given_id(prefix: str, legacy: str) -> str:
    """The id that a row has with us: its own where that is legal, else one that follows from it, always the same."""
    if is_id(legacy):
        return legacy
    digest = hashlib.sha256(f"{prefix}:{legacy}".encode("utf-8", "replace")).digest()[:16]
    return f"{prefix}_{base64.b32hexencode(digest).decode().rstrip('=').lower()}"


def other_id(prefix: str, legacy: str, *owners: str) -> str:
    """An id for a row whose own is not available: it follows from the row and from whose it is, always the same."""
    return given_id(prefix, "\n".join((*owners, legacy)))


def moment(value: object) -> datetime | None:
    """A date: RFC 3339 or ISO 8601 text (UTC where it names no zone), seconds or milliseconds since 1970, or Mongo's
    {"$date": …}. None when it is none of these."""
    if isinstance(value, dict):
        value = value.get("$date", value.get("$numberLong"))
        if isinstance(value, dict):
            value = value.get("$numberLong")
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        text = value.strip()
        if re.fullmatch(r"-?\d+", text):
            value = int(text)
        else:
            try:
                found = datetime.fromisoformat(text)
            except ValueError:
                return None
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if not isinstance(value, int | float) or not math.isfinite(value):
        return None
    seconds = value / 1000 if abs(value) >= MILLISECONDS else value
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None


def count(value: object) -> int | None:
    """A whole number of 0 or more, also as text; None for anything else."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,12}\s*", value):
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    return int(value) if 0 <= value < BEYOND else None


def version(value: object) -> int | None:
    """The number of a version: as `count`, but any that is larger is `BEYOND`."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d+\s*", value):
        value = float(value) if len(value) > _DIGITS else int(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= BEYOND:
        return BEYOND
    return count(value)


def seconds(value: object) -> float | None:
    """A length in seconds, also as text; None for anything else."""
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except ValueError:
        return None
    return found if math.isfinite(found) and found > 0 else None


def truth(value: object) -> bool:
    """What JavaScript programs write for true."""
    return value is True or value == 1 or (isinstance(value, str) and value.strip().lower() in ("true", "1", "yes"))


def text(value: object, longest: int) -> str | None:
    """Printable text without the characters that PostgreSQL and terminals do not take; None when nothing is left."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    shown = "".join(c if c.isprintable() else " " for c in str(value)).strip()
    return shown[:longest].strip() or None


def digest(value: object) -> str | None:
    """A SHA-256 in lower-case hex, if it is one."""
    return value.strip().lower() if isinstance(value, str) and _HEX64.fullmatch(value.strip()) else None


def storable(value: Any) -> Any:
    """The same without what PostgreSQL's jsonb can't hold: NUL, and halves of surrogate pairs."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
        case dict():
            return {storable(str(key)): storable(each) for key, each in value.items()}
        case list():
            return [storable(each) for each in value]
        case _:
            return value
