"""The digest of a file in pieces says as much as that of its bytes."""

from __future__ import annotations

import hashlib
import zlib

from hypothesis import given
from hypothesis import strategies as st

from cutlog.blobs.pieces import FilmDigest, Piece, Pieces, PlainDigest, digester, media_box, table_of

PARTS = (b"a" * 700, b"bc" * 300, b"d")
ROWS = tuple(Piece(bytes([n]) * 32, n, 1, len(part), zlib.crc32(part)) for n, part in enumerate(PARTS))
MEDIA = b"".join(PARTS)
START = b"\0\0\0\x0cftypisom" + b"\0\0\0\x0amoov\0\0"
FILM = Pieces(START + table_of(ROWS) + media_box(len(MEDIA)), ROWS)
WHOLE = FILM.head + MEDIA


def digest(data: bytes, at_once: int = 1 << 20) -> str:
    found = FilmDigest()
    for start in range(0, len(data), at_once):
        found.update(data[start : start + at_once])
    return found.hexdigest()


@given(st.integers(1, len(WHOLE)))
def test_it_is_known_from_the_head_and_computed_from_the_bytes_however_they_come(at_once: int) -> None:
    assert FILM.size == len(WHOLE)
    assert digest(WHOLE, at_once) == FILM.digest


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_no_byte_can_be_another_one(at: int, flip: int) -> None:
    other = bytearray(WHOLE)
    other[at] ^= flip
    assert digest(bytes(other)) != FILM.digest


@given(st.integers(0, len(WHOLE) - 1))
def test_none_can_be_missing_at_the_end_or_too_many(length: int) -> None:
    assert digest(WHOLE[:length]) != FILM.digest
    assert digest(WHOLE + WHOLE[: length + 1]) != FILM.digest


@given(st.binary(max_size=60), st.integers(1, 60))
def test_of_any_other_file_it_is_the_sha_256(data: bytes, at_once: int) -> None:
    for other in (data, START + data, START + media_box(len(data)) + data):
        assert digest(other, at_once) == hashlib.sha256(other).hexdigest()


def test_only_proxies_are_in_pieces() -> None:
    assert isinstance(digester("proxy/p_1/v3_proxy.mp4"), FilmDigest)
    for key in ("export/p_1/v3_final.mp4", "videos/default/x", "?"):
        assert isinstance(digester(key), PlainDigest)
