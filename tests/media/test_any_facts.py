"""Whatever a probe says of a file, and whatever a client writes into tus headers: an answer, or a sentence why not."""

from __future__ import annotations

import base64
from contextlib import suppress
from fractions import Fraction
from types import SimpleNamespace
from typing import Literal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cutlog.contract.media import MediaFacts, display_size
from cutlog.contract.profiles import proxy_size
from cutlog.ffmpeg.colors import into_bt709
from cutlog.ffmpeg.probing import RawAudio, RawProbe, RawStream, RawTimes, RawVideo
from cutlog.ffmpeg.timestamps import Times
from services.media.facts.probed import MAX_SECONDS, MAX_SIDE, UnusableError, judge
from services.media.facts.rates import MAX_RATE, MIN_RATE
from services.media.renditions.previews import index, sheet
from services.media.uploads import headers as tus_headers
from services.media.uploads.headers import HeaderError
from tests.support.chance import examples

SOME = settings(max_examples=examples(300))

counts = st.one_of(st.integers(0, 300), st.integers(0, 2**40))
whole = st.one_of(st.integers(-10, 300), st.integers(-(2**63), 2**63 - 1))
sides = st.one_of(st.integers(1, 5000), st.integers(1, 5000), st.integers(-(2**31), 2**31 - 1))
ratio = st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(1, 2**31 - 1))
rates = st.one_of(st.none(), st.sampled_from([(25, 1), (30000, 1001), (0, 1), (90000, 1), (1, 1000)]), ratio)
rarely = st.integers(0, 9).map(lambda drawn: drawn == 9)
base = st.one_of(
    st.sampled_from([(1, 1000), (1, 90_000), (1, 48_000)]), st.tuples(st.integers(1, 10**9), st.integers(1, 10**9))
)

videos = st.builds(
    RawVideo, width=sides, height=sides, sar=st.one_of(st.none(), ratio), rotation=st.sampled_from([0, 90, 180, 270]),
    average_rate=rates, base_rate=rates, pix_fmt=st.sampled_from([None, "yuv420p", "gbrp", "?"]),
    interlaced=st.booleans(), color_range=st.integers(0, 3), color_primaries=st.integers(0, 30),
    color_trc=st.integers(0, 30), colorspace=st.integers(0, 30),
)  # fmt: skip
sounds = st.builds(RawAudio, channels=whole, layout=st.text(max_size=8), sample_rate=whole)


@st.composite
def times(draw: st.DrawFn) -> RawTimes | None:
    """What the examiner makes of any packets."""
    found = Times()
    origin, step = draw(whole), draw(st.integers(0, 2**32))
    for n, shift in enumerate(draw(st.lists(st.integers(-(2**33), 2**33) | st.just(0), max_size=40))):
        pts = max(-(2**62), min(2**62, origin + n * step + shift))
        found.take(
            SimpleNamespace(
                pts=pts,
                dts=draw(st.none() | whole),
                size=1,
                is_discard=False,
                is_keyframe=n == 0,
                duration=draw(st.just(step) | counts),
            )
        )
    report = found.report(1, 1000)
    return None if report is None else msgspec.convert(report, RawTimes)


@st.composite
def streams(draw: st.DrawFn) -> RawStream:
    kinds: tuple[Literal["video", "audio", "other"], ...] = ("video", "video", "audio", "other")
    kind = draw(st.sampled_from(kinds))
    return RawStream(
        index=draw(st.integers(0, 20)), kind=kind, codec=draw(st.text(max_size=6)),
        decoder=draw(st.sampled_from(["h264", "aac", "png", "gif", "h264", "unheard-of", None])), time_base=draw(base),
        start=draw(st.one_of(st.none(), whole)), duration=draw(st.one_of(st.none(), whole)), frames=draw(whole),
        attached=draw(rarely), default=draw(st.booleans()), decoded=not draw(rarely),
        video=draw(videos) if kind == "video" else None, audio=draw(sounds) if kind == "audio" else None,
        times=draw(st.none() | times()),
    )  # fmt: skip


probes = st.builds(
    RawProbe, container=st.sampled_from(["mov,mp4", "matroska,webm", "gif", "png_pipe", "mp3", "?"]),
    duration=st.one_of(st.none(), whole), streams=st.lists(streams(), min_size=1, max_size=4).map(tuple),
)  # fmt: skip


@SOME
@given(raw=probes)
def test_any_probe_leads_to_facts_that_can_be_worked_with_or_to_a_reason(raw: RawProbe) -> None:
    try:
        judged = judge(raw)
    except UnusableError:
        return
    facts = judged.facts
    assert msgspec.json.decode(msgspec.json.encode(facts), type=MediaFacts).container == raw.container
    assert 0 <= Fraction(facts.duration) <= MAX_SECONDS
    if judged.kind == "audio":
        assert judged.audio is not None and facts.channels is not None
        return
    assert judged.video is not None and facts.frames is not None and facts.frames >= 1
    assert 0 < (facts.width or 0) <= MAX_SIDE and 0 < (facts.height or 0) <= MAX_SIDE
    assert facts.sar is None or min(facts.sar) > 0
    width, height = proxy_size(*display_size(facts))
    assert width % 2 == height % 2 == 0 and 0 < width <= MAX_SIDE
    assert into_bt709(width, height, judged.coding)
    if judged.kind == "video":
        assert facts.fps is not None and MIN_RATE <= facts.fps.fraction <= MAX_RATE
        of = sheet(facts)
        assert 1 <= of.count <= 100 and (of.count - 1) * of.step < facts.frames
        assert index(facts, "/x").startswith("WEBVTT")


words = st.one_of(st.text(max_size=60), st.binary(max_size=30).map(lambda raw: base64.b64encode(raw).decode()))


@SOME
@given(
    text=st.one_of(
        st.text(max_size=200),
        st.lists(st.tuples(words, words), max_size=5).map(
            lambda pairs: ",".join(f"{key} {value}" for key, value in pairs)
        ),
    )
)
def test_any_metadata_is_read_or_refused(text: str) -> None:
    with suppress(HeaderError):
        pairs = tus_headers.metadata(text)
        assert all(key.isascii() and " " not in key and "," not in key for key in pairs)


@SOME
@given(
    pairs=st.dictionaries(
        st.from_regex(r"[!-+\--~]{1,20}", fullmatch=True),
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
        max_size=5,
    )
)
def test_metadata_is_read_as_it_was_meant(pairs: dict[str, str]) -> None:
    text = ",".join(
        f"{key} {base64.b64encode(value.encode(errors='replace')).decode()}" for key, value in pairs.items()
    )
    assert tus_headers.metadata(text) == {key: value.encode(errors="replace").decode() for key, value in pairs.items()}


@SOME
@given(text=st.one_of(st.none(), st.text(max_size=90), words.map(lambda value: f"sha256 {value}")))
def test_any_checksum_is_read_or_refused(text: str | None) -> None:
    with suppress(HeaderError):
        found = tus_headers.checksum(text)
        assert (found is None) == (text is None) and (found is None or len(found.digest) == 32)


@SOME
@given(headers=st.dictionaries(st.sampled_from(["Upload-Offset", "Upload-Length"]), st.text(max_size=25)))
def test_any_count_is_a_count_or_refused(headers: dict[str, str]) -> None:
    for name in ("Upload-Offset", "Upload-Length"):
        with suppress(HeaderError):
            assert 0 <= tus_headers.number(headers, name) < 10**18
