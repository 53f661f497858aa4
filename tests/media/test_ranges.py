"""Ranges and conditions by the book (RFC 9110)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.media.serve.ranges import NotModified, Slice, Unsatisfiable, http_date, wanted

MOMENT = datetime(2026, 11, 22, 20, 0, 0, 123456, tzinfo=UTC)
WHOLE = Slice(0, 100, partial=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bytes=0-0", Slice(0, 1, partial=True)),
        ("bytes=10-19", Slice(10, 20, partial=True)),
        ("bytes=90-200", Slice(90, 100, partial=True)),
        ("bytes=99-", Slice(99, 100, partial=True)),
        ("bytes=-10", Slice(90, 100, partial=True)),
        ("bytes=-1000", Slice(0, 100, partial=True)),
        ("bytes=100-", Unsatisfiable()),
        ("bytes=-0", Unsatisfiable()),
        ("bytes=5-4", WHOLE),
        ("bytes=0-1,5-6", WHOLE),
        ("bytes=-", WHOLE),
        ("frames=0-1", WHOLE),
        ("bytes=x-y", WHOLE),
        ("", WHOLE),
    ],
)
def test_a_range_is_half_open_bytes_or_ignored(text: str, expected: object) -> None:
    assert wanted({"Range": text}, 100, "tag", MOMENT) == expected


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        ("If-None-Match", '"tag"', True),
        ("If-None-Match", '"other", W/"tag"', True),
        ("If-None-Match", "*", True),
        ("If-None-Match", '"other"', False),
        ("If-Modified-Since", http_date(MOMENT), True),
        ("If-Modified-Since", "Sun, 22 Nov 2026 19:59:59 GMT", False),
        ("If-Modified-Since", "yesterday", False),
    ],
)
def test_what_the_client_has_is_not_sent(name: str, value: str, known: bool) -> None:
    assert (wanted({name: value}, 100, "tag", MOMENT) == NotModified()) is known


def test_a_tag_counts_more_than_a_date() -> None:
    headers = {"If-None-Match": '"other"', "If-Modified-Since": http_date(MOMENT)}
    assert wanted(headers, 100, "tag", MOMENT) == WHOLE


@pytest.mark.parametrize(
    ("condition", "continues"),
    [('"tag"', True), (http_date(MOMENT), True), ('"other"', False), ('W/"tag"', False), ("Sun, 22 Nov 2020", False)],
)
def test_a_range_continues_only_the_same_file(condition: str, continues: bool) -> None:
    found = wanted({"Range": "bytes=50-", "If-Range": condition}, 100, "tag", MOMENT)
    assert found == (Slice(50, 100, partial=True) if continues else WHOLE)


@given(st.text(alphabet="bytes=0123456789-, ", max_size=40), st.integers(1, 10**12))
def test_any_range_stays_inside_the_file(text: str, size: int) -> None:
    match wanted({"Range": text}, size, "tag", MOMENT):
        case Slice(start=start, end=end):
            assert 0 <= start < end <= size
        case other:
            assert other == Unsatisfiable()
