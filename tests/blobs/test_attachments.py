"""Names under which browsers save downloads."""

from __future__ import annotations

from email.message import Message
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutlog.blobs.presigned import attachment
from cutlog.contract.lines import controls


@pytest.mark.parametrize(
    "name", ["a\r\nX-Evil: yes\r\n\r\n.mp4", "film\u202e4pm.exe", 'a"; x="b.mp4', "a\x00\x1b[2J.mp4"]
)
def test_a_name_adds_no_header_and_no_parameter_and_turns_nothing(name: str) -> None:
    told = attachment(name)
    assert told.isascii() and told.isprintable()
    message = Message()
    message["Content-Disposition"] = told
    assert len(message.get_params(header="content-disposition") or ()) == 3
    saved = unquote(told.rpartition("''")[2])
    assert controls(saved) == []


@given(st.text(max_size=50))
def test_any_name_is_one_header_of_ascii(name: str) -> None:
    told = attachment(name)
    assert told.isascii() and told.isprintable()
    assert told.count('"') == 2 and told.count(";") == 2 + name.count(";")
