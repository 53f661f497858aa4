"""What names may not have."""

from __future__ import annotations

import json
import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from cutlog.contract.lines import ONE_LINE, controls, escaped, one_line

#: Bidi_Control of https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
TEXTS = st.text(st.one_of(st.characters(), st.sampled_from("\r\n\t\x00\x7f\x85\x9b\u2028\u2029" + BIDI)), max_size=20)


def test_every_control_separator_of_lines_and_turn_of_direction_is_found_and_no_letter() -> None:
    for code in range(0x3000):
        character = chr(code)
        expected = unicodedata.category(character) in ("Cc", "Zl", "Zp") or character in BIDI
        assert bool(controls(character)) == expected, hex(code)


@given(TEXTS)
def test_the_pattern_says_the_same_and_what_is_cleaned_fits_it(text: str) -> None:
    assert (re.search(ONE_LINE, text) is not None) == (controls(text) == [])
    assert re.search(ONE_LINE, one_line(text))
    assert one_line(one_line(text)) == one_line(text)
    if not controls(text):
        assert one_line(text) == text


@given(TEXTS)
def test_escaped_json_says_the_same_and_shows_none(text: str) -> None:
    shown = escaped(json.dumps({"path": text}, ensure_ascii=False))
    assert controls(shown) == []
    assert json.loads(shown) == {"path": text}
