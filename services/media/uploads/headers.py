"""The headers of tus 1.0 (https://tus.io/protocols/resumable-upload). Pure: from their text to values."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final

import msgspec

from services.media.errors import MediaError

VERSION: Final = "1.0.0"
EXTENSIONS: Final = "creation,creation-with-upload,checksum,termination,expiration"
ANSWERED: Final = {"Tus-Resumable": VERSION, "Cache-Control": "no-store"}
"""What every answer has, errors included."""
CHUNK_TYPE: Final = "application/offset+octet-stream"
MAX_METADATA: Final = 8192
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_KEY: Final = re.compile(r"[!-+\--~]+")


class HeaderError(MediaError, ValueError):
    """A header does not conform to tus 1.0."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(f"{name}: {detail}")
        self.name, self.detail = name, detail


class Checksum(msgspec.Struct, frozen=True):
    """The SHA-256 that the bytes of one request must have."""

    digest: bytes


def number(headers: Mapping[str, str], name: str) -> int:
    """A count of bytes. Raises HeaderError."""
    text = headers.get(name)
    if text is None:
        raise HeaderError(name, "is missing")
    if _NUMBER.fullmatch(text) is None:
        raise HeaderError(name, "is not a count of bytes")
    return int(text)


def metadata(text: str) -> dict[str, str]:
    """The pairs of Upload-Metadata; what is no UTF-8 is shown as far as it is. Raises HeaderError."""
    if len(text) > MAX_METADATA:
        raise HeaderError("Upload-Metadata", f"is longer than {MAX_METADATA} bytes")
    pairs: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else ():
        key, _, value = pair.strip(" ").partition(" ")
        if _KEY.fullmatch(key) is None or key in pairs:
            raise HeaderError("Upload-Metadata", "keys are unique ASCII words without spaces and commas")
        pairs[key] = _decoded("Upload-Metadata", value).decode(errors="replace")
    return pairs


def checksum(text: str | None) -> Checksum | None:
    """What Upload-Checksum promises, if anything. Raises HeaderError."""
    if text is None:
        return None
    algorithm, _, value = text.partition(" ")
    if algorithm != "sha256":
        raise HeaderError("Upload-Checksum", "the algorithm must be sha256")
    digest = _decoded("Upload-Checksum", value)
    if len(digest) != 32:
        raise HeaderError("Upload-Checksum", "a SHA-256 has 32 bytes")
    return Checksum(digest)


def _decoded(name: str, value: str) -> bytes:
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise HeaderError(name, "a value is not Base64") from None
