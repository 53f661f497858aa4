"""Arguments of legacy ops, under the names and in the units that such stores use. Pure.

What is read is noted, so that an op with an argument that nobody understood is not taken for one without it.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, Final

from cutlog.contract.ids import is_id
from cutlog.contract.legacy import Conventions
from services.ops.errors import OpsError

_CLOCK: Final = re.compile(r"(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2}(?:[.,]\d{1,6})?)")
_NESTED: Final = frozenset(
    ("params", "parameters", "args", "arguments", "data", "payload", "properties", "options", "settings")
)
_KINDS: Final = ("type", "operation", "op", "effect", "filter", "action", "kind", "name")
"""Where an op says what it is, in the order in which they count; words of `_GENERAL` leave it to the next."""
_GENERAL: Final = frozenset(("effect", "edit", "operation", "op", "filter", "applyeffect", "addeffect", "applyfilter"))
_BOOKKEEPING: Final = frozenset(
    ("opid", "operationid", "timestamp", "createdat", "updatedat", "date", "userid", "user", "author", "version",
     "projectid", "jobid", "status", "v", "uuid", "description", "comment", "message")
)  # fmt: skip
"""What tells of the row and not of the film."""
_SECONDS: Final = {
    "": None, "time": None, "seconds": Fraction(1), "secs": Fraction(1), "sec": Fraction(1), "s": Fraction(1),
    "ms": Fraction(1, 1000), "millis": Fraction(1, 1000), "milliseconds": Fraction(1, 1000),
}  # fmt: skip
"""Endings of the names of times, in seconds; None: in the store's unit."""
_FRAMES: Final = ("frame", "frames")

LONGEST_KIND: Final = 80

CLIP: Final = ("clipId", "clip", "targetId", "target", "itemId")
NEW_CLIP: Final = ("newClipId", "newId", "rightId", "new")
VIDEO: Final = ("videoId", "video", "mediaId", "media", "assetId", "sourceId", "src")
TRACK: Final = ("trackId", "track", "layer")
START: Final = ("start", "from", "begin", "in", "trimStart")
END: Final = ("end", "to", "until", "out", "trimEnd")
LENGTH: Final = ("duration", "length")


class UntranslatableError(OpsError):
    """There is nothing in the edit language that this op surely means."""


class Given:
    """The arguments of one legacy op. `rate` is the project's, in frames per second."""

    def __init__(self, op: Mapping[str, Any], rate: Fraction, conventions: Conventions) -> None:
        self.conventions, self._rate = conventions, rate
        self._all: dict[str, tuple[str, Any]] = {}
        for name, value in _flat(op):
            key = plain(name)
            if value is None or key in _BOOKKEEPING:
                continue
            if key in self._all and self._all[key][1] != value:
                raise UntranslatableError(f"it says {name} twice, and not the same")
            self._all[key] = name, value
        self._unread = set(self._all)
        read, self.kind = _kind({name: value for name, (_, value) in self._all.items()})
        for name in read:  # it has said what it says: no argument is meant by it
            del self._all[name]
        self._unread.difference_update(read)

    def has(self, *names: str) -> bool:
        """Whether one of these arguments is there."""
        return any(plain(name) in self._all for name in names)

    def has_time(self, *names: str) -> bool:
        """Whether one of these times is there, under any name that `frames` reads."""
        return any(plain(name) + ending in self._all for name in names for ending in (*_SECONDS, *_FRAMES))

    def get(self, *names: str) -> Any:
        """The one of these arguments that is there. Raises UntranslatableError when two of them differ."""
        return self._one(names, [name for name in map(plain, names) if name in self._all])

    def _one(self, names: tuple[str, ...], there: list[str]) -> Any:
        self._unread.difference_update(there)
        values = [self._all[name][1] for name in there]
        if any(value != values[0] for value in values[1:]):
            both = " and ".join(self._all[name][0] for name in there)
            raise UntranslatableError(f"{both} are not the same, and may mean one thing")
        return values[0] if values else None

    def number(self, *names: str) -> float | None:
        """A finite number, also as text. Raises UntranslatableError for anything else."""
        value = self.get(*names)
        return None if value is None else _number(names[0], value)

    def truth(self, *names: str) -> bool | None:
        """A boolean, also as programs in JavaScript write it. Raises UntranslatableError for anything else."""
        value = self.get(*names)
        match value:
            case None | bool():
                return value
            case 0 | 1:
                return bool(value)
            case str() if value.strip().lower() in ("true", "false", "yes", "no", "on", "off"):
                return value.strip().lower() in ("true", "yes", "on")
        raise UntranslatableError(f"{names[0]} is {str(value)[:60]!r}, which is neither true nor false")

    def fraction(self, *names: str) -> float | None:
        """A share of a whole, 0 to 1, also written as percent such as "50%". Raises UntranslatableError."""
        value = self.get(*names)
        if isinstance(value, str) and value.strip().endswith("%"):
            return _number(names[0], value.strip()[:-1]) / 100
        return None if value is None else _number(names[0], value)

    def factor(self, *names: str) -> float | None:
        """A volume: a factor, or percent where the store has it so. Raises UntranslatableError."""
        value = self.get(*names)
        if value is None:
            return None
        if isinstance(value, str) and value.strip().endswith("%"):
            return _number(names[0], value.strip()[:-1]) / 100
        number = _number(names[0], value)
        match self.conventions.volume:
            case "factor":
                return number
            case "percent":
                return number / 100
            case "unsure":
                raise UntranslatableError(f"whether volumes, as {number:g}, are factors or percent is not sure")

    def frames(self, *names: str) -> int | None:
        """A time as the nearest frame: a number in the store's unit, a clock such as 00:01:02.5, or a number under a
        name that tells the unit, like `atFrame`, `startMs`, `endSeconds`. Raises UntranslatableError."""
        found: dict[str, int] = {}
        for name in map(plain, names):
            for ending in (*_SECONDS, *_FRAMES):
                if (key := name + ending) in self._all and key not in found:
                    self._unread.discard(key)
                    found[key] = self._frame(self._all[key], ending)
        if len(set(found.values())) > 1:
            both = " and ".join(self._all[key][0] for key in found)
            raise UntranslatableError(f"{both} are not the same, and may mean one thing")
        return next(iter(found.values()), None)

    def _frame(self, argument: tuple[str, Any], ending: str) -> int:
        name, value = argument
        unit = _SECONDS.get(ending)
        if isinstance(value, str) and (clock := _CLOCK.fullmatch(value.strip())):
            seconds = Fraction(clock[3].replace(",", ".")) + 60 * int(clock[2]) + 3600 * int(clock[1] or 0)
        else:
            number = Fraction(_number(name, value))
            if ending in _FRAMES or (unit is None and self.conventions.time == "frames"):
                return round(number)
            if unit is None:
                unit = Fraction(1, 1000) if self.conventions.time == "milliseconds" else Fraction(1)
            seconds = number * unit
        if abs(seconds) > 10**7:
            raise UntranslatableError(f"{name} is {float(seconds):g} s, which is no time of a film")
        return round(seconds * self._rate)

    def name(self, prefix: str, *names: str) -> str | None:
        """An id, made one of ours where it is not."""
        value = self.get(*names)
        if isinstance(value, Mapping):
            value = value.get("id", value.get("_id"))
        if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
            return None
        return our_id(prefix, str(value))

    def done(self) -> None:
        """Raises UntranslatableError, if an argument was not read."""
        if self._unread:
            names = sorted(self._all[key][0] for key in self._unread)
            raise UntranslatableError(f"what {', '.join(names[:8])} means for {self.kind!r} is not known")


def reworded(op: Mapping[str, Any], conventions: Conventions) -> Mapping[str, Any]:
    """The op in words that rules know: what the store's own words mean was said by its owner."""
    words = {plain(name): word for name, word in conventions.words.items()}
    ignored = {plain(name) for name in conventions.ignored}
    if not words and not ignored:
        return op
    word = words.get(kind_of(op))
    if word is None:
        return {name: value for name, value in op.items() if plain(str(name)) not in ignored}
    names = {plain(theirs): ours for theirs, ours in word.arguments.items()}
    said = {
        names.get(plain(name), name): value
        for name, value in _flat(op)
        if plain(name) not in ignored and (plain(name) in names or plain(name) not in _KINDS)
    }
    return said | word.given | {"type": word.kind}


def kind_of(op: Mapping[str, Any]) -> str:
    """What an op says that it is, whatever its arguments mean. Raises UntranslatableError."""
    return _kind({plain(name): value for name, value in _flat(op)})[1]


def written_kind(op: Any) -> str:
    """What an op says that it is, as it is written; nothing where it does not say so."""
    if not isinstance(op, Mapping):
        return ""
    if isinstance(name := op.get("op"), str) and "." in name:
        return name[:LONGEST_KIND]
    said = {plain(name): value for name, value in _flat(op)}
    try:
        read, _ = _kind(said)
    except UntranslatableError:
        return ""
    return str(said[read[-1]]).strip()[:LONGEST_KIND]


def _kind(said: Mapping[str, Any]) -> tuple[list[str], str]:
    """The arguments that say what an op is, and what they say. Raises UntranslatableError."""
    read: list[str] = []
    for name in _KINDS:
        value = said.get(name)
        if isinstance(value, str) and value.strip():
            read.append(name)
            if (word := plain(value)) not in _GENERAL:
                return read, word
    raise UntranslatableError("it does not say what it is")


def our_id(prefix: str, legacy: str) -> str:
    """The id itself where it is legal, else one that follows from it."""
    if is_id(legacy):
        return legacy
    digest = hashlib.sha256(f"{prefix}:{legacy}".encode("utf-8", "replace")).digest()[:10]
    return f"{prefix}_{base64.b32hexencode(digest).decode().rstrip('=').lower()}"


def _flat(op: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Arguments and those that stand in an object of their own, as `parameters`. What is called `type` in there is not
    what kind of op it is, where the op says that itself: it becomes `innerType`."""
    outer = {plain(name) for name in op}
    for name, value in op.items():
        if isinstance(value, Mapping) and plain(name) in _NESTED:
            for inner, each in value.items():
                hidden = plain(inner) in _KINDS and plain(inner) in outer
                yield (f"inner {inner}" if hidden else str(inner)), each
        else:
            yield str(name), value


def plain(word: str) -> str:
    """A name without the marks that divide words."""
    return re.sub(r"[^a-z0-9]", "", word.lower())


def _number(name: str, value: object) -> float:
    try:
        found = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        found = math.nan
    if not math.isfinite(found):
        raise UntranslatableError(f"{name} is {str(value)[:60]!r}, which is no number")
    return found
