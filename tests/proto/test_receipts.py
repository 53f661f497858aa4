"""Receipts: the formats that stand in stores are read, and what cannot be read whole is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from cutlog.contract.keys import ReceiptKey
from cutlog.contract.receipts import FORMAT, Receipt, ReceiptForeign, ReceiptUnreadable, read, written

#: Written by the renderer before receipts said their format. Never change it.
FORMAT_1 = (Path(__file__).parent / "receipts" / "format_1.json").read_bytes()
KEY = ReceiptKey("p_1", 1, "proxy")


def changed(**members: Any) -> bytes:
    """A receipt of today with other members; `...` leaves one out."""
    whole = msgspec.json.decode(written(read(KEY, FORMAT_1))) | members
    return msgspec.json.encode({name: value for name, value in whole.items() if value is not ...})


def test_a_receipt_of_format_1_is_read_as_it_was_written() -> None:
    receipt = read(KEY, FORMAT_1)
    assert "format" not in msgspec.json.decode(FORMAT_1)
    assert (receipt.project_id, receipt.version, receipt.profile) == ("p_1", 1, "proxy")
    assert (receipt.output.frames, receipt.output.encoded) == (90, 15)
    assert len(receipt.segments) == 4 and len(receipt.sound) == 2
    assert receipt.cached == {receipt.segments[0], *receipt.sound}, "frames of an edit proxy are no part of the cache"


def test_what_is_written_is_read_back_equal_and_says_its_format() -> None:
    receipt = read(KEY, FORMAT_1)
    assert read(KEY, written(receipt)) == receipt
    assert msgspec.json.decode(written(receipt))["format"] == FORMAT


@pytest.mark.parametrize("member", [field.encode_name for field in msgspec.structs.fields(Receipt)])
def test_every_member_is_required_and_none_may_have_another_name(member: str) -> None:
    whole = msgspec.json.decode(changed())
    renamed = changed(**{member: ..., f"{member}s": whole[member]})
    for data in (renamed,) if member == "format" else (renamed, changed(**{member: ...})):
        with pytest.raises(ReceiptUnreadable):
            read(KEY, data)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", FORMAT_1[:-40], changed(segments=["ab"]),
        changed(segments=["proxy:ab:0+1"]), changed(sound=["AB" * 32]), changed(sound=["ab" * 32 + "\n"]),
        changed(segments=None), changed(more=1), changed(format=0), changed(format="2"), changed(format=True),
        changed(format=None), changed(version=2), changed(projectId="p_2"), changed(profile="mp4"),
        changed(profile="mp5"),
    ],
)  # fmt: skip
def test_what_is_no_whole_receipt_of_its_key_is_an_error(data: bytes) -> None:
    with pytest.raises(ReceiptUnreadable):
        read(KEY, data)


def test_a_receipt_of_a_newer_format_is_told_from_a_damaged_one() -> None:
    with pytest.raises(ReceiptForeign, match=rf"its format is {FORMAT + 1}"):
        read(KEY, changed(format=FORMAT + 1))
