"""Values of legacy rows: what is understood, and what is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutlog.contract.ids import is_id
from cutlog.operate.backfill import fields

AT = datetime(2022, 4, 15, 5, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2022-04-15T05:20:00Z", AT), ("2022-04-15T05:20:00", AT), ("2022-04-15T07:20:00+02:00", AT),
        (1_650_000_000_000, AT), (1_650_000_000, AT), ("1650000000000", AT), (1_650_000_000_000.0, AT),
        ({"$date": "2022-04-15T05:20:00Z"}, AT), ({"$date": {"$numberLong": "1650000000000"}}, AT),
        ("2022-04-15", datetime(2022, 4, 15, tzinfo=UTC)), ("yesterday", None), (True, None), (None, None), ([], None),
        (float("nan"), None), (10**30, None),
    ],
)  # fmt: skip
def test_a_date_is_read_however_it_is_written(written: object, meant: datetime | None) -> None:
    assert fields.moment(written) == meant


@given(st.datetimes(min_value=datetime(1980, 1, 1), max_value=datetime(2100, 1, 1)), st.integers(-12, 12))  # noqa: DTZ001
def test_milliseconds_and_text_tell_the_same_moment(naive: datetime, hours: int) -> None:
    at = naive.replace(microsecond=0, tzinfo=timezone(timedelta(hours=hours)))
    assert fields.moment(at.isoformat()) == fields.moment(int(at.timestamp() * 1000)) == at


@pytest.mark.parametrize(
    ("row", "meant"),
    [
        ({"id": "a"}, "a"), ({"_id": "b"}, "b"), ({"id": 7}, "7"), ({"id": 7.0}, "7"), ({"_id": {"$oid": "64"}}, "64"),
        ({"id": None, "_id": 3}, "3"), ({"id": True}, None), ({"id": " "}, None), ({"id": 1.5}, None), ({}, None),
    ],
)  # fmt: skip
def test_an_id_is_found_under_any_of_its_names(row: fields.Row, meant: str | None) -> None:
    assert fields.identity(row, "id", "_id") == meant


@given(st.text(min_size=1))
def test_every_id_becomes_one_of_ours_always_the_same_and_legal_ones_stay(legacy: str) -> None:
    given_id = fields.given_id("p", legacy)
    assert is_id(given_id)
    assert given_id == fields.given_id("p", legacy)
    assert (given_id == legacy) == is_id(legacy)


@given(
    st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda s: st.lists(s, max_size=3))
)
def test_no_value_is_more_than_not_understood(value: object) -> None:
    fields.moment(value)
    fields.count(value)
    fields.truth(value)
    fields.text(value, 10)
    fields.digest(value)
    fields.identity({"id": value}, "id")
