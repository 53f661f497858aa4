"""Receipts: what a film was made of, as the renderer writes it beside its cache, and as all who trust it read it. Pure.

A receipt keeps segments from being deleted, so it is never read by halves: what lacks a member, has one too many, is of
another film than its key says, or of a format that this build does not know, is an error.

- Format 1 has no member `format`.
- Format 2 says so.

A change of meaning, or of members, is a new format with a step in `_STEPS` from the one before; old receipts stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final, Literal

import msgspec

from cutlog.contract.base import Strict
from cutlog.contract.commands import Output
from cutlog.contract.keys import FilmProfile, ReceiptKey

FORMAT: Final = 2

Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
Part = Annotated[str, msgspec.Meta(pattern=r"^(?:[0-9a-f]{64}|proxy:[0-9a-f]{64}:[0-9]+\+[0-9]+)$(?!\n)")]
"""A segment by its digest, or frames that were copied from an edit proxy: `proxy:SHA256:FIRST+FRAMES`."""


class ReceiptUnreadable(ValueError):
    """The receipt can't be read, so it is not known what the film is made of."""


class ReceiptForeign(ReceiptUnreadable):
    """The receipt is of a format that a newer build of cutlog wrote."""


class Receipt(Strict):
    """`film`: digest of all that went in. `sound`: its chunks, by their digests."""

    format: Literal[2]
    project_id: str
    version: int
    profile: FilmProfile
    timeline: str
    film: Digest
    output: Output
    encoder: str
    arguments: tuple[str, ...]
    segments: tuple[Part, ...]
    sound: tuple[Digest, ...]

    @property
    def key(self) -> ReceiptKey:
        """Where it is kept."""
        return ReceiptKey(self.project_id, self.version, self.profile)

    @property
    def cached(self) -> frozenset[str]:
        """Digests of all in the render cache that the film is made of."""
        return frozenset(part for part in (*self.segments, *self.sound) if not part.startswith("proxy:"))


def written(receipt: Receipt) -> bytes:
    """A receipt as it is stored."""
    return msgspec.json.format(msgspec.json.encode(receipt), indent=1)


def read(key: ReceiptKey, data: bytes) -> Receipt:
    """The receipt that is stored at `key`. Raises ReceiptUnreadable, ReceiptForeign."""
    try:
        members = msgspec.json.decode(data)
        format_ = members.get("format", 1)
    except (msgspec.DecodeError, UnicodeDecodeError, AttributeError) as error:
        raise ReceiptUnreadable(f"it is no JSON object: {error}") from error
    if type(format_) is not int or format_ < 1:
        raise ReceiptUnreadable(f"its format is {format_!r}")
    if format_ > FORMAT:
        raise ReceiptForeign(f"its format is {format_}, and this build reads formats up to {FORMAT}")
    for step in range(format_, FORMAT):
        members = _STEPS[step](members)
    try:
        receipt = msgspec.convert(members, Receipt)
    except msgspec.ValidationError as error:
        raise ReceiptUnreadable(str(error)) from error
    if receipt.key != key:
        raise ReceiptUnreadable(f"it is that of {receipt.key}")
    return receipt


def _says_its_format(members: Mapping[str, Any]) -> dict[str, Any]:
    return {**members, "format": 2}


_STEPS: Final[Mapping[int, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {1: _says_its_format}
"""By the format that it takes: the same receipt in the next one."""
