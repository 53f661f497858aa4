"""The grammar of object keys: what is built is read back, stored keys stay as they are, and nothing else is a key."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cutlog.blobs import check_key
from cutlog.contract.ids import ID_PATTERN
from cutlog.contract.keys import (
    ArchivedExportKey,
    ArchivedVideoKey,
    CacheKey,
    CacheKind,
    Content,
    ExportKey,
    FilmProfile,
    ImportKey,
    ObjectKey,
    OriginalKey,
    PartKey,
    ProxyKey,
    ReceiptKey,
    RenditionKey,
    RenditionName,
    SliceKey,
    StreamKey,
    StreamKind,
    ThumbnailKey,
    UnknownKeyError,
    parse_key,
    revision_of,
)
from cutlog.contract.originals import archived_video
from cutlog.contract.profiles import EXPORTS

SHA = "0123456789abcdef" * 4
CONTENT = Content("acme", SHA, 2)

#: Ids that look like parts of other keys among them.
IDS = st.from_regex(ID_PATTERN, fullmatch=True) | st.sampled_from(
    ["receipts", "x_v1", "v1", "x_v1_final", "v1_proxy", "ab", "m_" + "0" * 62]
)
DIGESTS = st.text("0123456789abcdef", min_size=64, max_size=64)
NUMBERS = st.integers(0, 10**18 - 1)
SUFFIXES = st.sampled_from([".mp4", ".mov", ".3gp", ".bin", ".y4m"])
CONTENTS = st.builds(Content, IDS, DIGESTS, NUMBERS)
KEYS: st.SearchStrategy[ObjectKey] = st.one_of(
    st.builds(OriginalKey, CONTENTS, SUFFIXES),
    st.builds(RenditionKey, CONTENTS, st.sampled_from(get_args(RenditionName)), st.integers(0, 10**9 - 1)),
    st.builds(StreamKey, CONTENTS, NUMBERS, st.sampled_from(get_args(StreamKind))),
    st.builds(SliceKey, CONTENTS, NUMBERS, st.sampled_from(get_args(StreamKind)), NUMBERS, NUMBERS, last=st.booleans()),
    st.builds(ThumbnailKey, CONTENTS, NUMBERS),
    st.builds(CacheKey, IDS, DIGESTS, st.sampled_from(get_args(CacheKind))),
    st.builds(ReceiptKey, IDS, NUMBERS, st.sampled_from([*EXPORTS, "proxy"])),
    st.builds(ProxyKey, IDS, NUMBERS),
    st.builds(ExportKey, IDS, NUMBERS, st.sampled_from([*EXPORTS])),
    st.builds(ArchivedExportKey, IDS, NUMBERS, st.sampled_from([*EXPORTS])),
    st.builds(ArchivedVideoKey, IDS, DIGESTS, NUMBERS, SUFFIXES),
    st.builds(ImportKey, IDS, DIGESTS),
    st.builds(PartKey, IDS, st.integers(0, 10**15 - 1), st.text("0123456789abcdef", min_size=12, max_size=12)),
)


@given(KEYS)
def test_every_key_is_read_back_as_what_it_was(key: ObjectKey) -> None:
    assert parse_key(check_key(str(key))) == key


@given(KEYS, st.data())
def test_a_text_is_a_key_only_if_it_is_written_just_so(key: ObjectKey, data: st.DataObject) -> None:
    text = str(key)
    at = data.draw(st.integers(0, len(text)))
    changed = text[:at] + data.draw(st.sampled_from(["", "x", "0", "_", "-", ".", "/", "A", "\n"])) + text[at + 1 :]
    try:
        found = parse_key(changed)
    except UnknownKeyError:
        return
    assert str(found) == changed


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (OriginalKey(CONTENT, ".mov"), f"videos/acme/{SHA}.2.mov"),
        (RenditionKey(CONTENT, "proxy-alpha.mp4"), f"derived/acme/{SHA}.2/proxy-alpha.mp4"),
        (StreamKey(CONTENT, 1, "alpha.mp4"), f"derived/acme/{SHA}.2/stream-1.alpha.mp4"),
        (RenditionKey(CONTENT, "waveform.json"), f"derived/acme/{SHA}.2/waveform.json"),
        (RenditionKey(CONTENT, "proxy.mp4", 3), f"derived/acme/{SHA}.2/r3/proxy.mp4"),
        (StreamKey(CONTENT, 2, "pcm", 1), f"derived/acme/{SHA}.2/r1/stream-2.pcm"),
        (ThumbnailKey(CONTENT, 7, 1), f"derived/acme/{SHA}.2/r1/at-7.jpg"),
        (StreamKey(CONTENT, 3, "pcm"), f"derived/acme/{SHA}.2/stream-3.pcm"),
        (StreamKey(CONTENT, 3, "m4a"), f"derived/acme/{SHA}.2/stream-3.m4a"),
        (SliceKey(CONTENT, 0, "alpha.mp4", 0, 240, 1), f"derived/acme/{SHA}.2/r1/stream-0.alpha.mp4.0-240.slice"),
        (SliceKey(CONTENT, 1, "m4a", 4096, 8192, last=True), f"derived/acme/{SHA}.2/stream-1.m4a.4096-8192.last"),
        (ThumbnailKey(CONTENT, 40), f"derived/acme/{SHA}.2/at-40.jpg"),
        (CacheKey("acme", SHA, "mp4"), f"segments/acme/01/{SHA}.mp4"),
        (ReceiptKey("p_1", 3, "mp4-720p"), "segments/receipts/p_1/v3_mp4-720p.json"),
        (ProxyKey("p_1", 3), "proxy/p_1/v3_proxy.mp4"),
        (ExportKey("p_1", 3, "mp4"), "export/p_1/v3_final.mp4"),
        (ExportKey("p_1", 3, "prores"), "export/p_1/v3_prores.mov"),
        (ExportKey("p_1", 3, "prores-4444"), "export/p_1/v3_prores-4444.mov"),
        (ExportKey("p_1", 3, "webm-alpha"), "export/p_1/v3_webm-alpha.webm"),
        (ArchivedExportKey("x_1", 3, "mp4"), "archive/x_1_v3_final.mp4"),
        (ArchivedVideoKey("v_1", SHA, 2, ".mov"), f"archive/v_1_{SHA}.2.mov"),
        (ImportKey("b_1", SHA), f"import/b_1/{SHA}"),
        (PartKey("u_1", 1 << 24, SHA[:12]), f"temp/resumable/u_1/000000016777216-{SHA[:12]}"),
    ],
)
def test_stored_keys_stay_as_they_are(key: ObjectKey, text: str) -> None:
    assert str(key) == text
    assert parse_key(text) == key


@pytest.mark.parametrize(
    "text",
    [
        "", "videos", "videos/", "temp/x", "proxies/p_1/v3_proxy.mp4",
        f"videos/acme/{SHA}.2", f"videos/acme/{SHA[1:]}.2.mov", f"videos/{SHA}.2.mov", f"videos/acme/{SHA}.02.mov",
        f"derived/acme/{SHA}.2/proxy.webm", f"derived/acme/{SHA}.2/at-.jpg", f"derived/acme/{SHA}.2/at-04.jpg",
        f"segments/acme/02/{SHA}.mp4", f"segments/acme/{SHA}.mp4", f"segments/acme/01/{SHA}.m4s",
        "segments/receipts/p_1/v3_mp4.v2.json", "segments/receipts/p_1/v3_mp5.json", "segments/receipts/v3_mp4.json",
        "proxy/p_1/v3_proxy.mp4.tmp", "proxy/p_1/v03_proxy.mp4", "export/p_1/v3_final.mov", "export/P_1/v3_final.mp4",
        "archive/x_1.mp4", "archive/v3_final.mp4", "export/p_1/v3_final.mp4\n", "temp/resumable/u_1",
        f"temp/resumable/u_1/0-{SHA[:12]}",
    ],
)  # fmt: skip
def test_what_this_build_never_writes_is_no_key(text: str) -> None:
    with pytest.raises(UnknownKeyError):
        parse_key(text)


def test_values_that_make_no_key_are_refused_as_it_is_made() -> None:
    for make in (
        lambda: ProxyKey("../p", 1), lambda: ProxyKey("p", -1), lambda: OriginalKey(Content("a/b", SHA, 0), ".mov"),
        lambda: CacheKey("acme", "d1", "mp4"), lambda: OriginalKey(CONTENT, ".tar.gz"),
        lambda: RenditionKey(CONTENT, "at-1.jpg"),  # type: ignore[arg-type]
    ):  # fmt: skip
        with pytest.raises(UnknownKeyError):
            make()


def test_a_video_keeps_its_name_in_the_archive_however_often_it_goes_there() -> None:
    archived = archived_video("v_1", f"videos/acme/{SHA}.2.mov")
    assert archived_video("v_1", str(archived)) == archived == ArchivedVideoKey("v_1", SHA, 2, ".mov")
    with pytest.raises(UnknownKeyError):
        archived_video("v_1", "export/p_1/v3_final.mp4")


def test_only_renditions_know_their_examination() -> None:
    assert revision_of(f"derived/acme/{SHA}.2/r3/proxy.mp4") == 3
    assert revision_of(f"derived/acme/{SHA}.2/r1/stream-2.pcm") == 1
    assert revision_of(f"derived/acme/{SHA}.2/proxy.mp4") == revision_of(f"videos/acme/{SHA}.2.mov") == 0


def test_receipts_are_of_all_that_is_exported_and_of_proxies() -> None:
    proxy, exports = get_args(FilmProfile)
    assert {*get_args(proxy), *get_args(exports)} == {"proxy", *EXPORTS}
