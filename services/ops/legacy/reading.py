"""Arguments of legacy ops: under the names that such stores use, times in seconds or frames. Pure."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from cutlog.contract.ids import is_id

_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2}(?:[.,]\d{1,6})?)")
_NESTED: Final = ("params", "args", "data", "payload", "properties")
CLIP: Final = ("clipId", "clip", "targetId", "target", "itemId")
NEW_CLIP: Final = ("newClipId", "newId", "rightId", "new")
VIDEO: Final = ("videoId", "video", "mediaId", "media", "assetId", "sourceId", "src")
TRACK: Final = ("trackId", "track", "layer")


class Untranslatable(Exception):
    """There is nothing in the edit language that this op surely means."""


class Given:
    """The arguments of one legacy op. `rate` is the project's, in frames per second."""

    def __init__(self, op: Mapping[str, Any], rate: Fraction) -> None:
        nested = [value for name in _NESTED if isinstance(value := op.get(name), Mapping)]
        self._all: dict[str, Any] = {}
        for each in (*nested, op):
            self._all.update(each)
        self._rate = rate

    @property
    def kind(self) -> str:
        """What the op is called, without the marks that divide words. Raises Untranslatable."""
        for name in ("type", "op", "action", "kind", "name"):
            if isinstance(value := self._all.get(name), str) and value.strip():
                return re.sub(r"[^a-z]", "", value.lower())
        raise Untranslatable("it does not say what it is")

    def get(self, *names: str) -> Any:
        """The first of these arguments that is there and not null."""
        return next((self._all[name] for name in names if self._all.get(name) is not None), None)

    def number(self, *names: str) -> float | None:
        """A finite number, also as text. Raises Untranslatable for anything else."""
        value = self.get(*names)
        if value is None:
            return None
        try:
            found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
        except (ValueError, OverflowError):
            found = math.nan
        if not math.isfinite(found):
            raise Untranslatable(f"{names[0]} is {str(value)[:60]!r}, which is no number")
        return found

    def frames(self, *names: str) -> int | None:
        """A time as the nearest frame: seconds, a clock such as 00:01:02.5, or frames under a name like `atFrame`.

        Raises Untranslatable.
        """
        counted = self.number(*(f"{name}Frame" for name in names), *(f"{name}Frames" for name in names))
        if counted is not None:
            return round(counted)
        value = self.get(*names)
        if isinstance(value, str) and (clock := _CLOCK.fullmatch(value.strip())):
            seconds = Fraction(clock[3].replace(",", ".")) + 60 * int(clock[2]) + 3600 * int(clock[1] or 0)
        elif (number := self.number(*names)) is not None:
            seconds = Fraction(number)
        else:
            return None
        if abs(seconds) > 10**7:
            raise Untranslatable(f"{names[0]} is {seconds} s, which is no time of a film")
        return round(seconds * self._rate)

    def name(self, prefix: str, *names: str) -> str | None:
        """An id, made one of ours where it is not."""
        value = self.get(*names)
        if isinstance(value, Mapping):
            value = value.get("id", value.get("_id"))
        if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
            return None
        return our_id(prefix, str(value))


def our_id(prefix: str, legacy: str) -> str:
    """The id itself where it is legal, else one that follows from it."""
    if is_id(legacy):
        return legacy
    digest = hashlib.sha256(f"{prefix}:{legacy}".encode("utf-8", "replace")).digest()[:10]
    return f"{prefix}_{base64.b32hexencode(digest).decode().rstrip('=').lower()}"
