"""Files of captions as text: what the mark at their beginning says, else UTF-8, else what they look like."""

from __future__ import annotations

from typing import Final

from .found import Found

#: The longer marks first: that of UTF-32 begins like that of UTF-16.
_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "utf-32-le"), (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"),
)  # fmt: skip


def decoded(document: bytes, found: Found) -> list[str]:
    """The lines of a file, with whatever ends them. What had to be guessed is noted."""
    text = _decoded(document, found).removeprefix("\ufeff").replace("\0", "")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _decoded(document: bytes, found: Found) -> str:
    for mark, encoding in _MARKS:
        if document.startswith(mark):
            return document[len(mark) :].decode(encoding, "replace")
    # Words of any language are full of line ends and spaces, whose other byte is 0 in UTF-16.
    half = max(1, len(document) // 2)
    for encoding, zeros in (("utf-16-le", document[1::2]), ("utf-16-be", document[0::2])):
        if zeros.count(0) > half // 4:
            return document.decode(encoding, "replace")
    try:
        return document.decode("utf-8")
    except UnicodeDecodeError:
        text = document.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    if broken <= sum(char > "\x7f" for char in text) - broken:
        found.lose("damaged-text", broken)
        return text
    found.lose("encoding")
    return document.decode("cp1252", "replace")
