"""What only a bucket has: links of its own, parts, and a network that fails between a deed and its answer."""

from __future__ import annotations

import asyncio
import hashlib
import os
import urllib.request
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from cutlog.blobs import open_blobs
from cutlog.blobs.presigned import attachment, signed
from cutlog.blobs.remote import IN_MEMORY, pieces
from tests.support.buckets import SeaweedFS
from tests.support.faulty import Fault, faulty
from tests.support.waiting import PATIENCE

slow = pytest.mark.slow(reason="talks to a server of S3")


@slow
async def test_a_link_of_a_bucket_is_its_own_and_downloads_under_the_name_that_was_given(bucket: str) -> None:
    store = open_blobs(bucket, "secret", os.environ["AWS_SECRET_ACCESS_KEY"])
    await store.put_bytes("videos/d/x.mp4", b"0123456789")
    link = await store.url("videos/d/x.mp4", filename='Ferien "am" Meer.mp4')

    def download(headers: dict[str, str]) -> tuple[int, bytes, str]:
        with urllib.request.urlopen(urllib.request.Request(link, headers=headers), timeout=PATIENCE) as answer:
            return answer.status, answer.read(), answer.headers["Content-Disposition"]

    status, body, disposition = await asyncio.to_thread(download, {})
    assert (status, body) == (200, b"0123456789")
    assert disposition == attachment('Ferien "am" Meer.mp4')
    assert (await asyncio.to_thread(download, {"Range": "bytes=2-4"}))[:2] == (206, b"234")


@slow
async def test_our_signature_of_a_link_is_that_of_the_library(bucket: str) -> None:
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    for key in ("videos/d/x.mp4", "export/p_1/v1_final.mp4"):
        link = await open_blobs(bucket, "secret").url(key)
        assert dict(parse_qsl(urlsplit(signed(link, secret, "GET", {})).query)) == dict(parse_qsl(urlsplit(link).query))
        assert signed(link, secret, "GET", {"a": "b"}) != link


@slow
async def test_a_large_file_goes_in_parts_and_comes_back_whole(bucket: str, tmp_path: Path) -> None:
    data = os.urandom(70 << 20)
    (tmp_path / "large").write_bytes(data)
    store = open_blobs(bucket, "secret")
    blob = await store.put_file("videos/d/large", tmp_path / "large", replace=False)
    assert (blob.size, blob.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    head = await store.head("videos/d/large")
    assert head is not None and head.size == len(data)
    assert "-" in head.etag, "made of parts"
    digest = hashlib.sha256()
    async for piece in store.stream("videos/d/large"):
        digest.update(piece)
    assert digest.hexdigest() == blob.sha256


@pytest.mark.parametrize("size", [1, 5 << 20, 20 << 30, (50_000 << 20) + 1, 5 << 40])
def test_pieces_of_a_large_file_are_such_as_s3_takes_and_few_are_in_memory(size: int) -> None:
    piece, at_once = pieces(size)
    assert piece >= 5 << 20 and piece * 10_000 >= size and piece <= 5 << 30
    assert at_once >= 1 and (at_once == 1 or piece * at_once <= IN_MEMORY)


@slow
@pytest.mark.parametrize("fault", ["503", "silence", "applied"])
async def test_a_fault_of_the_network_is_outlived(
    s3: SeaweedFS, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, fault: Fault
) -> None:
    async with faulty(s3.url) as network:
        for name, value in s3.environment(network.url).items():
            monkeypatch.setenv(name, value)
        store = open_blobs(f"s3://{s3.bucket()}/p", "secret")
        (tmp_path / "file").write_bytes(b"bytes")
        network.faults = [("PUT", fault), ("GET", fault), ("HEAD", fault)]
        await store.put_file("videos/d/x", tmp_path / "file", replace=False)
        assert await store.get("videos/d/x") == b"bytes"
        assert await store.head("videos/d/x") is not None
        network.faults = [("PUT", fault), ("DELETE", fault), ("POST", fault)]
        await store.rename("videos/d/x", "archive/x")
        assert await store.get("archive/x") == b"bytes"
        assert await store.head("videos/d/x") is None
        assert network.happened.count(fault) >= 4
