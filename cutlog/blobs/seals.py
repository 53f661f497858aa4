"""Seals of MP4 files that are stored without a sync: a `free` box at the end, which players skip, holds the SHA-256 of
all before it, so that a file torn by a power cut is noticed when it is read."""

from __future__ import annotations

import hashlib
import struct
from typing import Final, TypeVar

_LABEL: Final = b"cutlog-sha256\0\0\0"
_SEAL: Final = struct.Struct(">I4s16s32s")


Bytes = TypeVar("Bytes", bytes, memoryview)


class TornError(Exception):
    """A file is not as it was written."""


def seal(data: bytes) -> bytes:
    """The same MP4 with its digest at the end."""
    return data + _SEAL.pack(_SEAL.size, b"free", _LABEL, hashlib.sha256(data).digest())


def unseal(data: Bytes) -> Bytes:
    """The MP4 in a sealed file. Raises TornError."""
    body, tail = data[: -_SEAL.size], data[-_SEAL.size :]
    if len(tail) != _SEAL.size or tail != _SEAL.pack(_SEAL.size, b"free", _LABEL, hashlib.sha256(body).digest()):
        raise TornError(f"{len(data)} bytes without a right seal")
    return body
