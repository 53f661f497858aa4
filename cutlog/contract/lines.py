"""Names are one line of text, shown in lists, logs, files and headers: nothing in them moves or hides what is near."""

from __future__ import annotations

import re
from typing import Final

#: Controls (CR, LF and tab among them), separators of lines, and what turns the direction of text (Bidi_Control,
#: https://www.unicode.org/reports/tr9/): in the syntax of Python and of JSON Schema.
_CONTROLS: Final = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
ONE_LINE: Final = rf"^[^{_CONTROLS}]*$(?!\n)"
_FOUND: Final = re.compile(f"[{_CONTROLS}]")


def controls(text: str) -> list[str]:
    """The characters of the text that no name may have, each once, in order, as `U+202E`."""
    return [f"U+{ord(each):04X}" for each in dict.fromkeys(_FOUND.findall(text))]


def one_line(text: str) -> str:
    """The text as a name: each run of such characters is a space, and none is left at the ends."""
    return " ".join(_FOUND.sub(" ", text).split()) if _FOUND.search(text) else text


def escaped(text: str) -> str:
    """JSON whose strings show such characters as escapes, so that a terminal shows them and does not obey them."""
    return _FOUND.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
