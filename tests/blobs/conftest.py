"""S3 on this machine for all of these tests, and a bucket for each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.buckets import S3, s3_server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3]:
    with s3_server() as server:
        yield server


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    """s3://… of an empty place; the environment leads there."""
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    return f"s3://{s3.bucket()}/a/prefix"
