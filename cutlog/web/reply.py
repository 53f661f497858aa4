"""What a handler answers with."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import msgspec

JSON = "application/json"


class Reply(msgspec.Struct, frozen=True):
    """A status, a value that msgspec encodes to JSON, and headers.

    Build one by its name where the body is not JSON: `Reply.empty`, `Reply.redirect`, `Reply.raw`, `Reply.stream`.
    """

    status: int
    value: Any = None
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    content_type: str = JSON
    content: bytes | AsyncIterator[bytes] | None = None
    large: bool = False
    """The value may be large: it is encoded off the event loop."""

    @staticmethod
    def empty(status: int = 204, headers: Mapping[str, str] | None = None) -> Reply:
        """No body."""
        return Reply(status, headers=headers or {}, content=b"", content_type="")

    @staticmethod
    def redirect(url: str, status: int = 302, headers: Mapping[str, str] | None = None) -> Reply:
        """The answer is at `url`, an absolute path or URL made by us."""
        return Reply.empty(status, {"Location": url} | dict(headers or {}))

    @staticmethod
    def raw(status: int, content: bytes, content_type: str = JSON, headers: Mapping[str, str] | None = None) -> Reply:
        """Bytes as they are: a stored first answer, an image, an interchange file."""
        return Reply(status, headers=headers or {}, content=content, content_type=content_type)

    @staticmethod
    def stream(
        status: int, chunks: AsyncIterator[bytes], content_type: str, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Bytes as they come; the iterator is closed when the client goes away. Give Content-Length if known."""
        return Reply(status, headers=headers or {}, content=chunks, content_type=content_type)

    @property
    def body(self) -> bytes:
        """The bytes that go out, for storing a first answer. A streamed reply has none: raises ValueError."""
        match self.content:
            case None:
                return msgspec.json.encode(self.value)
            case bytes() as content:
                return content
            case _:
                raise ValueError("a streamed reply has no body to store")
