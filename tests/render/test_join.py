"""A proxy is joined without reading what it is made of, and is what a muxer would make of the same packets."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from cutlog.blobs import LocalBlobs
from cutlog.blobs.digests import reported_digest_in
from cutlog.blobs.pieces import MAX_HEAD, Piece, media_box, pieces_of
from cutlog.contract.time import Fps
from cutlog.contract.timeline import MediaRef, Timeline
from services.render.audio.score import Score, score
from services.render.cache import tables
from services.render.cache.earlier import Earlier
from services.render.cache.heads import Laid, head
from services.render.plan.profiles import PROXY
from services.render.plan.segments import Digest, Plan, plan
from services.render.produce import aac
from services.render.produce.join import Joining
from services.render.produce.stitch import stitch
from tests.render.studio import Studio
from tests.render.timelines import lane, sequence, timeline, title
from tests.support.encoders import bundled
from tests.support.painting import Mark, Painter, read_marks

SMALL = (160, 90)
RATE = Fps(30000, 1001)
SHOTS = [(30, 60), (95, 70), (170, 90), (265, 130), (2, 20)]


@pytest.fixture
async def a(studio: Studio, painted: Painter) -> MediaRef:
    return await studio.ingest("a", painted(RATE.fraction, 400, SMALL, tag=1, audio=True))


def film(a: MediaRef, *shots: tuple[int, int], version: int = 1) -> Timeline:
    return timeline(sequence(*shots, of="a"), library=[a], fps=RATE, size=SMALL, version=version)


def planned(studio: Studio, of: Timeline) -> tuple[Plan, Score]:
    sound = score(of, PROXY.bitrate, aac.ENCODER, studio.ffmpeg.identity, snap=PROXY.snap)
    return plan(of, PROXY, studio.maker.engine), sound


def parts(studio: Studio, of: Timeline) -> set[tuple[Digest, int]]:
    """Segments of the cache that a film is made of, and which part of each."""
    pictures, sound = planned(studio, of)
    return {(name, 0) for name in pictures.encoded()} | {(chunk.digest, chunk.played) for chunk in sound.chunks}


def segment(studio: Studio, digest: Digest) -> Path:
    return studio.blobs.root / "segments" / "default" / digest[:2] / f"{digest}.mp4"


def copied_from(studio: Studio, pictures: Plan) -> dict[str, Path]:
    return {sha256: studio.blobs.path(source.key) for sha256, source in pictures.copied().items()}


def muxed(studio: Studio, of: Timeline, out: Path) -> Path:
    """The film as libavformat writes it."""
    pictures, sound = planned(studio, of)
    stitch(pictures, sound, lambda name: segment(studio, name).read_bytes(), copied_from(studio, pictures), out)
    return out


def joined_from_nothing(studio: Studio, of: Timeline, out: Path) -> str:
    """The film, with nothing of an earlier one; its digest."""
    joining = Joining(*planned(studio, of))
    digests, _ = joining.needs()
    files = {digest: segment(studio, digest) for digest in digests}
    return joining.write(files, copied_from(studio, planned(studio, of)[0]), out)


def packets(path: Path) -> list[list[tuple[object, ...]]]:
    """Of each track, all that a demuxer tells of its packets."""
    with av.open(str(path), "r") as container:
        found: list[list[tuple[object, ...]]] = [[] for _ in container.streams]
        for each in container.demux():
            if each.size:
                told = each.pts, each.dts, each.duration, each.time_base, each.is_keyframe, bytes(each)
                found[each.stream.index].append(told)
        return found


def described(path: Path) -> list[tuple[object, ...]]:
    with av.open(str(path), "r") as container:
        streams = [
            (each.start_time, each.duration, each.frames, *coding(each.codec_context)) for each in container.streams
        ]
        return [*streams, (container.duration, container.start_time)]


def coding(context: av.CodecContext) -> tuple[object, ...]:
    return context.name, context.type, context.codec_tag, context.bit_rate, bytes(context.extradata or b"")


def decoded(path: Path) -> list[tuple[int | None, bytes]]:
    with av.open(str(path), "r") as container:
        return [(each.pts, each.to_ndarray().tobytes()) for each in container.decode(video=0)]


def heard(path: Path) -> list[tuple[int | None, bytes]]:
    with av.open(str(path), "r") as container:
        return [(each.pts, each.to_ndarray().tobytes()) for each in container.decode(audio=0)]


class Copies:
    """Bytes that the kernel copied, by calls."""

    def __init__(self, patch: pytest.MonkeyPatch, refusing: int | None = None) -> None:
        self.sizes: list[int] = []
        real, sent = os.copy_file_range, os.sendfile

        def copy(source: int, out: int, count: int, start: int | None = None) -> int:
            if refusing is not None:
                raise OSError(refusing, os.strerror(refusing))
            return self._noted(real(source, out, count, start))

        def send(out: int, source: int, start: int, count: int) -> int:
            assert refusing is not None
            # Less than was asked for, as the kernel may.
            return self._noted(sent(out, source, start, min(count, 5_000)))

        patch.setattr(os, "copy_file_range", copy)
        patch.setattr(os, "sendfile", send)

    def _noted(self, count: int) -> int:
        self.sizes.append(count)
        return count


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> Iterator[Copies]:
    with monkeypatch.context() as patch:
        yield Copies(patch)


def rows(film: bytes) -> set[Piece]:
    pieces = pieces_of(film)
    assert pieces is not None
    return set(pieces.rows)


def media_of(path: Path) -> int:
    """Bytes of media in a film in pieces, none of which is there twice."""
    return sum(row.size for row in rows(path.read_bytes()))


async def test_packets_and_frames_are_those_of_a_film_that_is_muxed(
    studio: Studio, a: MediaRef, tmp_path: Path, copies: Copies
) -> None:
    of = film(a, *SHOTS)
    output = await studio.proxy(of)
    path, other = studio.path(output), muxed(studio, of, tmp_path / "muxed.mp4")
    assert packets(path) == packets(other)
    assert described(path) == described(other)
    assert decoded(path) == decoded(other)
    assert heard(path) == heard(other)
    assert read_marks(path) == [Mark(1, n) for start, frames in SHOTS for n in range(start, start + frames)]
    assert sum(copies.sizes) == media_of(path), "all media, and nothing else, is copied by the kernel"
    assert reported_digest_in(path, output.key) == output.sha256
    assert output.size == path.stat().st_size


async def test_what_an_earlier_version_has_is_copied_in_a_row_and_nothing_of_it_is_read(
    studio: Studio, a: MediaRef, tmp_path: Path, copies: Copies
) -> None:
    output = await studio.proxy(film(a, *SHOTS))
    first, singly = studio.path(output).read_bytes(), len(copies.sizes)
    copies.sizes.clear()
    kept = {name: segment(studio, Digest(name)).read_bytes() for name in studio.segments()}
    for name in kept:  # were it read, it would be found damaged, and made anew
        segment(studio, Digest(name)).write_bytes(b"x" * 100)
    shots = [(33, 57), *SHOTS[1:]]
    edited = film(a, *shots, version=2)
    output = await studio.proxy(edited)
    both = parts(studio, film(a, *SHOTS)) & parts(studio, edited)
    assert len(both) > len(kept) / 2
    assert {segment(studio, name).read_bytes() for name, _ in both} == {b"x" * 100}
    new = rows(studio.path(output).read_bytes()) - rows(first)
    assert 0 < len(new) < len(rows(first)) / 2
    assert len(copies.sizes) <= 2 * len(new) + 1 < singly
    assert sum(copies.sizes) == media_of(studio.path(output))
    assert read_marks(studio.path(output)) == [
        Mark(1, n) for start, count in shots for n in range(start, start + count)
    ]
    for name, data in kept.items():
        segment(studio, Digest(name)).write_bytes(data)
    assert joined_from_nothing(studio, edited, tmp_path / "film") == output.sha256
    assert (tmp_path / "film").read_bytes() == studio.path(output).read_bytes()
    # An older version is made of a newer one as well.
    path = studio.path(output).with_name("v1_proxy.mp4")
    path.unlink()
    await studio.proxy(film(a, *SHOTS))
    assert path.read_bytes() == first


@pytest.mark.slow(reason="renders one more example of its kind")
@pytest.mark.parametrize("refusing", [errno.EXDEV, errno.EOPNOTSUPP])
async def test_between_file_systems_and_a_few_bytes_at_a_time_it_is_the_same(
    studio: Studio, a: MediaRef, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusing: int
) -> None:
    of = film(a, *SHOTS)
    path = studio.path(await studio.proxy(of))
    with monkeypatch.context() as patch:
        copies = Copies(patch, refusing)
        joined_from_nothing(studio, of, tmp_path / "film")
    assert sum(copies.sizes) == media_of(path)
    assert (tmp_path / "film").read_bytes() == path.read_bytes()


async def test_what_a_power_cut_tore_is_not_handed_on(studio: Studio, a: MediaRef) -> None:
    """An earlier film that was written before the machine started is read before anything is taken from it."""
    path = studio.path(await studio.proxy(film(a, *SHOTS)))
    data = bytearray(path.read_bytes())
    at = len(data) - media_of(path)
    data[at + 3 :: 4096] = bytes(len(data[at + 3 :: 4096]))
    path.write_bytes(data)
    os.utime(path, (1, 1))
    output = await studio.proxy(film(a, (33, 57), *SHOTS[1:], version=2))
    assert reported_digest_in(studio.path(output), output.key) == output.sha256
    shots = [(33, 57), *SHOTS[1:]]
    assert read_marks(studio.path(output)) == [
        Mark(1, n) for start, count in shots for n in range(start, start + count)
    ]


@pytest.mark.slow(reason="renders two more films")
async def test_what_is_no_film_in_pieces_is_not_used(studio: Studio, a: MediaRef, tmp_path: Path) -> None:
    """Such as a proxy that an earlier build muxed, one that is not whole, and one of another rate."""
    of = film(a, *SHOTS)
    output = await studio.proxy(of)
    path, whole = studio.path(output), studio.path(output).read_bytes()
    later = film(a, *SHOTS, version=2)
    for other in (muxed(studio, of, tmp_path / "muxed.mp4").read_bytes(), whole[:-1], whole[:300], b""):
        path.write_bytes(other)
        second = await studio.proxy(later)
        assert second.sha256 == output.sha256
        studio.path(second).unlink()
    path.write_bytes(whole)
    faster = timeline(lane(title(0, 30)), fps=Fps(25, 1), size=SMALL, version=2)
    assert (await studio.proxy(faster)).frames == 30


def test_beyond_4_gib_places_have_64_bits(tmp_path: Path) -> None:
    """And beyond some hours, lengths of the movie have."""
    like = described_by(tmp_path)
    count, size = 400_000, (5 << 30) // 400_000
    numbers = np.arange(count)
    laid = Laid(
        like=like, timescale=12_800, sizes=np.full(count, size), dts=numbers * 512, pts=numbers * 512,
        keys=numbers % 25 == 0, early=0, last=512, shown=count * 512, packets=np.full(count // 25, 25),
        offsets=np.arange(count // 25) * 25 * size,
    )  # fmt: skip
    start = head([laid, laid], 192_000, count * size, b"") + media_box(count * size)
    assert len(start) < MAX_HEAD
    track = tables.pictures(tables.moov_of(start))
    assert (track.offsets == len(start) + numbers * size).all()
    assert (track.dts == laid.dts).all()
    assert (track.keys == laid.keys).all()
    (tmp_path / "long.mp4").write_bytes(start)
    os.truncate(tmp_path / "long.mp4", len(start) + count * size)  # takes no room: it is a hole
    with av.open(str(tmp_path / "long.mp4"), "r") as container:
        assert container.streams.video[0].frames == count
        assert container.streams.video[0].duration == count * 512
        assert Fraction(container.duration or 0, av.time_base) == Fraction(count, 25)


def described_by(folder: Path) -> bytes:
    """The `trak` of a track of pictures."""
    path = folder / "like.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height = SMALL
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((90, 160, 3), np.uint8))))
        container.mux(stream.encode(None))
    return tables.pictures(tables.moov_of(path.read_bytes())).trak


MEASURE = """
import asyncio, resource, sys
from tests.render.test_join import joins

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

join = asyncio.run(joins(sys.argv[1]))
before = peak()
join()
print(peak() - before)
"""


async def joins(folder: str) -> Callable[[], object]:
    """What joins an hour of film, once with nothing before it, then after an edit."""
    studio = Studio(bundled(), LocalBlobs(Path(folder) / "objects", "secret"))
    a = await studio.ingest("a", Path(folder) / "clip.mp4")
    hour = [film(a, (first, 30), *[(30 * (n % 12), 30) for n in range(3_600)], version=first) for first in (1, 2)]
    made = [await studio.proxy(each) for each in hour]
    work = [planned(studio, each) for each in hour]

    def join() -> None:
        out = Path(folder) / "film"
        for (pictures, sound), earlier in zip(work, (None, studio.path(made[0])), strict=True):
            with ExitStack() as opened:
                found = None if earlier is None else opened.enter_context(Earlier.opened(earlier, RATE))
                joining = Joining(pictures, sound, found)
                files = {digest: segment(studio, digest) for digest in joining.needs()[0]}
                joining.write(files, copied_from(studio, pictures), out)
            assert out.stat().st_size > 3_600 * 1_000

    return join


@pytest.mark.slow(reason="joins an hour of film twice")
def test_an_hour_is_joined_in_little_memory(painted: Painter, tmp_path: Path) -> None:
    clip = painted(RATE.fraction, 400, SMALL, tag=1, audio=True)
    (tmp_path / "clip.mp4").write_bytes(clip.read_bytes())
    ended = subprocess.run([sys.executable, "-c", MEASURE, str(tmp_path)], capture_output=True, text=True, check=True)
    assert int(ended.stdout.split()[-1]) <= 64
